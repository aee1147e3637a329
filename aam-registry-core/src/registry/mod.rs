//! What the registry does: one plain async method a use case, on a cheap
//! clonable [`Registry`] over the ports.
//!
//! Nothing here knows HTTP, a database or an object store. A caller decodes a
//! request, calls one method with a [`Principal`](crate::types::Principal)
//! where somebody must be known, and encodes the answer.

mod accounts;
mod audit;
mod authenticate;
mod builder;
mod changes;
mod contents;
mod counting;
mod download;
mod events;
mod handle;
mod owners;
mod packages;
mod places;
mod policy;
mod publish;
mod queue;
mod reserved;
mod resolve;
mod search;
mod storage;
mod sweep;
mod totals;
mod view;
mod webhooks;

pub use accounts::{
    Account, AccountDescription, NewAccount, OPERATOR, OwnAccountChange, PasswordResetLink, Registration, SessionToken,
    TokenRequest,
};
pub(crate) use accounts::{
    DONE, LINK, MAX_PASSWORD_BYTES, MAX_TOKEN_NAME, MAX_TOKEN_PATTERNS, MIN_PASSWORD_CHARS, REQUESTED, STEP,
};
pub use builder::{BuildError, RegistryBuilder};
pub(crate) use changes::MAX_MESSAGE;
pub use changes::Unyanked;
pub use contents::{FileContent, ListedFile};
pub use counting::DownloadTally;
pub use events::Events;
pub use handle::Registry;
pub use policy::{Policy, RegistrationPolicy};
pub use publish::{Publish, PublishOptions, PublishReceipt};
pub(crate) use resolve::{MAX_PACKAGES, require_few};
pub use storage::{
    CleanupOptions, CleanupReport, Damage, Garbage, GarbageFate, GarbageKind, StorageOwner, Suspicion, VerifyReport,
};
pub use sweep::SweepReport;
pub use view::View;
pub use webhooks::{WebhookRequest, WebhookSecretUpdate, WebhookUpdate};
