use std::collections::BTreeMap;

use super::Registry;
use crate::{
    decide::{Action, Rights, TagChange, TextChange, Unyank, Yank, Yanked},
    error::{Error, Result},
    ports::CommandHandlerExt,
    types::{AuditEvent, DistTag, NewAuditEntry, PackageName, Principal, Version, VersionText},
};

/// The longest reason of a yank and text of a version, in characters.
pub(crate) const MAX_MESSAGE: usize = 512;

/// A yank that was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unyanked {
    /// The version as published.
    pub version: Version,
    /// The tags this moved.
    pub moved_tags: BTreeMap<DistTag, Version>,
}

impl Registry {
    /// Withdraws a version from resolution; it stays downloadable.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::PackageNotFound`], [`Error::VersionNotFound`].
    pub async fn yank(
        &self,
        by: &Principal,
        name: &PackageName,
        version: &Version,
        reason: Option<String>,
    ) -> Result<Yanked> {
        self.require_right(by, Action::Yank, name).await?;
        let reason = message("reason", reason)?;
        let version = self.seen_by(by).described_version(name, version).await?.summary.version;
        let mut audit = self.entry(AuditEvent::VersionYank, by, name).with_version(&version);
        if let Some(reason) = &reason {
            audit = audit.with("reason", reason.as_str());
        }
        let yank = Yank {
            actor: by.actor(),
            package: name.clone(),
            version,
            reason,
            latest_policy: self.policy().latest,
            now: audit.timestamp,
            audit,
        };
        let yanked = self.inner().commands.execute(&yank).await?;
        tracing::info!(
            event = "version_yanked",
            user = %by.username,
            package = %name,
            version = %yanked.version,
            "version yanked",
        );
        self.notice_yank(by, name);
        Ok(yanked)
    }

    /// Takes a yank back; tags it removed stay removed.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::PackageNotFound`], [`Error::VersionNotFound`].
    pub async fn unyank(&self, by: &Principal, name: &PackageName, version: &Version) -> Result<Unyanked> {
        self.require_right(by, Action::Yank, name).await?;
        let version = self.seen_by(by).described_version(name, version).await?.summary.version;
        let audit = self.entry(AuditEvent::VersionUnyank, by, name).with_version(&version);
        let unyank = Unyank {
            actor: by.actor(),
            package: name.clone(),
            version: version.clone(),
            latest_policy: self.policy().latest,
            now: audit.timestamp,
            audit,
        };
        let moved_tags = self.inner().commands.execute(&unyank).await?;
        tracing::info!(
            event = "version_unyanked",
            user = %by.username,
            package = %name,
            version = %version,
            "yank taken back",
        );
        Ok(Unyanked { version, moved_tags })
    }

    /// Sets a text of a version, such as the warning that clients show for it; `None` removes it.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::PackageNotFound`], [`Error::VersionNotFound`].
    pub async fn change_text(
        &self,
        by: &Principal,
        name: &PackageName,
        version: &Version,
        text: VersionText,
        value: Option<String>,
    ) -> Result<()> {
        self.require_right(by, Action::of_text(text), name).await?;
        let value = message("message", value)?;
        let version = self.seen_by(by).described_version(name, version).await?.summary.version;
        let audit = self.entry(text.event(), by, name).with_version(&version).with("message", value.clone());
        let (actor, package) = (by.actor(), name.clone());
        let change = TextChange { actor, package, version: version.clone(), text, value, now: audit.timestamp, audit };
        self.inner().commands.execute(&change).await?;
        tracing::info!(
            event = text.log_event(),
            user = %by.username,
            package = %name,
            version = %version,
            set = change.value.is_some(),
            "text of a version changed",
        );
        Ok(())
    }

    /// Lets a dist-tag, `latest` included, name a version; gives the version
    /// as published.
    ///
    /// # Errors
    /// [`Error::TagNotAllowed`], [`Error::InvalidTag`], [`Error::Forbidden`],
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`].
    pub async fn set_tag(
        &self,
        by: &Principal,
        name: &PackageName,
        tag: &DistTag,
        version: &Version,
    ) -> Result<Version> {
        self.require_right(by, Action::Tag, name).await?;
        let version = self.seen_by(by).described_version(name, version).await?.summary.version;
        let audit = self.entry(AuditEvent::TagSet, by, name).with_version(&version).with("tag", tag.as_str());
        let change = self.tag_change(by, name, tag, Some(version.clone()), audit);
        self.inner().commands.execute(&change).await?;
        tracing::info!(
            event = "tag_set",
            user = %by.username,
            package = %name,
            version = %version,
            tag = %tag,
            "dist-tag set",
        );
        Ok(version)
    }

    /// Removes a dist-tag other than `latest`.
    ///
    /// # Errors
    /// [`Error::InvalidTag`] for `latest`, [`Error::TagNotFound`],
    /// [`Error::Forbidden`], [`Error::PackageNotFound`].
    pub async fn remove_tag(&self, by: &Principal, name: &PackageName, tag: &DistTag) -> Result<()> {
        self.require_right(by, Action::Tag, name).await?;
        let audit = self.entry(AuditEvent::TagRemove, by, name).with("tag", tag.as_str());
        let change = self.tag_change(by, name, tag, None, audit);
        self.inner().commands.execute(&change).await?;
        tracing::info!(event = "tag_removed", user = %by.username, package = %name, tag = %tag, "dist-tag removed");
        Ok(())
    }
}

impl Registry {
    fn tag_change(
        &self,
        by: &Principal,
        name: &PackageName,
        tag: &DistTag,
        version: Option<Version>,
        audit: NewAuditEntry,
    ) -> TagChange {
        let (actor, package, tag) = (by.actor(), name.clone(), tag.clone());
        let rules = self.policy().tags.clone();
        TagChange { actor, package, tag, version, rules, now: audit.timestamp, audit }
    }

    /// Asks the gate whether `by` may do `action` to a package, before anything
    /// is told of what is in it. The transaction of a change asks for the right again.
    pub(super) async fn require_right(&self, by: &Principal, action: Action, name: &PackageName) -> Result<()> {
        action.require_credential(by, Some(name))?;
        let rights = self.inner().packages.rights(&by.actor(), name).await?;
        rights.ok_or_else(|| Error::PackageNotFound(name.clone()))?.require(action, name)
    }
}

impl Registry {
    /// The same for an action of those who look after the whole registry, who may do it to what is theirs to look after
    /// in a private package too.
    pub(super) async fn require_office_right(&self, by: &Principal, action: Action, name: &PackageName) -> Result<()> {
        action.require_credential(by, Some(name))?;
        let rights = match self.inner().packages.rights(&by.actor(), name).await? {
            Some(rights) => rights,
            None => Some(Rights::of_account(by.acting_roles()))
                .filter(|rights| rights.permit(action))
                .ok_or_else(|| Error::PackageNotFound(name.clone()))?,
        };
        rights.require_everywhere(action)
    }
}

/// A message worth keeping: without surrounding space, `None` where empty.
pub(super) fn message(field: &str, text: Option<String>) -> Result<Option<String>> {
    let Some(text) = text else { return Ok(None) };
    let text = text.trim();
    if text.chars().count() > MAX_MESSAGE {
        return Err(Error::invalid_request(format!("`{field}` is longer than {MAX_MESSAGE} characters; shorten it")));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}
