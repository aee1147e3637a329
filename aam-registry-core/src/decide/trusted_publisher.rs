use jiff::Timestamp;

use super::{Action, Changes, Decision, PackageAccess, PackageState, Rights, Write};
use crate::{
    error::{Error, Result},
    types::{Actor, NewAuditEntry, PackageName, PackagePublishers, PublisherId, TrustedPublisher, Visibility},
};

/// Something to do with the trusted publishers of a package.
#[derive(Clone, Debug)]
pub struct PublisherCommand {
    /// Who does it.
    pub actor: Actor,
    /// The package; it need not exist where a publisher of it is added.
    pub package: PackageName,
    /// What is done.
    pub change: PublisherChange,
    /// The instant.
    pub now: Timestamp,
    /// What the audit log shall say.
    pub audit: NewAuditEntry,
}

/// What is done with the trusted publishers of a package.
#[derive(Clone, Debug)]
pub enum PublisherChange {
    /// Adds one. Whether it [waits](TrustedPublisher::pending) for the package is decided.
    Add(TrustedPublisher),
    /// Removes one, with its tokens.
    Remove(PublisherId),
    /// Sets whether nobody else may publish.
    SetOnly(bool),
}

/// The question for the trusted publishers of a package.
#[derive(Clone, Debug)]
pub struct PublisherQuery {
    /// Who asks.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// The instant.
    pub now: Timestamp,
}

/// What a [`PublisherCommand`] and a [`PublisherQuery`] are decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublisherFacts {
    /// What the actor is to the package.
    pub access: PackageAccess,
    /// Whether the scope of the package's name exists.
    pub scope_exists: bool,
    /// Every publisher of a package of that name, oldest first.
    pub publishers: Vec<TrustedPublisher>,
    /// How many publishers the actor has added that wait for a package.
    pub pending_of_actor: u64,
}

impl PublisherCommand {
    /// Does it; gives the publisher that was added or removed. Adding one that is there already changes
    /// nothing, and gives that one.
    ///
    /// # Errors
    /// [`Error::Unauthorized`]; [`Error::Forbidden`] without the right, also where the scope does not
    /// exist; [`Error::PackageNotFound`] where there is no package to change; [`Error::NotFound`] for a
    /// publisher that is not there; [`Error::QuotaExceeded`] where there are as many as there may be;
    /// [`Error::InvalidRequest`] where a package without publishers would be closed to everybody.
    pub fn decide(&self, facts: &PublisherFacts) -> Result<Decision<'static, Option<TrustedPublisher>>> {
        let rights = facts.access.require_live(&self.actor, self.now)?;
        match &self.change {
            PublisherChange::Add(new) => self.add(new, rights, facts),
            PublisherChange::Remove(id) => {
                let action = Action::ManagePublishers;
                let seen = facts.seen_by(action, &self.actor, rights, &self.package)?;
                if let Some(scope) = self.package.scope() {
                    rights.require_second_factor(action, &scope)?;
                }
                let found = seen.into_iter().find(|publisher| publisher.id == *id);
                let found =
                    found.ok_or_else(|| Error::NotFound(format!("{} has no trusted publisher {id}", self.package)))?;
                Ok(self.done(facts, Some(found), Write::DeletePublisher(*id)))
            }
            PublisherChange::SetOnly(only) => self.set_only(*only, rights, facts),
        }
    }

    fn add(
        &self,
        new: &TrustedPublisher,
        rights: Rights,
        facts: &PublisherFacts,
    ) -> Result<Decision<'static, Option<TrustedPublisher>>> {
        let exists = facts.access.package.is_some();
        facts.require_to_add(rights, &self.package)?;
        if !exists && self.package.scope().is_none() && self.package.bare().contains("--") {
            return Err(Error::invalid_request("a new name without a scope holds no `--`; choose another name"));
        }
        let new = TrustedPublisher { pending: !exists, ..new.clone() };
        let of_same = |known: &&TrustedPublisher| {
            known.is_same(&new) && known.pending == new.pending && (exists || known.created_by == new.created_by)
        };
        if let Some(known) = facts.publishers.iter().find(of_same) {
            return Ok(Decision::unchanged(Some(known.clone())));
        }
        let of_package = facts.publishers.iter().filter(|known| !known.pending).count() as u64;
        if exists && of_package >= TrustedPublisher::MAX_PER_PACKAGE {
            return Err(Error::QuotaExceeded(format!(
                "{} has {of_package} trusted publishers, which is the most; remove one first",
                self.package
            )));
        }
        if !exists && facts.pending_of_actor >= TrustedPublisher::MAX_PENDING_PER_USER {
            return Err(Error::QuotaExceeded(format!(
                "You have added trusted publishers of {} packages that do not exist, which is the most; publish or \
                 remove one first",
                facts.pending_of_actor
            )));
        }
        Ok(self.done(facts, Some(new.clone()), Write::PutPublisher(new)))
    }

    fn set_only(
        &self,
        only: bool,
        rights: Rights,
        facts: &PublisherFacts,
    ) -> Result<Decision<'static, Option<TrustedPublisher>>> {
        let Some(package) = facts.package_seen(rights) else {
            return Err(Error::PackageNotFound(self.package.clone()));
        };
        rights.require(Action::ManagePublishers, &self.package)?;
        if package.trusted_only == only {
            return Ok(Decision::unchanged(None));
        }
        if only && facts.publishers.iter().all(|publisher| publisher.pending) {
            return Err(Error::invalid_request(format!(
                "{} has no trusted publisher, so nobody could publish it; add one first",
                self.package
            )));
        }
        Ok(self.done(facts, None, Write::SetTrustedOnly { package: self.package.clone(), only }))
    }

    fn done(
        &self,
        facts: &PublisherFacts,
        answer: Option<TrustedPublisher>,
        write: Write<'static>,
    ) -> Decision<'static, Option<TrustedPublisher>> {
        // A package that does not exist yet may become a private one, if it is in a scope.
        let hidden = Visibility::of(self.package.scope().is_some());
        let visibility = facts.access.package.map_or(hidden, |package| package.visibility);
        let audit = vec![self.audit.clone().with_visibility(visibility)];
        Decision { answer, changes: Changes { writes: vec![write], audit, invalidates: None } }
    }
}

