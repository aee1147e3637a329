//! Names and descriptions that a manifest takes, from those that are there.

use aam_registry_core::types::PackageName;

/// The most characters of an artifact's description.
pub(super) const MAX_ARTIFACT: usize = 1024;
/// The most characters of a package's description, author and licence.
pub(super) const MAX_PACKAGE: usize = 256;
/// The most characters of a name.
const MAX_NAME: usize = 64;

/// Lower-case letters, digits and single hyphens.
fn kebab(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            name.push(c);
        } else if !name.ends_with('-') && !name.is_empty() {
            name.push('-');
        }
    }
    name.truncate(MAX_NAME);
    name.trim_end_matches('-').to_owned()
}

/// A name that every tool takes for an artifact.
pub(super) fn artifact_name(text: &str) -> String {
    let name = kebab(text);
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

/// A name of a package: as it is where it is one, else made of it.
pub(crate) fn package_name(text: &str) -> Option<PackageName> {
    let usual = |name: &PackageName| name.scope().is_some() || !name.bare().contains("--");
    let made = match text.strip_prefix('@').and_then(|rest| rest.split_once('/')) {
        Some((scope, name)) => format!("@{}/{}", scope.to_ascii_lowercase(), kebab(name)),
        None => kebab(text),
    };
    text.parse().ok().filter(usual).or_else(|| made.parse().ok())
}

/// `text` on one line, cut between words where it has more than `most` characters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let cut: String = line.chars().take(most - 1).collect();
    let end = cut.rfind(' ').filter(|end| *end > cut.len() / 2).unwrap_or(cut.len());
    format!("{}…", cut[..end].trim_end_matches([',', ';', ':', '.', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_what_is_there() {
        for (text, name) in [
            ("My Skills", "my-skills"),
            ("awesome_copilot", "awesome-copilot"),
            ("a--b", "a-b"),
            ("@Acme/Review Suite", "@acme/review-suite"),
            ("@acme/a--b", "@acme/a--b"),
        ] {
            assert_eq!(package_name(text).expect("a name").as_str(), name);
        }
        assert_eq!(package_name("日本"), None);
        assert_eq!(artifact_name("C# Expert (v2)"), "c-expert-v2");
        assert_eq!(artifact_name("…"), "unnamed");
    }

    #[test]
    fn long_texts_end_between_words() {
        assert_eq!(shortened("one\n two", 20), "one two");
        assert_eq!(shortened("one two three four", 13), "one two…");
        assert_eq!(shortened(&"é".repeat(30), 10), format!("{}…", "é".repeat(9)));
    }
}
