//! Links of a user's own, in the folders that tools keep for them.
//!
//! Users keep dotfiles as links, such as `~/.claude/skills` to a folder of
//! theirs. What a project or a package brings is never such a link: it lies in
//! the user's home, in no git repository, and is owned by the user, as is what
//! it leads to.

use std::path::{Path, PathBuf};

/// Where `path` below `root`, a folder of the user's, really is: the folder that
/// the first link on the way leads to and the rest of the path, where that link
/// is the user's own. Links further on are left to be refused.
pub(super) fn follow<'a>(root: &Path, path: &'a str) -> Option<(PathBuf, &'a str)> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    for end in ends {
        let at = root.join(&path[..end]);
        let data = std::fs::symlink_metadata(&at).ok()?;
        if data.is_symlink() {
            let rest = path[end..].trim_start_matches('/');
            return is_own(&at).then(|| std::fs::canonicalize(&at).ok()).flatten().map(|target| (target, rest));
        }
    }
    None
}

#[cfg(unix)]
fn is_own(link: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Some(home) = std::env::home_dir().and_then(|home| std::fs::canonicalize(home).ok()) else { return false };
    let Some(folder) = link.parent().and_then(|folder| std::fs::canonicalize(folder).ok()) else { return false };
    let Ok(user) = std::fs::metadata(&home).map(|data| data.uid()) else { return false };
    let owned = |data: std::io::Result<std::fs::Metadata>| data.is_ok_and(|data| data.uid() == user);
    folder.starts_with(&home)
        && !folder.ancestors().any(|folder| folder.join(".git").exists())
        && owned(std::fs::symlink_metadata(link))
        && owned(std::fs::metadata(link))
        && link.is_dir()
}

/// Where files have no such owner, no link is followed.
#[cfg(not(unix))]
fn is_own(_link: &Path) -> bool {
    false
}
