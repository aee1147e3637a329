use jiff::Timestamp;

use super::{
    Action, CallerPublisher, Changes, Decision, LatestFacts, LatestMove, NewVersion, PackageAccess, PackageState,
    PublishCommit, PublishQuotas, PublisherOf, Rights, Usage, Write,
    tag::{require_allowed, require_room_for_tag},
    tag_gate::require_none,
};
use crate::{
    error::{Error, Result},
    types::{
        Actor, ApprovalStatus, DistTag, Gates, LatestTag, ManifestFault, Moderation, PackageName, ScopeRole,
        Sha256Digest, Version, VersionStatus, Visibility,
    },
};

/// The fact of an entry about a publish that says that the version waits for approval.
pub(crate) const APPROVAL: &str = "approval_status";
/// The fact of an entry about a publish that names the dist-tag which waits for the version's approval.
pub(crate) const WAITING_TAG: &str = "waiting_tag";

/// What is known of a publish once its manifest was read.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishCheck {
    /// Who publishes.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
    /// What the publish may add at most.
    pub quotas: PublishQuotas,
    /// The instant of the check.
    pub now: Timestamp,
}

/// What a publish made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The instant it was committed.
    pub published_at: Timestamp,
    /// The tags that name the new version, by name.
    pub dist_tags: Vec<DistTag>,
    /// The tag that will name it once it is approved.
    pub waiting_tag: Option<DistTag>,
    /// Who may see the package.
    pub visibility: Visibility,
    /// Whether it may be used at once, or waits for approval.
    pub approval: ApprovalStatus,
}

/// What a publish is decided by. A [`PublishCheck`] reads only the fields above
/// `upload_is_live`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublishFacts {
    /// The actor's relation to the package.
    pub access: PackageAccess,
    /// Whether the scope of the package's name exists.
    pub scope_exists: bool,
    /// The version of that number, if it was published.
    pub existing: Option<ExistingVersion>,
    /// An unscoped package whose [`similarity_key`](PackageName::similarity_key) is that of the name.
    pub similar: Option<PackageName>,
    /// How much there is of what the publish adds to, where a quota asks for it.
    pub usage: Usage,
    /// Whether the upload is the actor's, was not abandoned and not used up by
    /// another commit. Loading this may use it up already: a refusal undoes that.
    pub upload_is_live: bool,
    /// Whether the asked tag names a version of the package.
    pub tag_is_set: bool,
    /// How many tags the package has beside `latest`, if the publish asks for one.
    pub tag_count: u64,
    /// What `latest` names and is chosen from.
    pub latest: LatestFacts,
    /// The gates of the package's dist-tags, where a tag is asked for.
    pub gates: Gates,
}

/// A version that was published before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingVersion {
    /// The version as published.
    pub version: Version,
    /// The digest of its archive.
    pub sha256: Sha256Digest,
    /// What became of it.
    pub status: VersionStatus,
}

impl PublishCheck {
    /// Fails where a commit of that version, whatever its tag, could not
    /// succeed. It may be asked without locks.
    ///
    /// # Errors
    /// Those of [`PublishCommit::decide`], but for what only a commit knows.
    pub fn decide(&self, facts: &PublishFacts) -> Result<()> {
        facts.require_publishable(&self.actor, &self.package, self.now)?;
        // The size of the archive is not known yet.
        self.quotas.require_room(&self.package, &self.version, facts.access.package.is_none(), facts.usage, 0)
    }
}

