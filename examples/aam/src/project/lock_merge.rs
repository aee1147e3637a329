//! A lock file in which a merge left conflicts.

use std::path::Path;

use super::lock_file::LockFile;
use crate::{
    failure::{Detail, Failure, Kind, Result},
    yaml,
};

/// The two sides of a lock file that is in the middle of a merge.
#[derive(Debug)]
pub(super) struct Sides {
    pub(super) ours: LockFile,
    pub(super) theirs: LockFile,
}

impl Sides {
    /// Reads both sides of `text`; each has to be a lock file of its own.
    pub(super) fn read(path: &Path, text: &str) -> Result<Self> {
        let unreadable = |failure: Failure| {
            Failure::new(
                Kind::Conflict,
                yaml::MERGE_CONFLICT,
                format!(
                    "{} is in the middle of a merge, and one of its sides cannot be read: {failure}",
                    path.display()
                ),
            )
            .hint(keep_one(path))
        };
        let (ours, theirs) = split(text);
        let side = |text: String| {
            // A branch that has no lock file has no packages.
            let is_empty = text.lines().all(|line| line.trim().is_empty() || line.starts_with('#'));
            if is_empty { Ok(LockFile::default()) } else { yaml::parse(path, text.as_bytes()) }
        };
        let ours = side(ours).map_err(unreadable)?;
        let theirs = side(theirs).map_err(unreadable)?;
        Ok(Self { ours, theirs })
    }

    /// What is on either side, where both agree on what they have in common.
    ///
    /// # Errors
    /// Names the packages that the sides have in different versions.
    pub(super) fn merged(self, path: &Path) -> Result<LockFile> {
        let Self { ours, theirs } = self;
        let mut merged = ours;
        let mut differing = Vec::new();
        for (name, package) in theirs.packages {
            match merged.packages.get_mut(&name) {
                None => {
                    merged.packages.insert(name, package);
                }
                Some(own) if own.sha256 == package.sha256 && own.registry == package.registry => {
                    own.platforms.extend(package.platforms);
                    own.requested = own.requested.take().or(package.requested);
                }
                Some(own) => {
                    let told = format!("{} on this branch, {} on the other", *own.version, *package.version);
                    differing.push(Detail::new(name.to_string(), told));
                }
            }
        }
        if differing.is_empty() {
            return Ok(merged);
        }
        let message = format!("{} is in the middle of a merge, and its two sides differ", path.display());
        Err(Failure::new(Kind::Conflict, yaml::MERGE_CONFLICT, message).details(differing).hint(keep_one(path)))
    }
}

fn keep_one(path: &Path) -> String {
    format!(
        "keep one side with `git checkout --ours {0}` or `git checkout --theirs {0}`, run `aam install`, and install what \
         only the other side had by name",
        path.display()
    )
}

/// The text of each side: what is outside the conflicts is on both.
fn split(text: &str) -> (String, String) {
    #[derive(Clone, Copy, PartialEq)]
    enum At {
        Both,
        Ours,
        Base,
        Theirs,
    }
    let (mut ours, mut theirs, mut at) = (String::new(), String::new(), At::Both);
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        let mark = |mark: &str| bare.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        at = match at {
            At::Both if mark("<<<<<<<") => At::Ours,
            At::Ours if mark("|||||||") => At::Base,
            At::Ours | At::Base if mark("=======") => At::Theirs,
            At::Theirs if mark(">>>>>>>") => At::Both,
            _ => {
                if matches!(at, At::Both | At::Ours) {
                    ours.push_str(line);
                }
                if matches!(at, At::Both | At::Theirs) {
                    theirs.push_str(line);
                }
                at
            }
        };
    }
    (ours, theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_has_what_is_on_it_and_what_is_on_both() {
        let text = "a\n<<<<<<< HEAD\nb\n||||||| base\nx\n=======\nc\n>>>>>>> theirs\nd\n";
        assert_eq!(split(text), ("a\nb\nd\n".to_owned(), "a\nc\nd\n".to_owned()));
        assert_eq!(split("a\n"), ("a\n".to_owned(), "a\n".to_owned()));
    }

    #[test]
    fn a_side_without_a_lock_file_has_no_packages() {
        let path = Path::new("aam-lock.yaml");
        let text = "# Written by aam\n<<<<<<< HEAD\n=======\nlockfile_version: 1\npackages: {}\n>>>>>>> theirs\n";
        let merged = Sides::read(path, text).expect("two sides").merged(path).expect("one lock");
        assert_eq!(merged, LockFile::default());
    }
}
