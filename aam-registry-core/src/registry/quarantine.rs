use jiff::Timestamp;

use super::{Registry, View, version_changes::message};
use crate::{
    decide::{Action, QuarantineChange, QuarantineCommand, Quarantined},
    error::{Error, Result},
    ports::{CommandHandlerExt, QueryHandlerExt, RecallsSince},
    types::{AuditEvent, ModerationCategory, PackageName, Principal, RecallList, RecallQuery, Version},
};

/// The most recalls of one answer.
const MAX_RECALLS: usize = 1000;

impl Registry {
    /// Puts a version into quarantine: only its owners, moderators, administrators and auditors know of it any more,
    /// and only moderators get its contents. A download that is being sent is sent to its end.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::PackageNotFound`], [`Error::VersionNotFound`], [`Error::VersionGone`];
    /// [`Error::InvalidRequest`] without a reason.
    pub async fn quarantine(
        &self,
        by: &Principal,
        name: &PackageName,
        version: &Version,
        category: ModerationCategory,
        reason: &str,
    ) -> Result<Quarantined> {
        let reason = message("reason", Some(reason.to_owned()))?
            .ok_or_else(|| Error::invalid_request("`reason` is empty; say why, for those who have the version"))?;
        self.moderate(by, name, version, QuarantineChange::Impose { category, reason }).await
    }

    /// Lets a version out of quarantine. Tags that the quarantine removed stay removed.
    ///
    /// # Errors
    /// Those of [`quarantine`](Self::quarantine).
    pub async fn release(&self, by: &Principal, name: &PackageName, version: &Version) -> Result<Quarantined> {
        self.moderate(by, name, version, QuarantineChange::Lift).await
    }

    /// Removes a version for good that is in quarantine. Its number is never used again, and its bytes are deleted
    /// once no download can be reading them any more.
    ///
    /// # Errors
    /// Those of [`quarantine`](Self::quarantine); [`Error::InvalidRequest`] for a version that is in none.
    pub async fn remove_version(&self, by: &Principal, name: &PackageName, version: &Version) -> Result<Quarantined> {
        self.moderate(by, name, version, QuarantineChange::Remove).await
    }

    async fn moderate(
        &self,
        by: &Principal,
        name: &PackageName,
        version: &Version,
        change: QuarantineChange,
    ) -> Result<Quarantined> {
        self.require_office_right(by, Action::Quarantine, name).await?;
        let version = self.seen_by(by).version(name, version).await?.summary.version;
        let event = match &change {
            QuarantineChange::Impose { .. } => AuditEvent::VersionQuarantine,
            QuarantineChange::Lift => AuditEvent::VersionRelease,
            QuarantineChange::Remove => AuditEvent::VersionRemove,
        };
        let mut audit = self.entry(event, by, name).with_version(&version);
        if let QuarantineChange::Impose { category, reason } = &change {
            audit = audit.with("category", category.as_str()).with("reason", reason.as_str());
        }
        let command = QuarantineCommand {
            actor: by.actor(),
            package: name.clone(),
            version: version.clone(),
            change,
            tags: self.policy().tags.clone(),
            latest_policy: self.policy().latest,
            now: audit.timestamp,
            audit,
        };
        let done = self.inner().commands.execute(&command).await?;
        tracing::warn!(
            event = "version_moderated",
            user = %by.username,
            package = %name,
            version = %version,
            status = done.status.as_str(),
            "a moderator decided about a version",
        );
        Ok(done)
    }
}

impl View<'_> {
    /// The versions that were put into quarantine, let out again or removed `since` then, in that order. Those of
    /// packages that the viewer does not see are not among them.
    ///
    /// # Errors
    /// A backend error of kind database.
    pub async fn recalls(&self, since: Option<Timestamp>) -> Result<RecallList> {
        let query = RecallQuery { since, sight: self.sight().await?, limit: MAX_RECALLS };
        self.inner().queries.ask(RecallsSince(query)).await
    }
}
