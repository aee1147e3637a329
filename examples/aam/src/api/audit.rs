//! The audit log.

use aam_registry_core::types::PackageName;

use super::{answered::Answered, client::Client, wire::AuditPage};
use crate::failure::Result;

impl Client {
    /// A page of the audit log, newest first: of one package, or of the registry where `package` is
    /// `None`. `query` narrows the latter.
    pub(crate) async fn audit_log(
        &self,
        package: Option<&PackageName>,
        query: &[(&str, String)],
    ) -> Result<Answered<AuditPage>> {
        let mut url = match package {
            Some(package) => self.url(&format!("packages/{package}/audit-log")),
            None => self.url("audit-log"),
        };
        url.query_pairs_mut().extend_pairs(query);
        self.get(url).await
    }
}
