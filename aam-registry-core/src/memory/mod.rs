//! In-memory versions of the ports, for examples and tests.

mod archives;
mod metadata;
mod passwords;
mod rate_limit;
mod sessions;

pub use archives::MemoryArchives;
pub use metadata::MemoryMetadata;
pub use passwords::InsecurePasswords;
pub use rate_limit::MemoryLimiter;
pub use sessions::MemorySessions;
