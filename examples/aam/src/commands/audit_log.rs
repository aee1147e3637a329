//! `aam audit-log`

use aam_registry_core::types::{AuditEvent, PackageName, Username};
use clap::Args;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    failure::Result,
    output::{moment, table},
    session::Session,
};

/// Show who did what, newest first
#[derive(Debug, Args)]
#[command(
    long_about = "Show who did what, newest first: with a package, what happened to it, for its owners; without \
    one, what happened in the registry, for administrators and auditors. `--json` shows every fact of an entry.\n\n  \
    aam audit-log @team/greet-kit\n  \
    aam audit-log --event version.yank --actor alice\n  \
    aam audit-log --from 2026-11-01T00:00:00Z --limit 200 --json"
)]
pub(crate) struct AuditLog {
    /// The package; the whole registry without it
    package: Option<PackageName>,
    /// Only this event, such as package.publish
    #[arg(long, value_parser = event, conflicts_with = "package")]
    event: Option<AuditEvent>,
    /// Only what this user did
    #[arg(long, value_name = "USERNAME", conflicts_with = "package")]
    actor: Option<Username>,
    /// Only at or after this time
    #[arg(long, value_name = "TIME", value_parser = super::eval::time, conflicts_with = "package")]
    from: Option<Timestamp>,
    /// Only before this time
    #[arg(long, value_name = "TIME", value_parser = super::eval::time, conflicts_with = "package")]
    to: Option<Timestamp>,
    /// At most this many
    #[arg(long, default_value_t = 50, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=200))]
    limit: u64,
    /// Which page, from 1
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    page: u64,
}

fn event(text: &str) -> Result<AuditEvent, String> {
    let known = || AuditEvent::ALL.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(", ");
    AuditEvent::parse(text).ok_or_else(|| format!("use one of {}", known()))
}

impl AuditLog {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let mut query = vec![("page", self.page.to_string()), ("limit", self.limit.to_string())];
        let filters = [
            ("event", self.event.map(|event| event.as_str().to_owned())),
            ("actor", self.actor.as_ref().map(ToString::to_string)),
            ("from", self.from.map(|time| time.to_string())),
            ("to", self.to.map(|time| time.to_string())),
        ];
        query.extend(filters.into_iter().filter_map(|(name, value)| Some((name, value?))));
        let registry = session.registry()?;
        let answer = session.authenticated(&registry)?.audit_log(self.package.as_ref(), &query).await?;
        session.out.result(&answer, || lines(&answer.read.entries, answer.read.total))
    }
}

fn lines(entries: &[Value], total: u64) -> Vec<String> {
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let row = |entry: &Value| {
        let subject = match (text(entry, "package"), text(entry, "version")) {
            (package, version) if version.is_empty() => package,
            (package, version) => format!("{package}@{version}"),
        };
        vec![moment(&text(entry, "timestamp")), text(entry, "event"), text(entry, "actor"), subject]
    };
    if entries.is_empty() {
        return vec!["No such entries".to_owned()];
    }
    let mut lines = table(&entries.iter().map(row).collect::<Vec<_>>());
    if (entries.len() as u64) < total {
        lines.push(format!("{} of {total} entries; --page shows others", entries.len()));
    }
    lines
}
