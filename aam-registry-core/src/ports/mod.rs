//! The interfaces to external services, one trait per file.
//!
//! Every port is object-safe and is shared as `Arc<dyn Port>`; if `T` implements a port, `Arc<T>` does
//! too. Ports use only domain types, except for redirects (a `Uri` for a `Method`) and the request head
//! that an [`Authenticator`] reads. One method is one transaction: no begin or commit crosses a port. Changes
//! are commands of [`decide`](crate::decide), which a [`CommandHandler`] executes: it loads the command's
//! facts inside its transaction, lets the command decide, and applies the result: all of it, including the
//! audit entries, or nothing.

mod accounts;
mod archive_index;
mod archive_source;
mod archives;
mod audit;
mod authenticator;
mod cdn;
mod change_feed;
mod clock;
mod commands;
mod database;
mod downloads;
mod job_handler;
mod jobs;
mod login_sessions;
mod mailer;
mod packages;
mod passwords;
mod publishing;
mod queries;
mod rate_limit;
mod scanner_signatures;
mod scopes;
mod secrets;
mod sessions;
mod shared;
mod shared_cache;
mod spans;
mod tokens;
mod trusted_publishers;
mod users;
mod webhooks;

pub use accounts::AccountStore;
pub use archive_index::ArchiveIndex;
pub use archive_source::ArchiveSource;
pub use archives::{ArchiveContent, ArchiveStore, ArchiveWriter, StoredArchive};
pub use audit::AuditLog;
pub use authenticator::Authenticator;
pub use cdn::Cdn;
pub use change_feed::{ChangeEvent, ChangeFeed};
pub use clock::{Clock, SystemClock};
pub use commands::{CommandHandler, CommandHandlerExt};
pub use database::Database;
pub use downloads::DownloadStore;
pub use job_handler::{JobFailure, JobHandler, JobRetry};
pub use jobs::JobQueue;
pub use login_sessions::SessionStore;
pub use mailer::{MailFailure, Mailer};
pub use packages::PackageStore;
pub use passwords::PasswordHasher;
pub use publishing::PublishStore;
pub use queries::*;
pub use rate_limit::{RateClass, RateLimiter};
pub use scanner_signatures::{ScannerSignature, ScannerSignatures};
pub use scopes::ScopeStore;
pub use secrets::SecretSealer;
pub use sessions::{Session, SessionSigner};
pub use shared_cache::{Cached, SharedCache, Stamp};
pub use spans::SPANS;
pub use tokens::{TokenHolder, TokenStore};
pub use trusted_publishers::{IdTokenVerifier, PublisherHolder};
pub use users::{Login, UserStore};
pub use webhooks::{WebhookAnswer, WebhookMessage, WebhookSender};
