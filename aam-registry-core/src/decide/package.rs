//! What the commands about a package have in common.

use std::fmt::Debug;

use jiff::Timestamp;

use super::{Action, CallerFacts, Changes, Decision, LatestFacts, Rights, Shown, Write, YankState, shown};
use crate::{
    error::{Error, Result},
    types::{
        Actor, ApprovalStatus, ArchiveKey, Change, DistTag, EvalName, EvalStatus, Gates, NewAuditEntry, PackageName,
        ScopeRole, UserId, Username, Version, VersionStatus, VersionTexts, Visibility,
    },
};

/// A command about a package that exists. Adapters handle all of them alike: they load what the command
/// [reads](Self::reads) and apply what it [decides](Self::decide).
pub trait PackageCommand: Clone + Debug + Send + Sync + 'static {
    /// The answer to the caller.
    type Answer: Debug + Send + 'static;

    /// What has to be loaded.
    fn reads(&self) -> PackageReads<'_>;

    /// The cache entries that this invalidates.
    fn invalidates(&self) -> Change {
        Change::Package(self.reads().package.clone())
    }

    /// What follows from it.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::PackageNotFound`],
    /// [`Error::Forbidden`], in this order, and then what the command itself
    /// refuses.
    fn decide(&self, facts: &PackageFacts) -> Result<Decision<'_, Self::Answer>>;
}

/// What a command about a package has to know.
#[derive(Clone, Copy, Debug)]
pub struct PackageReads<'a> {
    /// Who acts.
    pub actor: &'a Actor,
    /// The package.
    pub package: &'a PackageName,
    /// The version to read; build metadata does not matter.
    pub version: Option<&'a Version>,
    /// Whether to read what `latest` names and is chosen from.
    pub latest: bool,
    /// The dist-tag other than `latest` to read.
    pub tag: Option<&'a DistTag>,
    /// The user to read, and what that user is to the package.
    pub user: Option<&'a Username>,
    /// Whether to read the gates of its dist-tags.
    pub gates: bool,
    /// Whether to count its dist-tags even if none of them is read.
    pub counts_tags: bool,
}

impl<'a> PackageReads<'a> {
    /// Reads only the actor's relation to the package.
    pub(super) fn of(actor: &'a Actor, package: &'a PackageName) -> Self {
        Self { actor, package, version: None, latest: false, tag: None, user: None, gates: false, counts_tags: false }
    }
}

/// The actor's relation to a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageAccess {
    /// Who acts.
    pub caller: CallerFacts,
    /// Whether the actor is listed as an owner of the package itself.
    pub package_owner: bool,
    /// The actor's role in the scope of the package's name.
    pub scope_role: Option<ScopeRole>,
    /// Whether that scope demands a second factor of those who change something in it.
    pub scope_requires_2fa: bool,
    /// The package, if it exists.
    pub package: Option<PackageState>,
}

/// The facts about a package itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackageState {
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who may see it.
    pub visibility: Visibility,
    /// Whether nobody but its trusted publishers may publish it.
    pub trusted_only: bool,
    /// Whether it has a version that everybody sees who sees the package.
    pub has_open_version: bool,
}

/// What a command about a package is decided by; as much of it as the command
/// [reads](PackageReads).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageFacts {
    /// The actor's relation to the package.
    pub access: PackageAccess,
    /// The version, if it exists.
    pub version: Option<VersionState>,
    /// What `latest` names and is chosen from.
    pub latest: LatestFacts,
    /// The version that the tag names, if the tag exists.
    pub tag: Option<Version>,
    /// How many tags the package has beside `latest`, if the command reads one of them or counts them.
    pub tag_count: u64,
    /// The user, if it exists.
    pub user: Option<OwnerState>,
    /// The gates of its dist-tags.
    pub gates: Gates,
    /// How many owners are listed with the package beside that user, without those whose account is disabled.
    pub other_owners: u64,
    /// How many owners are listed with the package, if the command reads a user.
    pub owner_count: u64,
}

/// A user's relation to a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerState {
    /// The user.
    pub user: UserId,
    /// Whether the user is listed as an owner of the package itself.
    pub package_owner: bool,
    /// The user's role in the scope of the package's name.
    pub scope_role: Option<ScopeRole>,
}

/// What may change of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionState {
    /// The version as published.
    pub version: Version,
    /// When and why it was yanked.
    pub yanked: Option<YankState>,
    /// What those in charge of it say about it.
    pub texts: VersionTexts,
    /// The tags other than `latest` that name it, by name.
    pub tags: Vec<DistTag>,
    /// Where it stands.
    pub status: VersionStatus,
    /// Who published it.
    pub published_by: UserId,
    /// The tag that will name it once it is approved.
    pub wanted_tag: Option<DistTag>,
    /// Whether that tag names a version already.
    pub wanted_tag_is_set: bool,
    /// What was last decided about it.
    pub last_decision: Option<ApprovalStatus>,
    /// Where its archive is stored.
    pub archive: ArchiveKey,
    /// How each of its evals ended last, by name.
    pub evals: Vec<(EvalName, EvalStatus)>,
}

