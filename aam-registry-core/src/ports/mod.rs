//! What the registry needs from outside, one trait a file.
//!
//! Every port is object-safe, speaks domain types only (but for a redirect,
//! which is a `Uri` for a `Method`, and for the head of a request that an
//! [`Authenticator`] reads), and is shared as `Arc<dyn Port>`; what implements
//! a port does so in an `Arc` too. One
//! method is one transaction: no begin or commit crosses a port. A method that
//! changes something on behalf of an [`Actor`] checks inside its transaction
//! that the actor still exists, is not disabled and holds a live credential
//! ([`Error::Unauthorized`]), and what [`Rights`] the actor has
//! ([`Error::Forbidden`]); it appends the audit entry it is given in the same
//! transaction, if and only if it changes something.
//!
//! [`Actor`]: crate::types::Actor
//! [`Rights`]: crate::types::Rights
//! [`Error::Unauthorized`]: crate::Error::Unauthorized
//! [`Error::Forbidden`]: crate::Error::Forbidden

mod accounts;
mod archive_index;
mod archive_source;
mod archives;
mod audit;
mod authenticator;
mod changes;
mod clock;
mod database;
mod downloads;
mod packages;
mod passwords;
mod publishing;
mod rate_limit;
mod scopes;
mod sessions;
mod shared;
mod shared_cache;
mod tokens;
mod users;

pub use accounts::{
    AccountActor, AccountChange, AccountFacts, AccountStore, AccountUpdate, ChangedAccount, RevokedTokens,
    TokenRevocation,
};
pub use archive_index::ArchiveIndex;
pub use archive_source::ArchiveSource;
pub use archives::{ArchiveContent, ArchiveStore, ArchiveWriter, StoredArchive};
pub use audit::AuditLog;
pub use authenticator::Authenticator;
pub use changes::{Change, ChangeEvent, ChangeFeed};
pub use clock::{Clock, SystemClock};
pub use database::Database;
pub use downloads::DownloadStore;
pub use packages::PackageStore;
pub use passwords::PasswordHasher;
pub use publishing::{
    Deprecation, OwnerChange, PublishCheck, PublishCommit, PublishStore, Published, TagChange, Unyank, VersionStore,
    Yank, Yanked,
};
pub use rate_limit::{RateClass, RateDecision, RateLimiter};
pub use scopes::{MemberChange, ScopeStore};
pub use sessions::{Session, SessionSigner};
pub use shared_cache::{Cached, SharedCache, Stamp};
pub use tokens::{TokenHolder, TokenStore};
pub use users::{Login, NewUser, UserStore};
