//! `aam approve`, `aam reject`

use clap::Args;
use serde_json::Value;

use crate::{failure::Result, output::plain, session::Session, spec::VersionSpec};

/// Approve a version that waits for it
#[derive(Debug, Args)]
#[command(
    long_about = "Approve a version that waits for approval, so that others see it and `latest` may name it; or one \
    whose dist-tag waits, so that the tag names it. For approvers and administrators, and never for a version of your own.\n\n  \
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
    long_about = "Refuse a version that waits for approval: others cannot see it. It may be approved later. Of a \
    version that may be used already, only the dist-tag that waits is refused. \
    For approvers and administrators, and never for a version of your own.\n\n  \
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
    warn_of(session, &answer);
    let tag = answer.get("tag").and_then(Value::as_str);
    session.out.done(&answer, || {
        let tag = tag.map(|tag| format!(", and the dist-tag {} names it", plain(tag))).unwrap_or_default();
        vec![format!("{name} {version} is {status} now{tag}")]
    })
}

/// Says what the registry adds to its answer.
pub(super) fn warn_of(session: &Session, answer: &Value) {
    let warnings = answer.get("warnings").and_then(Value::as_array);
    for warning in warnings.into_iter().flatten().filter_map(Value::as_str) {
        session.out.warn(warning);
    }
}