impl PublishCommit {
    /// Makes an upload a version: claims the name where it is new (its
    /// publisher becomes the owner of an unscoped one), moves `latest` and
    /// sets the asked tag. Where the version waits for approval, no tag names
    /// it before it is approved; one that names only approved versions waits
    /// for an approver, and its gate is asked then.
    ///
    /// # Errors
    /// [`Error::Unauthorized`]; [`Error::Forbidden`] without the right, also
    /// where the scope does not exist, and where the asked tag is set without
    /// [`Action::Tag`]; [`Error::GateFailed`] where the asked tag has a gate;
    /// [`Error::InvalidManifest`] for a new unscoped name with
    /// `--`; [`Error::VersionExists`]; [`Error::VersionGone`]; [`Error::NameTooSimilar`];
    /// [`Error::Timeout`] where the upload is not alive; [`Error::QuotaExceeded`] where the package has as many
    /// tags as it may, or package or scope have as much as they may.
    pub fn decide(&self, facts: &PublishFacts) -> Result<Decision<'_, Published>> {
        let (name, version) = (&self.manifest.name, &self.manifest.version);
        let rights = facts.require_publishable(&self.actor, name, self.now)?;
        if !facts.upload_is_live {
            return Err(Error::upload_ended());
        }
        self.quotas.require_room(name, version, facts.access.package.is_none(), facts.usage, self.archive_size)?;
        // Whoever added a trusted publisher trusts it with the tags that it publishes under.
        if self.tag.is_some() && facts.tag_is_set && !rights.is_trusted_publisher() {
            rights.require(Action::Tag, name)?;
        }
        if self.tag.as_ref().is_some_and(|tag| !tag.is_latest()) && !facts.tag_is_set {
            require_room_for_tag(name, facts.tag_count, self.tags.max)?;
        }
        let status = VersionStatus { approval: self.approval, moderation: Moderation::None };
        let waits = |tag: &DistTag| !status.is_open() || self.tags.need_approval_for(tag);
        if let Some(tag) = &self.tag {
            require_allowed(&self.tags, tag)?;
        }
        if let Some(tag) = self.tag.as_ref().filter(|tag| !waits(tag)) {
            require_none(&facts.gates, name, tag, &version.to_string())?;
        }
        let package = facts.access.package;
        let published_at = package.map_or(self.now, |package| package.instant(self.now));
        let latest = self.latest(&facts.latest);
        let (wanted_tag, tag) = match self.tag.clone() {
            Some(tag) if waits(&tag) => (Some(tag), None),
            tag => (None, tag),
        };
        let tag = tag.filter(|tag| !tag.is_latest());
        let names_it = latest.after.as_ref().is_some_and(|latest| latest.version == *version);
        let mut dist_tags: Vec<_> = names_it.then(DistTag::latest).into_iter().chain(tag.clone()).collect();
        dist_tags.sort();
        let is_new_package = package.is_none();
        // A trusted publisher publishes for the user who added it.
        let published_by = facts.access.caller.publisher.as_ref().map_or(self.actor.user, |by| by.created_by);
        let publisher = self.actor.credential.publisher_name().map(str::to_owned);
        let owner = (is_new_package && name.scope().is_none()).then_some(published_by);
        let visibility =
            package.map_or(Visibility::of(self.manifest.private), |package: PackageState| package.visibility);
        let waiting_tag = wanted_tag.clone();
        let new = NewVersion {
            commit: self,
            is_new_package,
            owner,
            published_by,
            publisher,
            published_at,
            visibility,
            status,
            tag,
            wanted_tag,
            latest,
        };
        let mut writes = vec![Write::Publish(new)];
        if is_new_package {
            writes.push(Write::SettlePublishers { package: name.clone(), owner });
        }
        let mut audit = self.audit.clone().with_visibility(visibility);
        if !status.is_open() {
            audit = audit.with(APPROVAL, self.approval.as_str());
        } else if let Some(tag) = &waiting_tag {
            audit = audit.with(WAITING_TAG, tag.as_str());
        }
        let changes = Changes { writes, audit: vec![audit], invalidates: Some(self.invalidates()) };
        let answer = Published { published_at, dist_tags, waiting_tag, visibility, approval: self.approval };
        Ok(Decision { answer, changes })
    }

    /// What becomes of `latest`.
    fn latest(&self, before: &LatestFacts) -> LatestMove {
        let version = &self.manifest.version;
        let is_open = self.approval == ApprovalStatus::Approved;
        let mut latest = before.with_visibility(version, is_open, self.latest_policy);
        if is_open && self.tag.as_ref().is_some_and(DistTag::is_latest) {
            latest.after = Some(LatestTag::set_by_hand(version.clone(), latest.after.as_ref()));
        }
        latest
    }
}

