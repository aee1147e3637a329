//! Read-only mode: whether the registry is in it, and the gate that no change passes meanwhile.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    decide::{PublishCheck, PublishCommit, Published, Request, require_writable},
    error::Result,
    ports::{Clock, CommandHandler, PublishStore, QueryHandler, QueryHandlerExt, ReadOnlySwitch},
    types::{NewUpload, ReadOnlyMode, Upload, UploadId},
};

/// For how long what is known of the switch is relied upon, so that every replica follows it within a second.
const KNOWN_FOR: Duration = Duration::from_millis(500);

/// Who set the mode, where it is configured.
const CONFIGURATION: &str = "configuration";

/// Knows whether the registry is read-only.
pub(super) struct ReadOnlyGate {
    /// The mode of a process that is configured to be read-only, whatever the database says.
    configured: Option<ReadOnlyMode>,
    queries: Arc<dyn QueryHandler>,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    mode: Option<ReadOnlyMode>,
    /// When that was asked for, by [`Clock::elapsed`].
    at: Option<Duration>,
}

impl ReadOnlyGate {
    pub(super) fn new(is_configured: bool, queries: Arc<dyn QueryHandler>, clock: Arc<dyn Clock>) -> Self {
        let configured =
            is_configured.then(|| ReadOnlyMode { since: clock.now(), by: CONFIGURATION.to_owned(), reason: None });
        Self { configured, queries, clock, known: Mutex::default() }
    }

    /// The mode as it was within the last half second.
    ///
    /// # Errors
    /// A backend error of kind database.
    pub(super) async fn mode(&self) -> Result<Option<ReadOnlyMode>> {
        if self.configured.is_some() {
            return Ok(self.configured.clone());
        }
        let now = self.clock.elapsed();
        let known = self.last_known();
        if known.at.is_some_and(|at| now.saturating_sub(at) < KNOWN_FOR) {
            return Ok(known.mode);
        }
        let mode = self.queries.ask(ReadOnlySwitch(())).await?;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Known { mode: mode.clone(), at: Some(now) };
        Ok(mode)
    }

    pub(super) async fn require_writable(&self) -> Result<()> {
        require_writable(self.mode().await?.as_ref())
    }

    /// The mode as it was when the database was asked last.
    pub(super) fn known_mode(&self) -> Option<ReadOnlyMode> {
        self.configured.clone().or_else(|| self.last_known().mode)
    }

    fn last_known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes the next question read the switch.
    fn doubt(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).at = None;
    }
}

impl fmt::Debug for ReadOnlyGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadOnlyGate").field("configured", &self.configured).finish_non_exhaustive()
    }
}

/// Executes commands, but while the registry is read-only only those that
/// [work then](Request::works_read_only).
#[derive(Debug)]
pub(super) struct GatedCommands {
    pub(super) commands: Arc<dyn CommandHandler>,
    pub(super) gate: Arc<ReadOnlyGate>,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl CommandHandler for GatedCommands {
    async fn handle(&self, request: Request) -> Result<()> {
        if !request.works_read_only() {
            self.gate.require_writable().await?;
        }
        let is_switch = matches!(request, Request::SetReadOnly(_));
        let handled = self.commands.handle(request).await;
        if is_switch {
            self.gate.doubt();
        }
        handled
    }
}

/// Publishes, but while the registry is read-only neither begins nor commits an upload.
#[derive(Debug)]
pub(super) struct GatedPublishing {
    pub(super) publishing: Arc<dyn PublishStore>,
    pub(super) gate: Arc<ReadOnlyGate>,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl PublishStore for GatedPublishing {
    async fn begin_upload(&self, upload: &NewUpload) -> Result<()> {
        self.gate.require_writable().await?;
        self.publishing.begin_upload(upload).await
    }

    async fn renew_upload(&self, id: UploadId, lease: Duration) -> Result<bool> {
        self.publishing.renew_upload(id, lease).await
    }

    async fn check_publish(&self, check: &PublishCheck) -> Result<()> {
        self.publishing.check_publish(check).await
    }

    async fn commit_publish(&self, commit: &PublishCommit) -> Result<Published> {
        self.gate.require_writable().await?;
        self.publishing.commit_publish(commit).await
    }

    async fn abandon_uploads(&self, limit: usize) -> Result<usize> {
        self.publishing.abandon_uploads(limit).await
    }

    async fn abandoned_uploads(&self, ago: Duration, limit: usize) -> Result<Vec<Upload>> {
        self.publishing.abandoned_uploads(ago, limit).await
    }

    async fn forget_upload(&self, id: UploadId) -> Result<()> {
        self.publishing.forget_upload(id).await
    }
}
