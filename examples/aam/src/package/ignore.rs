//! What stays out of an archive.

use std::{fs, io, path::Path};

use globset::{GlobBuilder, GlobMatcher};

use crate::failure::{Failure, Result};

/// Names that never go in, wherever they are: version control, what aam
/// installed or packed, and what operating systems strew about.
const NEVER: &[&str] =
    &[".git", ".hg", ".svn", ".aam", ".aamignore", ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX"];

/// The rules of `.aamignore`, written as in `.gitignore`: `#` comments, `!` to
/// take back, a trailing `/` for folders only, `*`, `?`, `[…]`, `**`; a `/`
/// before the end ties a rule to the package's root. The last rule that fits wins.
#[derive(Debug, Default)]
pub(super) struct Ignore(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    glob: GlobMatcher,
    ignored: bool,
    folders_only: bool,
}

impl Ignore {
    /// Reads the rules of a package.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(".aamignore");
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).map_err(|line| Failure::usage(format!("{}: {line}", path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Failure::io("read", &path, &error)),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut rules = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (ignored, pattern) = line.strip_prefix('!').map_or((true, line), |rest| (false, rest));
            let pattern = pattern.strip_prefix('\\').filter(|rest| rest.starts_with(['#', '!'])).unwrap_or(pattern);
            let (folders_only, pattern) = pattern.strip_suffix('/').map_or((false, pattern), |rest| (true, rest));
            let tied = pattern.contains('/');
            let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
            let spelled = if tied { pattern.to_owned() } else { format!("**/{pattern}") };
            let glob = GlobBuilder::new(&spelled)
                .literal_separator(true)
                .backslash_escape(true)
                .build()
                .map_err(|error| format!("line {}: {}", number + 1, error.kind()))?;
            rules.push(Rule { glob: glob.compile_matcher(), ignored, folders_only });
        }
        Ok(Self(rules))
    }

    /// Whether the file or folder at `path`, relative to the package, stays out.
    pub(super) fn leaves_out(&self, path: &Path, is_folder: bool) -> bool {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let packed = path.extension().is_some_and(|extension| extension == "aam") && !is_folder;
        if packed || name.starts_with("._") || NEVER.contains(&&*name) {
            return true;
        }
        let fits = |rule: &&Rule| (is_folder || !rule.folders_only) && rule.glob.is_match(path);
        self.0.iter().rev().find(fits).is_some_and(|rule| rule.ignored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(rules: &str, path: &str) -> bool {
        Ignore::parse(rules).expect("rules").leaves_out(Path::new(path.trim_end_matches('/')), path.ends_with('/'))
    }

    #[test]
    fn rules_are_read_as_git_reads_them() {
        assert!(out("*.log", "a/b.log") && !out("/*.log", "a/b.log") && out("/*.log", "b.log"));
        assert!(out("build/", "build/") && out("build/", "a/build/") && !out("build/", "build"));
        assert!(out("docs/*.md", "docs/a.md") && !out("docs/*.md", "docs/a/b.md") && out("docs/**", "docs/a/b.md"));
        assert!(out("*.md\n!README.md", "a.md") && !out("*.md\n!README.md", "README.md"));
        assert!(!out("# *.md\n\n", "a.md") && out("\\#a", "#a"));
        assert!(Ignore::parse("a\n[").expect_err("unclosed").starts_with("line 2"));
    }

    #[test]
    fn some_things_never_go_in() {
        for path in [".git/", "a/.git/", ".aam/", "x-1.0.0.aam", "a/.DS_Store", "._a", ".aamignore"] {
            assert!(out("!*", path), "{path} went in");
        }
        assert!(!out("", ".github/") && !out("", "aam.yaml"));
    }
}
