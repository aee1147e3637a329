//! A registry with its own archive store and its own subscriber, used together with existing adapters
//! for the other ports.
//!
//! `ShelfArchives`, in about a hundred lines, passes the conformance suite of its port. `Journal`
//! follows what happens in the registry: one line registers it.

mod journal;
mod shelf;

use std::{error::Error, path::Path, time::Duration};

use aam_registry_core::{
    archive::{PackContents, PackEntry, pack},
    memory::{InsecurePasswords, MemoryLimiter, MemoryMetadata, MemorySessions},
    ports::ArchiveContent,
    registry::{BuildError, PublishOptions, Registration, Registry},
    types::Viewer,
};
use bytes::Bytes;
use journal::Journal;
use shelf::ShelfArchives;

const MANIFEST: &str = "\
name: tidy-notes
version: 1.0.0
description: Turns rough notes into tidy ones
artifacts:
  skills:
    - name: tidy-notes
      path: SKILL.md
      description: Tidies notes
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let archive = archive()?;
    let journal = folder.path().join("journal.txt");
    let registry = registry(folder.path(), &journal)?;
    let read = publish_and_read(&registry, archive.clone()).await?;
    assert_eq!(read, archive, "what was published is what is read");
    eprintln!("published and read {} bytes through {}", read.len(), folder.path().display());
    registry.run_background(is_written(&journal)).await;
    eprint!("the journal: {}", std::fs::read_to_string(&journal)?);
    Ok(())
}

/// Completes when the subscriber has done its work. A server runs the background work until it stops.
async fn is_written(journal: &Path) {
    while !journal.exists() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Existing in-memory adapters, and the archive store and subscriber of this example.
fn registry(folder: &Path, journal: &Path) -> Result<Registry, BuildError> {
    Registry::builder()
        .archives(ShelfArchives::new(folder))
        .job_handler(Journal::new(journal))
        .database(MemoryMetadata::new())
        .rate_limiter(MemoryLimiter::unlimited())
        .passwords(InsecurePasswords)
        .sessions(MemorySessions::new())
        .build()
}

fn archive() -> aam_registry_core::Result<Bytes> {
    let entry = |path: &str, text: &str| PackEntry {
        path: path.to_owned(),
        executable: false,
        contents: PackContents::Bytes(text.as_bytes().to_vec()),
    };
    let mut bytes = Vec::new();
    pack(vec![entry("aam.yaml", MANIFEST), entry("SKILL.md", "# Tidy notes\n")], &mut bytes)?;
    Ok(bytes.into())
}

/// Registers a user, publishes as that user, and opens what was published.
async fn publish_and_read(registry: &Registry, archive: Bytes) -> Result<Bytes, Box<dyn Error>> {
    let password = "a long enough passphrase of mine";
    let registration =
        Registration { username: "ada".parse()?, email: "ada@example.com".to_owned(), password: password.to_owned() };
    registry.register(registration).await?;
    let session = registry.login("ada", password.to_owned()).await?;
    let principal = registry.authenticate(&session.access_token).await?;

    let mut publish = registry.begin_publish(&principal, None).await?;
    publish.write(archive).await?;
    let receipt = publish.finish(PublishOptions::default()).await?;

    let location = registry.view(&Viewer::Anonymous)?.locate(&receipt.manifest.name, &receipt.manifest.version).await?;
    match registry.open_archive(&location, None).await? {
        ArchiveContent::File { mut file, .. } => {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut bytes)?;
            Ok(bytes.into())
        }
        other => Err(format!("the shelf gives files, not {other:?}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_registry_runs_on_the_shelf() {
        let folder = tempfile::tempdir().expect("a folder");
        let archive = archive().expect("an archive");
        let registry = registry(folder.path(), &folder.path().join("journal.txt")).expect("a registry");
        let read = publish_and_read(&registry, archive.clone()).await.expect("published and read");
        assert_eq!(read, archive);
        let files = std::fs::read_dir(folder.path()).expect("the folder").count();
        assert_eq!(files, 2, "the archive, and the mark that says whose it is");
    }

    #[tokio::test]
    async fn the_subscriber_is_told_of_a_publish_and_of_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = folder.path().join("journal.txt");
        let registry = registry(folder.path(), &journal).expect("a registry");
        publish_and_read(&registry, archive().expect("an archive")).await.expect("published");
        let working = registry.run_background(is_written(&journal));
        tokio::time::timeout(Duration::from_mins(1), working).await.expect("the journal is written");
        let written = std::fs::read_to_string(&journal).expect("the journal");
        let lines: Vec<_> = written.lines().map(|line| line.split_once(' ').expect("an id").1).collect();
        assert_eq!(lines, ["tidy-notes 1.0.0"], "not of the registration, nor of the login");
    }
}
