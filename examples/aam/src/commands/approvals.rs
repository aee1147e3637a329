//! `aam approvals`

use clap::Args;
use serde_json::Value;

use crate::{
    failure::Result,
    output::{moment, plain, table},
    session::Session,
    spec::VersionSpec,
};

/// List the versions that wait for approval, or the decisions about one
#[derive(Debug, Args)]
#[command(
    long_about = "List the versions that wait for approval, for approvers; or the decisions about one version.\n\n  \
    aam approvals\n  \
    aam approvals --rejected\n  \
    aam approvals @my_org/style-guide@1.2.0"
)]
pub(crate) struct Approvals {
    /// The decisions about this version
    #[arg(value_name = "PACKAGE@VERSION")]
    version: Option<VersionSpec>,
    /// Those that were rejected, instead of those that wait
    #[arg(long, conflicts_with = "version")]
    rejected: bool,
    /// Which page
    #[arg(long, default_value_t = 1, conflicts_with = "version")]
    page: u32,
}

impl Approvals {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        let cell = |row: &Value, key: &str| plain(row.get(key).and_then(Value::as_str).unwrap_or_default());
        if let Some(VersionSpec { name, version }) = &self.version {
            let answer = session.client(&registry)?.approvals_of(name, version).await?;
            return session.out.result(&answer, || {
                let mut lines = vec![format!("{name} {version} is {}", plain(&answer.read.approval_status))];
                if !answer.read.approvals.is_empty() {
                    let mut rows = vec![["DECIDED", "BY", "STATUS", "COMMENT"].map(str::to_owned).to_vec()];
                    rows.extend(answer.read.approvals.iter().map(|row| {
                        let decided = moment(&cell(row, "created_at"));
                        vec![decided, cell(row, "approver"), cell(row, "status"), cell(row, "comment")]
                    }));
                    lines.extend(table(&rows));
                }
                lines
            });
        }
        let state = if self.rejected { "rejected" } else { "pending" };
        let answer = session.authenticated(&registry)?.waiting(state, self.page).await?;
        session.out.result(&answer, || {
            if answer.read.versions.is_empty() {
                let nothing = if self.rejected { "No version was rejected" } else { "No version waits for approval" };
                return vec![nothing.to_owned()];
            }
            let mut rows =
                vec![["VERSION", "PUBLISHED BY", "PUBLISHED", "VISIBILITY", "FOR THE TAG"].map(str::to_owned).to_vec()];
            rows.extend(answer.read.versions.iter().map(|row| {
                let version = format!("{}@{}", cell(row, "package"), cell(row, "version"));
                let published = moment(&cell(row, "published_at"));
                vec![version, cell(row, "published_by"), published, cell(row, "visibility"), cell(row, "tag")]
            }));
            let mut lines = table(&rows);
            if answer.read.pages > u64::from(self.page) {
                lines.push(format!(
                    "Page {} of {}; the next with --page {}",
                    self.page,
                    answer.read.pages,
                    self.page + 1
                ));
            }
            lines
        })
    }
}
