//! The folders on the way to the path that was used last.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_std::fs::Dir;

/// Folders that were opened one in the other, below one folder. Files that are worked on one after the other are
/// neighbours, so most of the way to the next one is open already.
#[derive(Debug, Default)]
pub(super) struct Opened(Mutex<Vec<(String, Arc<Dir>)>>);

impl Opened {
    /// The deepest folder on the way along `segments` that is open and was not removed, and how many segments lead to
    /// it.
    pub(super) fn deepest(&self, segments: &[&str]) -> Option<(usize, Arc<Dir>)> {
        let mut way = self.way();
        let depth = way.iter().zip(segments).take_while(|((name, _), segment)| name == *segment).count();
        let (_, dir) = way.get(depth.checked_sub(1)?)?;
        if is_removed(dir) {
            way.clear();
            return None;
        }
        Some((depth, Arc::clone(dir)))
    }

    /// Keeps the folder `name`, which was opened in the folder that `depth` segments lead to.
    pub(super) fn keep(&self, depth: usize, name: &str, dir: &Arc<Dir>) {
        let mut way = self.way();
        way.truncate(depth);
        way.push((name.to_owned(), Arc::clone(dir)));
    }

    /// Forgets all, since something was removed.
    pub(super) fn forget(&self) {
        self.way().clear();
    }

    fn way(&self) -> MutexGuard<'_, Vec<(String, Arc<Dir>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether somebody removed the folder since it was opened.
#[cfg(unix)]
fn is_removed(dir: &Dir) -> bool {
    use cap_std::fs::MetadataExt;
    dir.dir_metadata().map_or(true, |data| data.nlink() == 0)
}

/// An open folder cannot be removed there.
#[cfg(not(unix))]
fn is_removed(_dir: &Dir) -> bool {
    false
}
