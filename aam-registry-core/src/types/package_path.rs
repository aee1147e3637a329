//! The rule for paths in a package, which archives and manifests share.

/// The most bytes a path may have, so that it fits below a project's folder on every system.
pub(crate) const MAX_PATH: usize = 1024;
/// The most bytes of one segment, the limit of common file systems.
pub(crate) const MAX_PATH_SEGMENT: usize = 255;
/// The most segments of a path, which limits the memory for an archive's folders.
pub(crate) const MAX_PATH_DEPTH: usize = 32;

/// Why a path is not allowed in a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathFault {
    #[error("is empty")]
    Empty,
    #[error("is absolute; paths start at the package's root")]
    Absolute,
    #[error("begins with a letter and a colon, which is a drive on Windows; rename it")]
    Drive,
    #[error("holds `..`; paths stay inside the package")]
    Parent,
    #[error("holds an empty segment or `.`; write it plainly")]
    Unclean,
    #[error("holds a backslash; separate with `/`")]
    Backslash,
    #[error("holds a NUL or another control character")]
    Control,
    #[error("has a segment of more than 255 bytes")]
    LongSegment,
    #[error("has more than 1024 bytes")]
    Long,
    #[error("has more than 32 segments")]
    Deep,
}

/// Checks a path relative to the package's root and returns it without a leading `./`.
pub(crate) fn package_path(text: &str) -> Result<&str, PathFault> {
    let path = text.strip_prefix("./").unwrap_or(text);
    let bytes = path.as_bytes();
    if path.is_empty() {
        return Err(PathFault::Empty);
    }
    if path.contains('\\') {
        return Err(PathFault::Backslash);
    }
    if path.chars().any(char::is_control) {
        return Err(PathFault::Control);
    }
    if bytes[0] == b'/' {
        return Err(PathFault::Absolute);
    }
    // `C:` makes a path absolute, or relative to another drive, on Windows.
    if bytes.len() > 1 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' {
        return Err(PathFault::Drive);
    }
    if path.len() > MAX_PATH {
        return Err(PathFault::Long);
    }
    for (depth, segment) in path.split('/').enumerate() {
        match segment {
            "" | "." => return Err(PathFault::Unclean),
            ".." => return Err(PathFault::Parent),
            _ if segment.len() > MAX_PATH_SEGMENT => return Err(PathFault::LongSegment),
            _ if depth >= MAX_PATH_DEPTH => return Err(PathFault::Deep),
            _ => {}
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_relative_paths_pass() {
        for (text, path) in [("aam.yaml", "aam.yaml"), ("./aam.yaml", "aam.yaml"), ("a/b c/é.md", "a/b c/é.md")] {
            assert_eq!(package_path(text), Ok(path));
        }
        assert_eq!(package_path("..."), Ok("..."));
        assert!(package_path(&"a".repeat(255)).is_ok());
    }

    #[test]
    fn every_other_path_is_refused_for_its_reason() {
        let deep = vec!["a"; 33].join("/");
        let long = vec!["a".repeat(200); 6].join("/");
        let segment = format!("a/{}", "é".repeat(128));
        for (text, fault) in [
            ("", PathFault::Empty),
            ("./", PathFault::Empty),
            ("/etc/passwd", PathFault::Absolute),
            (".//etc/passwd", PathFault::Absolute),
            ("C:/Windows", PathFault::Drive),
            ("c:x", PathFault::Drive),
            ("..", PathFault::Parent),
            ("a/../../b", PathFault::Parent),
            ("././a", PathFault::Unclean),
            ("a//b", PathFault::Unclean),
            ("a/", PathFault::Unclean),
            ("a\\b", PathFault::Backslash),
            ("a\0b", PathFault::Control),
            ("a\u{85}b", PathFault::Control),
            ("a\nb", PathFault::Control),
            (&deep, PathFault::Deep),
            (&long, PathFault::Long),
            (&segment, PathFault::LongSegment),
        ] {
            assert_eq!(package_path(text), Err(fault), "{text:?}");
        }
    }
}
