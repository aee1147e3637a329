mod chain;
mod check;
mod names;

pub use chain::PrunedAudit;
pub use check::{AuditFault, AuditVerdict};
pub use names::ShownAuditEntry;

use super::Registry;
use crate::{
    decide::{Action, Rights},
    error::Result,
    types::{AuditEntry, AuditEvent, AuditFilter, NewAuditEntry, PackageName, Page, PageRequest, Principal},
};

/// How many entries one call of the sequencer chains.
pub(super) const SEQUENCE_LIMIT: usize = 500;

impl Registry {
    /// The audit log, newest first; for administrators.
    ///
    /// # Errors
    /// [`Error::Forbidden`](crate::Error::Forbidden).
    pub async fn audit_log(&self, by: &Principal, filter: &AuditFilter) -> Result<Page<AuditEntry>> {
        Action::ReadLog.require_credential(by, None)?;
        Rights::of_account(by.acting_roles()).require_everywhere(Action::ReadLog)?;
        self.with_names(self.inner().audit.entries(filter).await?).await
    }

    /// The audit log of one package, newest first, of one event or of all; for its owners and
    /// administrators, whose token needs the scope `admin`.
    ///
    /// # Errors
    /// [`Error::Forbidden`](crate::Error::Forbidden), [`Error::PackageNotFound`](crate::Error::PackageNotFound).
    pub async fn package_audit_log(
        &self,
        by: &Principal,
        name: &PackageName,
        event: Option<AuditEvent>,
        page: PageRequest,
    ) -> Result<Page<AuditEntry>> {
        self.require_right(by, Action::ReadPackageLog, name).await?;
        let filter = AuditFilter { package: Some(name.clone()), event, actor: None, from: None, to: None, page };
        self.with_names(self.inner().audit.entries(&filter).await?).await
    }

    /// Gives audit entries their position and hash; gives how many got one.
    pub async fn sequence_audit(&self) -> Result<usize> {
        let mut sequenced = 0;
        loop {
            let some = self.inner().audit.sequence(SEQUENCE_LIMIT).await?;
            sequenced += some;
            if some < SEQUENCE_LIMIT {
                return Ok(sequenced);
            }
        }
    }

    /// An entry of what `by` does now to the package `name`.
    pub(super) fn entry(&self, event: AuditEvent, by: &Principal, name: &PackageName) -> NewAuditEntry {
        self.entry_by(event, by).with_package(name)
    }

    /// An entry of what `by` does now.
    pub(super) fn entry_by(&self, event: AuditEvent, by: &Principal) -> NewAuditEntry {
        NewAuditEntry::new(event, self.now()).with_actor(by.name())
    }
}
