//! `aam approve`, `aam reject`

use clap::Args;

use crate::{failure::Result, session::Session, spec::VersionSpec};

/// Approve a version that waits for it
#[derive(Debug, Args)]
#[command(
    long_about = "Approve a version that waits for approval, so that others see it and `latest` may name it. For \
    approvers and administrators, and never for a version of your own.\n\n  \
    aam approvals\n  \
    aam approve @my_org/style-guide@1.2.0"
)]
pub(crate) struct Approve {
    /// The package and the version
    #[arg(value_name = "PACKAGE@VERSION")]
    version: VersionSpec,
    /// For its publisher and the record
    #[arg(long)]
    comment: Option<String>,
}

/// Refuse a version that waits for approval
#[derive(Debug, Args)]
#[command(
    long_about = "Refuse a version that waits for approval: others cannot see it. It may be approved later. For \
    approvers and administrators, and never for a version of your own.\n\n  \
    aam reject @my_org/style-guide@1.2.0 --comment 'the licence is missing'"
)]
pub(crate) struct Reject {
    /// The package and the version
    #[arg(value_name = "PACKAGE@VERSION")]
    version: VersionSpec,
    /// Why; for its publisher and the record
    #[arg(long)]
    comment: Option<String>,
}

impl Approve {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        decide(session, &self.version, "approved", self.comment.as_deref()).await
    }
}

impl Reject {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        decide(session, &self.version, "rejected", self.comment.as_deref()).await
    }
}

async fn decide(session: &Session, version: &VersionSpec, status: &str, comment: Option<&str>) -> Result<()> {
    let VersionSpec { name, version } = version;
    let client = session.authenticated(&session.registry()?)?;
    let answer = client.decide_approval(name, version, status, comment).await?;
    session.out.done(&answer, || vec![format!("{name} {version} is {status} now")])
}
