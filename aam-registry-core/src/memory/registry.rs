use super::{InsecurePasswords, InsecureSecrets, MemoryArchives, MemoryLimiter, MemoryMetadata, MemorySessions};
use crate::registry::{Registry, RegistryBuilder};

/// A registry all in memory, which limits nobody; any port can still be replaced.
///
/// ```
/// use aam_registry_core::memory;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = memory::registry().build()?;
/// # Ok(())
/// # }
/// ```
pub fn registry() -> RegistryBuilder {
    Registry::builder()
        .database(MemoryMetadata::new())
        .archives(MemoryArchives::new())
        .rate_limiter(MemoryLimiter::unlimited())
        .passwords(InsecurePasswords)
        .sessions(MemorySessions::new())
        .secrets(InsecureSecrets)
}