impl PackageAccess {
    /// Requires an actor with a valid credential; gives the actor's rights to the package.
    ///
    /// # Errors
    /// [`Error::Unauthorized`].
    pub(super) fn require_live(&self, actor: &Actor, now: Timestamp) -> Result<Rights> {
        let Self { package_owner, scope_role, .. } = *self;
        let live = self.caller.require_live(actor, now)?;
        if live.publisher.is_some() {
            return Ok(live);
        }
        let lacks_second_factor = self.scope_requires_2fa && self.caller.lacks_second_factor(actor);
        Ok(Rights { package_owner, scope_role, lacks_second_factor, ..live })
    }

    /// What the actor is to the package, for reads that need a right; `None` where there is no package that the
    /// actor may see.
    pub fn rights(&self, actor: &Actor) -> Option<Rights> {
        let rights = self.known_rights(actor);
        self.package.filter(|package| package.is_seen_with(rights)).map(|_| rights)
    }

    /// What the actor is to the package, where the credential is valid.
    fn known_rights(&self, actor: &Actor) -> Rights {
        let Self { package_owner, scope_role, .. } = *self;
        Rights { account: self.caller.acting_roles(actor), package_owner, scope_role, ..Rights::default() }
    }
}

impl PackageFacts {
    /// Requires a live actor, a package that the actor may see and the right to
    /// `action` on it, in this order; gives the package.
    pub(super) fn authorise(&self, action: Action, by: PackageReads<'_>, now: Timestamp) -> Result<PackageState> {
        let rights = self.access.require_live(by.actor, now)?;
        let package = self.access.package.filter(|package| package.is_seen_with(rights));
        let package = package.ok_or_else(|| Error::PackageNotFound(by.package.clone()))?;
        rights.require(action, by.package)?;
        Ok(package)
    }

    /// The same for an action of those who look after the whole registry, and the version, which the actor has to see:
    /// they may do it to what is theirs to look after in a private package too.
    pub(super) fn authorise_office(
        &self,
        action: Action,
        by: PackageReads<'_>,
        now: Timestamp,
    ) -> Result<(PackageState, &VersionState)> {
        let rights = self.access.require_live(by.actor, now)?;
        let unknown = || Error::PackageNotFound(by.package.clone());
        let package = self.access.package.ok_or_else(unknown)?;
        let is_seen = package.is_seen_with(rights);
        if !is_seen && !rights.permit(action) {
            return Err(unknown());
        }
        rights.require_everywhere(action)?;
        match self.require_version(by) {
            Err(_) if !is_seen => Err(unknown()),
            version => Ok((package, version?)),
        }
    }

    /// The version that was asked for, which has to exist and to be shown to the actor.
    ///
    /// # Errors
    /// [`Error::VersionNotFound`], [`Error::VersionGone`].
    pub(super) fn require_version(&self, by: PackageReads<'_>) -> Result<&VersionState> {
        let found = self.version.as_ref().zip(self.access.package).map(|(version, package)| {
            let rights = self.access.known_rights(by.actor);
            let is_publisher = version.published_by == by.actor.user;
            (version, shown(rights, package.visibility, version.status, is_publisher))
        });
        match found {
            Some((version, Shown::Described | Shown::Whole)) => Ok(version),
            Some((version, Shown::Gone)) => {
                Err(Error::VersionGone { package: by.package.clone(), version: version.version.clone() })
            }
            Some((_, Shown::Nothing)) | None => {
                let wanted = by.version.map(ToString::to_string).unwrap_or_default();
                Err(Error::version_not_found(by.package, wanted))
            }
        }
    }
}

impl PackageState {
    /// Whether the package is shown to somebody with these rights to it. One that has only versions which not
    /// everybody sees is shown to those who see them by their part in it.
    pub(super) fn is_seen_with(self, rights: Rights) -> bool {
        rights.sees(self.visibility) && (self.has_open_version || rights.permit(Action::SeeUnapproved))
    }

    /// The instant that counts as `now`: never one before the last change,
    /// since the clock of another replica may have been ahead.
    pub(super) fn instant(self, now: Timestamp) -> Timestamp {
        now.max(self.updated_at)
    }
}

/// What `command` writes of its `package`, with a note of when that changed; `audit` is the entry of it.
pub(super) fn package_changes(
    command: &impl PackageCommand,
    package: PackageState,
    at: Timestamp,
    mut writes: Vec<Write<'static>>,
    audit: &NewAuditEntry,
) -> Changes<'static> {
    writes.push(Write::Touch { package: command.reads().package.clone(), at });
    let audit = audit.clone().with_visibility(package.visibility);
    Changes { writes, audit: vec![audit], invalidates: Some(command.invalidates()) }
}
