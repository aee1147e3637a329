//! Folders that are opened once and left by no link.
//!
//! What lies in a project comes from whoever wrote its repository. A path is
//! therefore not checked and then used: each folder on the way is opened by
//! its name in the one before, refusing links, and the last step works on the
//! opened folder. A link that appears meanwhile is refused just the same.

mod failures;
mod git_folder;
mod listing;
mod named;
mod opened;
mod unfinished;

use std::{
    fs, io,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt};
use cap_std::{
    ambient_authority,
    fs::{Dir, Metadata, OpenOptions},
};

use self::{failures::refused, opened::Opened};
pub(crate) use self::{
    git_folder::{folded, is_git_folder},
    named::outside_git,
    unfinished::Unfinished,
};
use crate::failure::{Failure, Result};

/// The beginning of the names of files that are being written.
const UNFINISHED: &str = ".aam-new-";

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everybody the umask lets.
    Plain,
    /// As plain, and executable.
    Executable,
    /// The user alone (600).
    Private,
    /// As the file that is replaced, else plain.
    Kept,
}

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Nothing,
    File,
    Folder,
    Link,
    /// A device, a socket, a pipe.
    Other,
}

/// A folder; paths are relative to it, with `/` between segments, and lead
/// through no link.
#[derive(Debug)]
pub(crate) struct Folder {
    dir: Arc<Dir>,
    path: PathBuf,
    /// Folders below this one.
    opened: Arc<Opened>,
}

