//! Folders that a person named, to be written into.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use super::{Folder, git_folder::is_git_folder};
use crate::failure::{Failure, Kind, Result};

impl Folder {
    /// Opens the folder at `path`, and makes it where it is missing. A relative path begins at the current folder and
    /// leads through no link, because links there may have come with a repository. Links of an absolute path are the
    /// person's own and are followed, up to the first folder of a git repository. Nothing leads into `.git`.
    pub(crate) fn named(path: &Path) -> Result<Self> {
        let here = || fs::canonicalize(".").map_err(|error| Failure::io("open the folder", Path::new("."), &error));
        let is_theirs = path.is_absolute();
        let mut base = if is_theirs { PathBuf::new() } else { here()? };
        let mut rest: Vec<&str> = Vec::new();
        for component in path.components() {
            match component {
                Component::Prefix(_) | Component::RootDir => base.push(component),
                Component::CurDir => {}
                Component::ParentDir => {
                    if rest.pop().is_none() {
                        base.pop();
                    }
                }
                Component::Normal(name) => {
                    let follows = is_theirs && rest.is_empty() && !in_repository(&base);
                    match fs::canonicalize(base.join(name)) {
                        Ok(real) if follows => base = real,
                        _ => rest.push(name.to_str().ok_or_else(|| {
                            Failure::usage(format!("{} cannot be written to: its name is no text", path.display()))
                        })?),
                    }
                }
            }
        }
        let rest = rest.join("/");
        outside_git(&base.join(&rest))?;
        Self::open(&base)?.make(&rest).map_err(|failure| match &*failure.code {
            "link_in_the_way" if !is_theirs => {
                failure.hint("name the folder by its absolute path, or one without links")
            }
            _ => failure,
        })
    }
}

/// Whether the folder is in a git repository.
fn in_repository(folder: &Path) -> bool {
    folder.ancestors().any(|folder| fs::symlink_metadata(folder.join(".git")).is_ok())
}

/// Fails where `path`, an absolute path without links, is git's own folder or lies in one.
pub(crate) fn outside_git(path: &Path) -> Result<()> {
    let names = path.components().filter_map(|component| component.as_os_str().to_str());
    if !names.into_iter().any(is_git_folder) {
        return Ok(());
    }
    let message = format!("{} is in git's own folder, where aam writes nothing", path.display());
    Err(Failure::new(Kind::Conflict, "inside_git", message).hint("name another folder"))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_of_an_absolute_path_are_followed_until_a_repository_begins() {
        let folder = tempfile::tempdir().expect("folder");
        let at = |path: &str| fs::canonicalize(folder.path()).expect("path").join(path);
        fs::create_dir_all(at("real")).expect("folder");
        fs::create_dir_all(at("clone/.git/hooks")).expect("folder");
        symlink(at("real"), at("mine")).expect("link");
        symlink(".git/hooks", at("clone/dist")).expect("link");
        symlink(at("real"), at("clone/out")).expect("link");
        assert_eq!(Folder::named(&at("mine/new")).expect("followed").path(), at("real/new"));
        assert_eq!(Folder::named(&at("clone/a/../b")).expect("made").path(), at("clone/b"));
        let code = |path: &str| Folder::named(&at(path)).expect_err("refused").code;
        for linked in ["clone/dist", "clone/dist/x", "clone/out", "clone/b/../out"] {
            assert_eq!(&*code(linked), "link_in_the_way", "{linked}");
        }
        for git in ["clone/.git/hooks", "clone/.GIT", "clone/x/../.git/hooks"] {
            assert_eq!(&*code(git), "inside_git", "{git}");
        }
        symlink(at("clone/.git/hooks"), at("hooks")).expect("link");
        assert_eq!(&*code("hooks"), "inside_git", "a link of one's own leads there");
    }
}
