//! In-memory versions of the ports, for examples and tests.

mod archives;
mod change_feed;
mod id_tokens;
mod mailer;
mod metadata;
mod passwords;
mod rate_limit;
mod registry;
mod secrets;
mod sessions;
mod shared_cache;

pub use archives::MemoryArchives;
pub use change_feed::MemoryChanges;
pub use id_tokens::InsecureIdTokens;
pub use mailer::MemoryMailer;
pub use metadata::MemoryMetadata;
pub use passwords::InsecurePasswords;
pub use rate_limit::MemoryLimiter;
pub use registry::registry;
pub use secrets::InsecureSecrets;
pub use sessions::MemorySessions;
pub use shared_cache::MemorySharedCache;
