//! What systems take for git's own folder.

/// Whether some system takes `segment` for `.git`: case, dots and spaces at
/// the end, Windows' short names and streams, characters that macOS ignores.
pub(crate) fn is_git_folder(segment: &str) -> bool {
    let seen = folded(segment);
    matches!(&*seen, ".git" | "git~1")
}

/// The segment as such a system sees it.
pub(crate) fn folded(segment: &str) -> String {
    let ignored =
        |c: char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let seen: String = segment.chars().filter(|c| !ignored(*c)).collect();
    let seen = seen.split(':').next().unwrap_or_default();
    seen.trim_end_matches(['.', ' ']).to_lowercase()
}
