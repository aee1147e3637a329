use super::{
    AccountStore, ArchiveIndex, AuditLog, DownloadStore, JobQueue, PackageStore, PublishStore, PublisherStore,
    ScopeStore, TokenStore, UserStore, VersionStore, WebhookStore,
};

/// All metadata ports in one store: what a transaction of one of them changes, the others see.
pub trait Database:
    PackageStore
    + ArchiveIndex
    + PublishStore
    + VersionStore
    + DownloadStore
    + UserStore
    + AccountStore
    + TokenStore
    + ScopeStore
    + AuditLog
    + JobQueue
    + WebhookStore
    + PublisherStore
{
}

impl<S> Database for S where
    S: PackageStore
        + ArchiveIndex
        + PublishStore
        + VersionStore
        + DownloadStore
        + UserStore
        + AccountStore
        + TokenStore
        + ScopeStore
        + AuditLog
        + JobQueue
        + WebhookStore
        + PublisherStore
{
}
