use super::{
    AccountStore, ArchiveIndex, AuditLog, CommandHandler, DownloadStore, JobQueue, PackageStore, PublishStore,
    QueryHandler, ScopeStore, SessionStore, TokenStore, UserStore,
};

/// All metadata ports in one store: what a transaction of one of them changes, the others see.
pub trait Database:
    CommandHandler
    + QueryHandler
    + PackageStore
    + ArchiveIndex
    + PublishStore
    + DownloadStore
    + UserStore
    + AccountStore
    + SessionStore
    + TokenStore
    + ScopeStore
    + AuditLog
    + JobQueue
{
}

impl<S> Database for S where
    S: CommandHandler
        + QueryHandler
        + PackageStore
        + ArchiveIndex
        + PublishStore
        + DownloadStore
        + UserStore
        + AccountStore
        + SessionStore
        + TokenStore
        + ScopeStore
        + AuditLog
        + JobQueue
{
}