impl PublisherQuery {
    /// The publishers that the actor may see.
    ///
    /// # Errors
    /// As for [`PublisherCommand::decide`].
    pub fn decide(&self, facts: &PublisherFacts) -> Result<PackagePublishers> {
        let rights = facts.access.require_live(&self.actor, self.now)?;
        let publishers = facts.seen_by(Action::ReadPublishers, &self.actor, rights, &self.package)?;
        let only = facts.package_seen(rights).is_some_and(|package| package.trusted_only);
        Ok(PackagePublishers { only, publishers })
    }
}

impl PublisherFacts {
    /// The package, if there is one that the actor may see.
    fn package_seen(&self, rights: Rights) -> Option<PackageState> {
        self.access.package.filter(|package| package.is_seen_with(rights))
    }

    /// Requires the right to add a publisher. In a scope it is that of its owners, whether the package exists or
    /// not, so that the answer does not tell. For an unscoped name that is free anybody may add one.
    fn require_to_add(&self, rights: Rights, package: &PackageName) -> Result<()> {
        match package.scope() {
            None if self.access.package.is_none() => rights.require(Action::ReserveForPublisher, package),
            Some(scope) if !self.scope_exists => {
                Err(Error::forbidden(format!("The scope @{scope} does not exist; create it first")))
            }
            _ => rights.require(Action::AddPublisher, package),
        }
    }

    /// The publishers with which the actor may do `action`. Where there is no package that the actor may see, these
    /// are one's own, and in a scope those that its owners see: for everybody else there is nothing.
    fn seen_by(
        &self,
        action: Action,
        actor: &Actor,
        rights: Rights,
        package: &PackageName,
    ) -> Result<Vec<TrustedPublisher>> {
        if self.package_seen(rights).is_some() {
            rights.require(action, package)?;
            return Ok(self.publishers.clone());
        }
        let manages = rights.permit(action);
        let is_own = |publisher: &TrustedPublisher| package.scope().is_none() && publisher.created_by == actor.user;
        let seen: Vec<_> = self.publishers.iter().filter(|one| manages || is_own(one)).cloned().collect();
        if seen.is_empty() { Err(Error::PackageNotFound(package.clone())) } else { Ok(seen) }
    }
}
