use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use aam_registry_core::{
    Error, Result,
    error::{DatabaseError, DatabaseTrouble, Outcome},
};

/// The file of an open database, and whether it still lies where it was opened.
///
/// The connections go on with a file that was replaced or removed: what they
/// write then is lost with the process. So nothing is written or read until
/// the file is back, or the process is started again.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    opened: Option<FileId>,
    replaced: AtomicBool,
}

/// Tells a file from every other that is there at the same time.
type FileId = (u64, u64);

impl DatabaseFile {
    /// The file at `path`, which was opened just now.
    pub(super) fn opened(path: &Path) -> Self {
        let opened = id_of(path).ok().flatten();
        Self { path: path.to_owned(), opened, replaced: AtomicBool::new(false) }
    }

    /// Looks whether the file is the one that was opened.
    ///
    /// # Errors
    /// A backend error of kind database where it is not.
    pub(super) fn look(&self) -> Result<()> {
        let Some(opened) = self.opened else { return Ok(()) };
        let is_same = match id_of(&self.path) {
            Ok(now) => now == Some(opened),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        };
        let was_replaced = self.replaced.swap(!is_same, Ordering::AcqRel);
        if !is_same && !was_replaced {
            tracing::error!(
                event = "database_file_replaced",
                path = %self.path.display(),
                "the file of the database was replaced or removed under the running server, which answers no more \
                 calls: stop it, put the right file in place and start it again"
            );
        }
        self.require()
    }

    /// Fails where the last look found another file.
    pub(super) fn require(&self) -> Result<()> {
        if !self.replaced.load(Ordering::Acquire) {
            return Ok(());
        }
        let reason = format!(
            "the file of the database {} was replaced or removed while it was open: put the right file in its place and \
             start the server again",
            self.path.display()
        );
        Err(Error::database(DatabaseError::new(DatabaseTrouble::Gone, reason), false, Outcome::NotApplied))
    }
}

/// `None` where the system gives files no numbers.
#[cfg(unix)]
fn id_of(path: &Path) -> io::Result<Option<FileId>> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path)?;
    Ok(Some((metadata.dev(), metadata.ino())))
}

/// `None` where the system gives files no numbers. One that is open cannot be replaced there.
#[cfg(not(unix))]
fn id_of(path: &Path) -> io::Result<Option<FileId>> {
    fs::metadata(path).map(|_| None)
}
