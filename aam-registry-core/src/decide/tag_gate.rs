use jiff::Timestamp;

use super::{
    Action, Decision, PackageCommand, PackageFacts, PackageReads, VersionState, Write, package::package_changes,
};
use crate::{
    error::{Error, Result},
    types::{Actor, DistTag, EvalName, EvalStatus, Gates, NewAuditEntry, PackageName},
};

/// The gates of a package's dist-tags to set.
#[derive(Clone, Debug)]
pub struct SetGates {
    /// Who sets them.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// All its gates from now on.
    pub gates: Gates,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

impl SetGates {
    /// The most dist-tags of a package that have a gate, and the most evals of one gate.
    pub const MAX: usize = 20;
}

impl PackageCommand for SetGates {
    type Answer = ();

    fn reads(&self) -> PackageReads<'_> {
        PackageReads { gates: true, ..PackageReads::of(&self.actor, &self.package) }
    }

    /// A tag that names a version already stays where it is. `latest` has no gate: the registry itself moves it.
    fn decide(&self, facts: &PackageFacts) -> Result<Decision<'_, ()>> {
        let package = facts.authorise(Action::SetGates, self.reads(), self.now)?;
        if self.gates.keys().any(DistTag::is_latest) {
            return Err(Error::invalid_request(
                "`latest` has no gate, since the registry moves it; gate a tag of your own, such as `stable`",
            ));
        }
        if facts.gates == self.gates {
            return Ok(Decision::unchanged(()));
        }
        let writes = vec![Write::SetGates { package: self.package.clone(), gates: self.gates.clone() }];
        let changes = package_changes(self, package, package.instant(self.now), writes, &self.audit);
        Ok(Decision { answer: (), changes })
    }
}

/// Requires that a version has passed what the gate of `tag` asks.
///
/// # Errors
/// [`Error::GateFailed`], with each eval that is wanting.
pub(super) fn require_passed(gates: &Gates, package: &PackageName, tag: &DistTag, found: &VersionState) -> Result<()> {
    let status = |wanted: &EvalName| found.evals.iter().find(|(name, _)| name == wanted).map(|(_, status)| *status);
    require(gates, package, tag, &found.version.to_string(), status)
}

/// The same for a version that is being published, of which there are no results yet.
pub(super) fn require_none(gates: &Gates, package: &PackageName, tag: &DistTag, version: &str) -> Result<()> {
    require(gates, package, tag, version, |_| None)
}

fn require(
    gates: &Gates,
    package: &PackageName,
    tag: &DistTag,
    version: &str,
    status: impl Fn(&EvalName) -> Option<EvalStatus>,
) -> Result<()> {
    let asked = gates.get(tag).into_iter().flatten();
    let wanting: Vec<_> = asked
        .filter_map(|name| match status(name) {
            Some(EvalStatus::Passed) => None,
            Some(EvalStatus::Failed) => Some((name.clone(), "failed")),
            Some(EvalStatus::Error) => Some((name.clone(), "did not run to its end")),
            None => Some((name.clone(), "has no result yet")),
        })
        .collect();
    if wanting.is_empty() {
        return Ok(());
    }
    let (package, tag, version) = (package.clone(), tag.clone(), version.to_owned());
    Err(Error::GateFailed { package, tag, version, wanting })
}
