//! Links inside an archive.

use super::failure::invalid_entry;
use crate::{error::Result, types::package_path};

/// The path in the archive that a symbolic link at `path` names.
///
/// Allows `..` only at the start. Since no entry lies below a link, such a target names the same file
/// whether it is resolved as text or followed on a disk.
pub(super) fn symbolic_target(path: &str, target: &[u8]) -> Result<String> {
    let refuse = |why: &str| Err(invalid_entry(path.as_bytes(), why));
    let Ok(text) = std::str::from_utf8(target) else {
        return refuse("links to a name that is not UTF-8");
    };
    let mut folder: Vec<&str> = path.split('/').collect();
    folder.pop();
    let mut rest = text;
    loop {
        if let Some(after) = rest.strip_prefix("./") {
            rest = after;
        } else if let Some(after) = rest.strip_prefix("../") {
            if folder.pop().is_none() {
                return refuse("links to outside the package");
            }
            rest = after;
        } else {
            break;
        }
    }
    let joined = if folder.is_empty() { rest.to_owned() } else { format!("{}/{rest}", folder.join("/")) };
    // Check `rest` alone first, so that an absolute target is not accepted because it is joined to the
    // folder.
    match package_path(rest).and_then(|_| package_path(&joined)) {
        Ok(target) => Ok(target.to_owned()),
        Err(fault) => refuse(&format!("is a link whose target {fault}")),
    }
}

/// The path in the archive that a hard link at `path` names.
pub(super) fn hard_target(path: &str, target: &[u8]) -> Result<String> {
    let Ok(text) = std::str::from_utf8(target) else {
        return Err(invalid_entry(path.as_bytes(), "links to a name that is not UTF-8"));
    };
    match package_path(text) {
        Ok(target) => Ok(target.to_owned()),
        Err(fault) => Err(invalid_entry(path.as_bytes(), format_args!("is a link whose target {fault}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_inside_are_resolved() {
        for (path, target, expected) in [
            ("CLAUDE.md", "AGENTS.md", "AGENTS.md"),
            ("a/b/c", "d", "a/b/d"),
            ("a/b/c", "../d", "a/d"),
            ("a/b/c", "../../x/y", "x/y"),
            ("a/b", "./c", "a/c"),
        ] {
            assert_eq!(symbolic_target(path, target.as_bytes()).expect("inside"), expected);
        }
        assert_eq!(hard_target("a/b", b"./c/d").expect("inside"), "c/d");
    }

    #[test]
    fn targets_outside_or_unclear_are_refused() {
        for (path, target) in [
            ("a", "../b"),
            ("a/b", "../../b"),
            ("a/b", "/etc/passwd"),
            ("a/b", "..//etc/passwd"),
            ("a/b", "c/../../d"),
            ("a/b", "c/.."),
            ("a/b", ".."),
            ("a", ""),
            ("a", "C:/x"),
            ("a", "b\\c"),
        ] {
            assert!(symbolic_target(path, target.as_bytes()).is_err(), "{path} -> {target} passed");
        }
        assert!(symbolic_target("a", b"\xff").is_err());
        for target in ["../a", "/a", "", "a/../b"] {
            assert!(hard_target("x/y", target.as_bytes()).is_err(), "{target} passed");
        }
    }
}
