//! Names that new ones could be mistaken for.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

/// How long the list is used before it is read again.
const FRESH_FOR: Duration = Duration::from_mins(10);
/// From how many letters on one typo makes a name similar: shorter words have too many neighbours.
const MIN_FOR_TYPO: usize = 6;

/// A protected name in the forms that are compared.
#[derive(Debug)]
pub(super) struct Protected {
    name: String,
    skeleton: String,
}

impl Protected {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), skeleton: skeleton(name) }
    }

    /// Whether `name`, with this skeleton, can be mistaken for it.
    fn is_like(&self, name: &str, skeleton: &str) -> bool {
        if self.name == name {
            return false;
        }
        self.skeleton == skeleton || sorted(&self.name) == sorted(name) || self.is_a_typo_of(skeleton)
    }

    fn is_a_typo_of(&self, skeleton: &str) -> bool {
        let (one, other) = (self.skeleton.len(), skeleton.len());
        if one.min(other) < MIN_FOR_TYPO || one.abs_diff(other) > 1 {
            return false;
        }
        // `tool-1` and `tool-2` are a family.
        let without_digits = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
        let is_family = one == other && without_digits(&self.skeleton) == without_digits(skeleton);
        !is_family && strsim::osa_distance(&self.skeleton, skeleton) == 1
    }
}

/// The name without separators, and with one character for those that look alike.
fn skeleton(name: &str) -> String {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.replace("rn", "m").replace("vv", "w");
    plain
        .chars()
        .map(|c| match c {
            '0' => 'o',
            '1' | 'i' => 'l',
            c => c,
        })
        .collect()
}

/// The parts of the name in alphabetical order, as `greet-kit` and `kit-greet` have the same.
fn sorted(name: &str) -> Vec<&str> {
    let mut parts: Vec<_> = name.split(['-', '_']).filter(|part| !part.is_empty()).collect();
    parts.sort_unstable();
    parts
}

/// The protected names as last read.
#[derive(Debug, Default)]
pub(super) struct ProtectedNames(Mutex<Option<(Timestamp, Arc<Names>)>>);

/// The names that are protected.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) packages: Vec<Protected>,
    pub(super) scopes: Vec<Protected>,
}

impl ProtectedNames {
    /// The names, if they were read lately.
    pub(super) fn fresh(&self, now: Timestamp) -> Option<Arc<Names>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = kept.as_ref().filter(|(at, _)| now.duration_since(*at).unsigned_abs() < FRESH_FOR);
        fresh.map(|(_, names)| Arc::clone(names))
    }

    pub(super) fn keep(&self, now: Timestamp, names: &Arc<Names>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(names)));
    }
}

/// The protected name that `name` can be mistaken for, unless it is one of them.
pub(super) fn like(protected: &[Protected], name: &str) -> Option<String> {
    if protected.iter().any(|one| one.name == name) {
        return None;
    }
    let skeleton = skeleton(name);
    protected.iter().find(|one| one.is_like(name, &skeleton)).map(|one| one.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_can_be_mistaken_are_alike() {
        let protected = [Protected::new("greet-kit"), Protected::new("log"), Protected::new("gpt4-tools")];
        for (name, expected) in [
            ("greet_kit", Some("greet-kit")),
            ("greetkit", Some("greet-kit")),
            ("gr-eet-kit", Some("greet-kit")),
            ("kit-greet", Some("greet-kit")),
            ("greet-klt", Some("greet-kit")),
            ("greet-k1t", Some("greet-kit")),
            ("gret-kit", Some("greet-kit")),
            ("greet-kits", Some("greet-kit")),
            ("rgeet-kit", Some("greet-kit")),
            ("greet-kit", None),
            ("greet-tool", None),
            ("greeting-kit", None),
            ("l0g", Some("log")),
            ("logs", None),
            ("dog", None),
            ("gpt5-tools", None),
            ("gpt4-tool", Some("gpt4-tools")),
        ] {
            assert_eq!(like(&protected, name).as_deref(), expected, "{name}");
        }
        assert_eq!(skeleton("vvarn-10"), "wamlo");
    }

    #[test]
    fn a_protected_name_is_not_like_another() {
        let protected = [Protected::new("greet-kit"), Protected::new("greet-kits")];
        assert_eq!(like(&protected, "greet-kits"), None);
    }
}
