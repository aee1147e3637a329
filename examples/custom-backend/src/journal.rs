use std::{
    io::{self, ErrorKind},
    path::PathBuf,
};

use aam_registry_core::{
    ports::{JobFailure, JobHandler},
    types::{AuditEvent, Job, NewJob},
};
use async_trait::async_trait;
use tokio::{
    fs::{self, OpenOptions},
    io::AsyncWriteExt,
};

/// A subscriber that writes a line about each published version into a text file.
///
/// Its place could be taken by anything that has to know of a publish: a chat, a mirror, an index.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    file: PathBuf,
}

impl Journal {
    pub(crate) fn new(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into() }
    }

    /// Appends the line, unless it is there already: a job may come twice.
    async fn write(&self, line: &str) -> io::Result<()> {
        let written = match fs::read_to_string(&self.file).await {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            written => written?,
        };
        if written.lines().any(|earlier| earlier == line) {
            return Ok(());
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&self.file).await?;
        file.write_all(format!("{line}\n").as_bytes()).await?;
        file.sync_all().await
    }
}

#[async_trait]
impl JobHandler for Journal {
    fn kind(&self) -> &'static str {
        "journal"
    }

    fn wants(&self, event: AuditEvent) -> bool {
        event == AuditEvent::PackagePublish
    }

    async fn run(&self, job: &Job) -> Result<Vec<NewJob>, JobFailure> {
        let event = job.event()?;
        let package = event.package.ok_or_else(|| JobFailure::for_good("the event names no package"))?;
        let line = format!("{} {package} {}", event.id, event.version.unwrap_or_default());
        self.write(&line).await.map_err(|error| JobFailure::new(format!("the journal cannot be written: {error}")))?;
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_that_comes_twice_is_written_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::new(folder.path().join("journal.txt"));
        for line in ["1 kit 1.0.0", "2 kit 1.1.0", "1 kit 1.0.0"] {
            journal.write(line).await.expect("written");
        }
        assert_eq!(std::fs::read_to_string(&journal.file).expect("the journal"), "1 kit 1.0.0\n2 kit 1.1.0\n");
    }
}
