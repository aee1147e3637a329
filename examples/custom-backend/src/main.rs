//! A registry with its own archive store: `ShelfArchives`, in about a hundred lines, passes the
//! conformance suite of its port and is used together with existing adapters for the other ports.

mod shelf;

use std::{error::Error, path::Path};

use aam_registry_core::{
    archive::{PackContents, PackEntry, pack},
    memory::{InsecurePasswords, MemoryLimiter, MemoryMetadata, MemorySessions},
    ports::ArchiveContent,
    registry::{BuildError, PublishOptions, Registration, Registry},
    types::Viewer,
};
use bytes::Bytes;
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
    let read = publish_and_read(&registry(folder.path())?, archive.clone()).await?;
    assert_eq!(read, archive, "what was published is what is read");
    eprintln!("published and read {} bytes through {}", read.len(), folder.path().display());
    Ok(())
}

/// Existing in-memory adapters, and the archive store of this example.
fn registry(folder: &Path) -> Result<Registry, BuildError> {
    Registry::builder()
        .archives(ShelfArchives::new(folder))
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
        let registry = registry(folder.path()).expect("a registry");
        let read = publish_and_read(&registry, archive.clone()).await.expect("published and read");
        assert_eq!(read, archive);
        let files = std::fs::read_dir(folder.path()).expect("the folder").count();
        assert_eq!(files, 2, "the archive, and the mark that says whose it is");
    }
}
