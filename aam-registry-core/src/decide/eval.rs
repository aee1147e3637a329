use super::{Action, Changes, Decision, PackageCommand, PackageFacts, PackageReads, Write};
use crate::{
    error::{Error, Result},
    types::{Actor, EvalResult, NewAuditEntry, PackageName, Version},
};

/// The result of an eval of a version to record.
#[derive(Clone, Debug)]
pub struct RecordEval {
    /// Who records it.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
    /// The result. It takes the place of the last one of the same eval.
    pub result: EvalResult,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

impl PackageCommand for RecordEval {
    type Answer = ();

    fn reads(&self) -> PackageReads<'_> {
        PackageReads { version: Some(&self.version), ..PackageReads::of(&self.actor, &self.package) }
    }

    fn decide(&self, facts: &PackageFacts) -> Result<Decision<'_, ()>> {
        let package = facts.authorise(Action::RecordEval, self.reads(), self.result.recorded_at)?;
        let found = facts.require_version(self.reads())?;
        let is_new = !found.evals.iter().any(|(name, _)| *name == self.result.name);
        if is_new && found.evals.len() >= EvalResult::MAX_PER_VERSION {
            return Err(Error::QuotaExceeded(format!(
                "Version {} of {} has results of {} evals, which is the most; record one of these anew",
                found.version,
                self.package,
                found.evals.len()
            )));
        }
        let (package_name, version) = (self.package.clone(), found.version.clone());
        let writes = vec![Write::PutEval { package: package_name, version, result: self.result.clone() }];
        let audit = vec![self.audit.clone().with_visibility(package.visibility)];
        Ok(Decision { answer: (), changes: Changes { writes, audit, invalidates: Some(self.invalidates()) } })
    }
}