impl PublishFacts {
    /// Requires that the actor may publish the version, and that its name and number are free.
    fn require_publishable(&self, actor: &Actor, name: &PackageName, now: Timestamp) -> Result<Rights> {
        let mut rights = self.access.require_live(actor, now)?;
        if let Some(publisher) = self.access.caller.publisher.as_ref().filter(|_| rights.publisher.is_some()) {
            publisher.require(name, self.access.package.is_some())?;
            rights.publisher = Some(PublisherOf::Package);
        }
        if let Some(scope) = name.scope()
            && !self.scope_exists
        {
            return Err(Error::forbidden(format!("The scope @{scope} does not exist; create it first")));
        }
        let exists = self.access.package.is_some();
        require_right(rights, name, exists)?;
        if self.access.package.is_some_and(|package| package.trusted_only) && !rights.is_trusted_publisher() {
            return Err(Error::forbidden(format!(
                "Only the trusted publishers of {name} may publish it; publish from there, or let an owner allow tokens \
                 again with `aam trusted-publisher only {name} off`"
            )));
        }
        match (&self.existing, &self.similar) {
            (Some(existing), _) if exists => Err(existing.refusal(name)),
            (_, Some(existing)) if !exists && name.scope().is_none() => {
                Err(Error::NameTooSimilar { name: name.to_string(), existing: existing.to_string() })
            }
            _ => Ok(rights),
        }
    }
}

impl ExistingVersion {
    /// Why it cannot be published again. Whoever sends the bytes of one that was published is not told so where nobody
    /// can install it.
    fn refusal(&self, package: &PackageName) -> Error {
        let (package, version, sha256) = (package.clone(), self.version.clone(), self.sha256);
        if self.status.is_removed() {
            return Error::VersionGone { package, version };
        }
        if self.status.is_quarantined() {
            return Error::forbidden(format!(
                "Version {version} of {package} is in quarantine, so it cannot be published again; a moderator decides \
                 about it, and another version can be published meanwhile"
            ));
        }
        Error::VersionExists { package, version, sha256 }
    }
}

/// Requires the right to publish `package`: a new unscoped name is anybody's,
/// in a scope a role is needed for new and existing alike. A new unscoped name
/// holds no `--`, which stands between scope and name where a full name has to
/// be one word.
fn require_right(rights: Rights, package: &PackageName, exists: bool) -> Result<()> {
    if exists || package.scope().is_some() {
        return rights.require(Action::Publish, package);
    }
    if package.bare().contains("--") {
        let error = "a new name without a scope holds no `--`; choose another name".to_owned();
        return Err(Error::InvalidManifest(vec![ManifestFault { field: "name".to_owned(), error }]));
    }
    Ok(())
}

impl CallerPublisher {
    /// Requires that it is one of that package, and that whoever added it may still have a new package made.
    fn require(&self, package: &PackageName, exists: bool) -> Result<()> {
        if self.package != *package {
            let own = &self.package;
            return Err(Error::forbidden(format!("This trusted publisher may publish only {own}, not {package}")));
        }
        match (self.pending, exists) {
            (true, true) => Err(Error::forbidden(format!(
                "Somebody else has made the package {package}; its owners say who publishes it"
            ))),
            (false, false) => Err(Error::PackageNotFound(package.clone())),
            (true, false) if !self.creator_is_enabled => Err(Error::forbidden(format!(
                "The account that added this trusted publisher of {package} is disabled; another user has to add it"
            ))),
            (true, false) if package.scope().is_some() && self.creator_role != Some(ScopeRole::Owner) => {
                Err(Error::forbidden(format!(
                    "Whoever added this trusted publisher of {package} no longer owns the scope; an owner of the \
                     scope has to add it"
                )))
            }
            (false, true) | (true, false) => Ok(()),
        }
    }
}
