//! Which file names work on every system and are not taken for git's own.

use std::collections::HashSet;

use super::failure::invalid_entry;
use crate::error::Result;

/// Which names the entries of an archive may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameRule {
    /// Names that every system can unpack: the rule for publishing.
    #[default]
    Portable,
    /// Names that are safe to unpack on this system, even if others could not: the rule for versions
    /// that were published under an older rule.
    Unpackable,
    /// All names: for reading inside an archive that was accepted before.
    Any,
}

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NameFault {
    #[error("holds `.git`, or what some system takes for it: git would run what is configured there")]
    Git,
    #[error("has a name that Windows keeps for a device, such as `aux` or `con.md`; rename it")]
    Device,
    #[error("holds one of `< > : \" | ? *`, which Windows refuses in names; rename it")]
    Reserved,
    #[error("has a name that ends with a dot or a space, which Windows cuts off; rename it")]
    Ending,
    #[error("has an invisible or direction-changing character in its name, which hides what it is called; rename it")]
    Invisible,
}

/// Checks a path of plain segments.
pub(super) fn check(path: &str, rule: NameRule) -> Result<(), NameFault> {
    let fault = |segment| match rule {
        NameRule::Any => None,
        _ if is_git(segment) => Some(NameFault::Git),
        NameRule::Unpackable => None,
        NameRule::Portable => unportable(segment),
    };
    path.split('/').find_map(fault).map_or(Ok(()), Err)
}

/// Why some system cannot store a segment, or would not display it as it is.
fn unportable(segment: &str) -> Option<NameFault> {
    if segment.chars().any(is_invisible) {
        return Some(NameFault::Invisible);
    }
    if segment.contains(['<', '>', ':', '"', '|', '?', '*']) {
        return Some(NameFault::Reserved);
    }
    if segment.ends_with(['.', ' ']) {
        return Some(NameFault::Ending);
    }
    is_device(segment).then_some(NameFault::Device)
}

/// Whether a file system takes the segment for `.git`, by git's own rules for
/// macOS (HFS+ ignores some characters) and Windows (NTFS has short names, and
/// ignores dots and spaces at the end and what follows a colon).
fn is_git(segment: &str) -> bool {
    let visible: String = segment.chars().filter(|c| !is_ignored_by_hfs(*c)).collect();
    let stem = visible.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    stem.eq_ignore_ascii_case(".git") || stem.eq_ignore_ascii_case("git~1")
}

fn is_ignored_by_hfs(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// Whether a character is invisible, or changes the order of the characters around it. The joiners
/// U+200C and U+200D are allowed: some scripts and emoji need them.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether Windows takes the segment for a device; it ignores the extension.
fn is_device(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default().trim_end_matches(' ');
    let upper = stem.to_ascii_uppercase();
    if matches!(&*upper, "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$") {
        return true;
    }
    let number = upper.strip_prefix("COM").or_else(|| upper.strip_prefix("LPT"));
    let mut number = number.unwrap_or_default().chars();
    matches!((number.next(), number.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
}

/// Refuses a folder that git takes for a repository without a working tree, because git would use the
/// configuration in it: a folder with `HEAD`, and with `objects` and `refs` or with `commondir`.
pub(super) fn refuse_repository<'a>(paths: impl Iterator<Item = &'a str> + Clone) -> Result<()> {
    let mut heads = paths.clone().filter(|path| split(path).1.eq_ignore_ascii_case("HEAD")).peekable();
    if heads.peek().is_none() {
        return Ok(());
    }
    // Every path and all its parent folders, since a folder need not have an entry of its own.
    let mut present = HashSet::new();
    for path in paths {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        present.extend(ends.map(|end| path[..end].to_ascii_lowercase()));
    }
    for head in heads {
        let folder = split(head).0.to_ascii_lowercase();
        let holds = |name: &str| {
            present.contains(&*if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") })
        };
        if (holds("objects") && holds("refs")) || holds("commondir") {
            let why = "makes its folder a git repository: git would run what is configured there";
            return Err(invalid_entry(head.as_bytes(), why));
        }
    }
    Ok(())
}

/// The folder and the last segment.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_any_system_takes_for_git_is_refused_everywhere() {
        for name in [
            ".git",
            ".GIT",
            ".Git",
            "skills/x/.git/config",
            ".git./config",
            ".git /x",
            ".git. .",
            "git~1",
            "GIT~1/x",
            ".git::$INDEX_ALLOCATION/x",
            ".g\u{200c}it/config",
            "\u{feff}.git",
            ".gi\u{202e}t",
            ".git:x",
        ] {
            assert_eq!(check(name, NameRule::Portable), Err(NameFault::Git), "{name:?}");
            assert_eq!(check(name, NameRule::Unpackable), Err(NameFault::Git), "{name:?}");
            assert_eq!(check(name, NameRule::Any), Ok(()), "{name:?}");
        }
        for name in [".github/x", ".gitignore", ".gitattributes", "git", "x.git", "git~2", "a.git/x", "digit"] {
            assert_eq!(check(name, NameRule::Portable), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn what_some_system_cannot_unpack_is_refused_for_a_publish_only() {
        for (name, fault) in [
            ("aux.md", NameFault::Device),
            ("docs/CON", NameFault::Device),
            ("com1.tar.gz", NameFault::Device),
            ("LPT²", NameFault::Device),
            ("nul .txt", NameFault::Device),
            ("a:b.md", NameFault::Reserved),
            ("why?.md", NameFault::Reserved),
            ("a|b/c", NameFault::Reserved),
            ("a./b", NameFault::Ending),
            ("notes ", NameFault::Ending),
            ("...", NameFault::Ending),
            ("a\u{202e}dm.exe", NameFault::Invisible),
            ("a\u{200b}b", NameFault::Invisible),
            ("a\u{e0041}", NameFault::Invisible),
            ("soft\u{ad}hyphen", NameFault::Invisible),
        ] {
            assert_eq!(check(name, NameRule::Portable), Err(fault), "{name:?}");
            assert_eq!(check(name, NameRule::Unpackable), Ok(()), "{name:?}");
        }
        for name in ["auxiliary.md", "com.md", "com10", "console", "é.md", "日本.md", "a b.md", "👩\u{200d}💻.md", ".x"]
        {
            assert_eq!(check(name, NameRule::Portable), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn a_bare_repository_is_refused_whatever_the_case() {
        let check = |paths: &[&str]| refuse_repository(paths.iter().copied()).map_err(|error| error.to_string());
        for paths in [
            &["s/HEAD", "s/objects/x", "s/refs/x"][..],
            &["s/head", "s/config", "s/Objects", "s/REFS"],
            &["HEAD", "objects/x", "refs"],
            &["s/HEAD", "s/commondir"],
        ] {
            let message = check(paths).expect_err("a repository");
            assert!(message.contains("git repository"), "{message}");
        }
        for paths in [
            &["s/HEAD", "objects/x", "refs/x"][..],
            &["s/HEAD", "s/objects/x"],
            &["s/objects/x", "s/refs/x", "s/config"],
        ] {
            assert_eq!(check(paths), Ok(()), "{paths:?}");
        }
    }
}