impl Folder {
    /// Opens the folder at `path`, which a person named: links on the way there are followed.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let failed = |error: io::Error| Failure::io("open the folder", path, &error);
        let path = fs::canonicalize(path).map_err(failed)?;
        let dir = Dir::open_ambient_dir(&path, ambient_authority()).map_err(failed)?;
        Ok(Self::of(Arc::new(dir), path))
    }

    fn of(dir: Arc<Dir>, path: PathBuf) -> Self {
        Self { dir, path, opened: Arc::default() }
    }

    /// As [`Self::open`], making the folder where it is missing.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        fs::create_dir_all(path).map_err(|error| Failure::io("make the folder", path, &error))?;
        Self::open(path)
    }

    /// Where the folder is, for messages and for telling folders apart.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Another handle of the same folder.
    pub(crate) fn again(&self) -> Self {
        Self { dir: Arc::clone(&self.dir), path: self.path.clone(), opened: Arc::clone(&self.opened) }
    }

    /// The folder at `path`; `None` where there is none.
    pub(crate) fn folder(&self, path: &str) -> Result<Option<Self>> {
        self.walk(path, false)
    }

    /// The folder at `path`, made with those above it where they are missing.
    pub(crate) fn make(&self, path: &str) -> Result<Self> {
        self.walk(path, true)?.ok_or_else(|| failures::vanished(&self.path.join(path)))
    }

    fn walk(&self, path: &str, make: bool) -> Result<Option<Self>> {
        let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let (known, mut at) = match self.opened.deepest(&segments) {
            Some((known, dir)) => (known, Self::of(dir, self.path.join(segments[..known].join("/")))),
            None => (0, Self::of(Arc::clone(&self.dir), self.path.clone())),
        };
        for (depth, segment) in segments.into_iter().enumerate().skip(known) {
            let mut next = at.dir.open_dir_nofollow(segment);
            if make && next.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                match at.dir.create_dir(segment) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(Failure::io("make the folder", &at.path.join(segment), &error));
                    }
                    _ => next = at.dir.open_dir_nofollow(segment),
                }
            }
            match next {
                Ok(dir) => {
                    let dir = Arc::new(dir);
                    self.opened.keep(depth, segment, &dir);
                    at = Self::of(dir, at.path.join(segment));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(refused(&at, segment, &error)),
            }
        }
        Ok(Some(at))
    }

    /// The folder that `path` is in, and the last segment.
    fn parent<'a>(&self, path: &'a str, make: bool) -> Result<Option<(Self, &'a str)>> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        Ok(self.walk(folder, make)?.map(|folder| (folder, name)))
    }

    /// What lies at `path`.
    pub(crate) fn look(&self, path: &str) -> Result<Entry> {
        Ok(match self.metadata(path)? {
            None => Entry::Nothing,
            Some(data) if data.is_symlink() => Entry::Link,
            Some(data) if data.is_dir() => Entry::Folder,
            Some(data) if data.is_file() => Entry::File,
            Some(_) => Entry::Other,
        })
    }

    fn metadata(&self, path: &str) -> Result<Option<Metadata>> {
        let Some((folder, name)) = self.parent(path, false)? else { return Ok(None) };
        match folder.dir.symlink_metadata(name) {
            Ok(data) => Ok(Some(data)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::io("look at", &folder.path.join(name), &error)),
        }
    }

    /// What the link at `path` says, where it is one.
    pub(crate) fn link(&self, path: &str) -> Result<Option<PathBuf>> {
        let Some((folder, name)) = self.parent(path, false)? else { return Ok(None) };
        Ok(folder.dir.read_link_contents(name).ok())
    }

    /// As [`Self::read`], of a file that anybody may have written: refused where it has more than `most` bytes.
    pub(crate) fn read_at_most(&self, path: &str, most: u64) -> Result<Option<Vec<u8>>> {
        match self.metadata(path)? {
            Some(data) if data.len() > most => Err(failures::too_large(&self.path.join(path), most)),
            _ => self.read(path),
        }
    }

    /// The bytes of the file at `path`; `None` where there is nothing.
    pub(crate) fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let Some((folder, name)) = self.parent(path, false)? else { return Ok(None) };
        match folder.look_and_read(name)? {
            (Entry::Nothing | Entry::File, bytes) => Ok(bytes),
            _ => Err(refused(&folder, name, &io::ErrorKind::InvalidInput.into())),
        }
    }

    /// What lies at `path`, with the bytes of a file: asked in one go, since thousands of files are looked at.
    pub(crate) fn look_and_read(&self, path: &str) -> Result<(Entry, Option<Vec<u8>>)> {
        let Some((folder, name)) = self.parent(path, false)? else { return Ok((Entry::Nothing, None)) };
        // Opening a pipe would wait for its writer.
        let entry = folder.look(name)?;
        if entry != Entry::File {
            return Ok((entry, None));
        }
        let mut options = OpenOptions::new();
        options.read(true).follow(FollowSymlinks::No);
        let mut bytes = Vec::new();
        let read = folder.dir.open_with(name, &options).and_then(|mut file| file.read_to_end(&mut bytes));
        match read {
            Ok(_) => Ok((Entry::File, Some(bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((Entry::Nothing, None)),
            Err(error) => Err(refused(&folder, name, &error)),
        }
    }

    /// Writes `bytes` to `path`, making its folders. A reader sees the old
    /// bytes or the new ones; a link or hard link at `path` is replaced, and
    /// what it names stays as it is.
    pub(crate) fn write(&self, path: &str, bytes: &[u8], mode: Mode) -> Result<()> {
        self.replace(path, bytes, mode, true)
    }

    /// As [`Self::write`], without waiting for the disk: where the machine loses power soon after, the file may be
    /// empty. Waiting for thousands of files one by one takes minutes.
    pub(crate) fn write_soon(&self, path: &str, bytes: &[u8], mode: Mode) -> Result<()> {
        self.replace(path, bytes, mode, false)
    }

    fn replace(&self, path: &str, bytes: &[u8], mode: Mode, waits: bool) -> Result<()> {
        let (folder, name) = self.parent(path, true)?.ok_or_else(|| failures::vanished(&self.path.join(path)))?;
        let failed = |error: io::Error| Failure::io("write", &folder.path.join(name), &error);
        let temporary = format!("{UNFINISHED}{:016x}", rand::random::<u64>());
        let mut file = folder.dir.open_with(&temporary, &new_file(mode)).map_err(failed)?;
        let written = (|| {
            file.write_all(bytes)?;
            if mode == Mode::Kept
                && let Some(data) = folder.dir.symlink_metadata(name).ok().filter(Metadata::is_file)
            {
                file.set_permissions(data.permissions())?;
            }
            if waits {
                file.sync_all()?;
            }
            folder.dir.rename(&temporary, &folder.dir, name)
        })();
        written.map_err(|error| {
            // The first error is the one to tell.
            let _ = folder.dir.remove_file(&temporary);
            failed(error)
        })
    }

    /// Writes the new file `path`, without the promise of [`Self::write`].
    pub(crate) fn write_new(&self, path: &str, bytes: &[u8], mode: Mode) -> Result<()> {
        let (folder, name) = self.parent(path, true)?.ok_or_else(|| failures::vanished(&self.path.join(path)))?;
        let written = folder.dir.open_with(name, &new_file(mode)).and_then(|mut file| file.write_all(bytes));
        written.map_err(|error| Failure::io("write", &folder.path.join(name), &error))
    }

    /// Opens the file at `path` to lock it, making it where it is missing; its contents stay.
    pub(crate) fn open_lock(&self, path: &str) -> Result<fs::File> {
        let (folder, name) = self.parent(path, true)?.ok_or_else(|| failures::vanished(&self.path.join(path)))?;
        if !matches!(folder.look(name)?, Entry::Nothing | Entry::File) {
            return Err(refused(&folder, name, &io::ErrorKind::InvalidInput.into()));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).follow(FollowSymlinks::No);
        let file = folder.dir.open_with(name, &options).map_err(|error| refused(&folder, name, &error))?;
        Ok(file.into_std())
    }

    /// Removes the file or link at `path`; whether there was one.
    pub(crate) fn remove_file(&self, path: &str) -> Result<bool> {
        let Some((folder, name)) = self.parent(path, false)? else { return Ok(false) };
        match folder.dir.remove_file_or_symlink(name) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Failure::io("remove", &folder.path.join(name), &error)),
        }
    }

    /// Removes the folder at `path` where it is empty; whether it is gone.
    pub(crate) fn remove_empty(&self, path: &str) -> bool {
        match self.parent(path, false) {
            Ok(Some((folder, name))) => match folder.dir.remove_dir(name) {
                Ok(()) => {
                    self.opened.forget();
                    true
                }
                Err(error) => error.kind() == io::ErrorKind::NotFound,
            },
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// Removes the folder at `path` with everything in it; a link is removed, not followed.
    pub(crate) fn remove_all(&self, path: &str) -> Result<()> {
        let Some((folder, name)) = self.parent(path, false)? else { return Ok(()) };
        let removed = match folder.look(name)? {
            Entry::Nothing => return Ok(()),
            Entry::Folder => folder.dir.remove_dir_all(name),
            _ => folder.dir.remove_file_or_symlink(name),
        };
        self.opened.forget();
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Failure::io("remove", &folder.path.join(name), &error))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(unix)]
fn new_file(mode: Mode) -> OpenOptions {
    use cap_std::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    // The umask takes from these what the user wants taken.
    let bits = match mode {
        Mode::Plain | Mode::Kept => 0o666,
        Mode::Executable => 0o777,
        Mode::Private => 0o600,
    };
    options.write(true).create_new(true).mode(bits);
    options
}

#[cfg(not(unix))]
fn new_file(_mode: Mode) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    options
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn two() -> (tempfile::TempDir, tempfile::TempDir, Folder) {
        let (inside, outside) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
        let folder = Folder::open(inside.path()).expect("opens");
        (inside, outside, folder)
    }

    #[test]
    fn no_link_is_followed_by_any_operation() {
        let (inside, outside, folder) = two();
        fs::write(outside.path().join("theirs"), "theirs").expect("written");
        symlink(outside.path(), inside.path().join("a")).expect("link");
        symlink(outside.path().join("theirs"), inside.path().join("file")).expect("link");
        for path in ["a/new", "a/b/new"] {
            let failure = folder.write(path, b"x", Mode::Plain).expect_err("refused");
            assert_eq!(&*failure.code, "link_in_the_way");
        }
        assert!(folder.make("a/b").is_err() && folder.read("a/theirs").is_err() && folder.read("file").is_err());
        assert!(folder.remove_file("a/theirs").is_err() && folder.remove_all("a/theirs").is_err());
        assert!(folder.open_lock("file").is_err() && folder.open_lock("a/lock").is_err());
        assert!(!folder.remove_empty("a/b"));
        folder.write("file", b"ours", Mode::Kept).expect("the link is replaced");
        folder.remove_all("a").expect("the link is removed");
        assert_eq!(fs::read_to_string(outside.path().join("theirs")).expect("kept"), "theirs");
        assert_eq!(fs::read_dir(outside.path()).expect("folder").count(), 1);
    }

    #[test]
    fn a_hard_link_is_replaced_and_not_written_through() {
        let (inside, outside, folder) = two();
        let theirs = outside.path().join("theirs");
        fs::write(&theirs, "theirs").expect("written");
        fs::hard_link(&theirs, inside.path().join("file")).expect("link");
        fs::hard_link(&theirs, inside.path().join("lock")).expect("link");
        folder.write("file", b"ours", Mode::Kept).expect("written");
        drop(folder.open_lock("lock").expect("opens"));
        assert_eq!(fs::read_to_string(&theirs).expect("kept"), "theirs");
    }

    #[test]
    fn a_folder_swapped_for_a_link_after_it_was_opened_leads_nowhere_else() {
        let (inside, outside, folder) = two();
        let opened = folder.make("a").expect("made");
        fs::rename(inside.path().join("a"), inside.path().join("moved")).expect("moved");
        symlink(outside.path(), inside.path().join("a")).expect("link");
        opened.write("new", b"x", Mode::Plain).expect("written");
        assert!(inside.path().join("moved/new").exists());
        assert_eq!(fs::read_dir(outside.path()).expect("folder").count(), 0);
    }

    #[test]
    fn a_folder_that_was_removed_meanwhile_is_opened_anew() {
        let (inside, outside, folder) = two();
        let path = |path: &str| inside.path().join(path);
        for by_us in [true, false] {
            folder.write("a/b/one", b"1", Mode::Plain).expect("written");
            if by_us {
                folder.remove_all("a/b").expect("removed");
            } else {
                fs::remove_dir_all(path("a")).expect("removed");
            }
            assert_eq!(folder.read("a/b/one").expect("nothing"), None);
            folder.write("a/b/two", b"2", Mode::Plain).expect("written");
            assert!(path("a/b/two").exists() && folder.remove_file("a/b/two").expect("removed"));
            assert!(folder.remove_empty("a/b") && folder.remove_empty("a") && !path("a").exists());
        }
        // What takes its place is no more trusted than before.
        folder.write("a/b/one", b"1", Mode::Plain).expect("written");
        fs::remove_dir_all(path("a/b")).expect("removed");
        symlink(outside.path(), path("a/b")).expect("link");
        assert_eq!(&*folder.write("a/b/two", b"2", Mode::Plain).expect_err("refused").code, "link_in_the_way");
    }

    #[test]
    fn a_tree_with_a_link_in_it_is_removed_without_what_the_link_names() {
        let (inside, outside, folder) = two();
        fs::write(outside.path().join("theirs"), "theirs").expect("written");
        fs::create_dir(inside.path().join("a")).expect("folder");
        symlink(outside.path(), inside.path().join("a/out")).expect("link");
        folder.remove_all("a").expect("removed");
        assert!(!inside.path().join("a").exists() && outside.path().join("theirs").exists());
    }
}
