//! `aam reports`

use aam_registry_core::types::{ReportId, ReportState};
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::{
    failure::Result,
    output::{moment, plain, table},
    session::Session,
};

/// Read and close the reports of packages, as a moderator
#[derive(Debug, Args)]
#[command(long_about = "Read and close the reports of packages, as a moderator.\n\n  \
    aam reports list\n  \
    aam reports list --state closed\n  \
    aam reports close <ID> --comment 'thank you; the version is gone'")]
pub(crate) struct Reports {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List reports, newest first
    List {
        /// Only those in this state: open or closed
        #[arg(long, default_value = "open", value_parser = state)]
        state: ReportState,
        /// At most this many
        #[arg(long, default_value_t = 50, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=200))]
        limit: u64,
        /// Which page, from 1
        #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
        page: u64,
    },
    /// Close a report; its reporter is told by mail, where the registry sends any
    Close {
        /// Its id, from `aam reports list`
        id: ReportId,
        /// What to say to the reporter
        #[arg(long)]
        comment: Option<String>,
    },
}

fn state(text: &str) -> Result<ReportState, String> {
    ReportState::parse(text).ok_or_else(|| "use open or closed".to_owned())
}

impl Reports {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let client = session.authenticated(&session.registry()?)?;
        match self.command {
            Command::List { state, limit, page } => {
                let found = client.reports(state, page, limit).await?;
                session.out.result(&found, || lines(&found.read.reports, found.read.total))
            }
            Command::Close { id, comment } => {
                let closed = client.close_report(id, comment.as_deref()).await?;
                session.out.done(&closed, || vec![format!("Closed the report {id}")])
            }
        }
    }
}

fn lines(reports: &[Value], total: u64) -> Vec<String> {
    if reports.is_empty() {
        return vec!["No such reports".to_owned()];
    }
    let text = |report: &Value, key: &str| report[key].as_str().unwrap_or_default().to_owned();
    let mut rows = vec![["ID", "CATEGORY", "PACKAGE", "REPORTER", "CREATED"].map(str::to_owned).to_vec()];
    for report in reports {
        let subject = match (text(report, "package"), text(report, "version")) {
            (package, version) if version.is_empty() => package,
            (package, version) => format!("{package}@{version}"),
        };
        rows.push(vec![
            text(report, "id"),
            text(report, "category"),
            subject,
            text(report, "reporter"),
            moment(&text(report, "created_at")),
        ]);
    }
    let mut rows = table(&rows).into_iter();
    let mut lines: Vec<_> = rows.next().into_iter().collect();
    for (row, report) in rows.zip(reports) {
        lines.push(row);
        lines.extend(text(report, "text").lines().map(|line| format!("    {}", plain(line))));
    }
    if (reports.len() as u64) < total {
        lines.push(format!("{} of {total} reports; --page shows others", reports.len()));
    }
    lines
}
