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

/// A name in the forms that are compared.
#[derive(Debug)]
pub(super) struct Protected {
    name: String,
    /// See [`skeleton`].
    skeleton: String,
    /// Its words in alphabetical order: `greet-kit` and `kit-greet` have the same.
    words: Vec<String>,
}

impl Protected {
    pub(super) fn new(name: &str) -> Self {
        let mut words: Vec<_> = name.split(['-', '_']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        words.sort_unstable();
        Self { name: name.to_owned(), skeleton: skeleton(name), words }
    }

    /// Whether one can be mistaken for the other.
    fn is_like(&self, other: &Self) -> bool {
        self.skeleton == other.skeleton || self.words == other.words || self.is_a_typo_of(other)
    }

    fn is_a_typo_of(&self, other: &Self) -> bool {
        let (one, other) = (&*self.skeleton, &*other.skeleton);
        let longest = one.len().max(other.len());
        if one.len().min(other.len()) < MIN_FOR_TYPO || one.len().abs_diff(other.len()) > 1 {
            return false;
        }
        // A typo changes two letters at most. Each publish looks at hundreds of names, and a distance costs more.
        let same = |pairs: &mut dyn Iterator<Item = (u8, u8)>| pairs.take_while(|(a, b)| a == b).count();
        let begin = same(&mut one.bytes().zip(other.bytes()));
        let end = same(&mut one.bytes().rev().zip(other.bytes().rev()));
        if begin + end + 2 < longest {
            return false;
        }
        // `tool-1` and `tool-2` are a family.
        let without_digits = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
        let is_family = one.len() == other.len() && without_digits(one) == without_digits(other);
        !is_family && strsim::osa_distance(one, other) == 1
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
    let wanted = Protected::new(name);
    protected.iter().find(|one| one.is_like(&wanted)).map(|one| one.name.clone())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    proptest! {
        /// Names that are not compared letter by letter are no typos.
        #[test]
        fn every_single_typo_is_found(one in "[a-d]{5,9}", other in "[a-d]{5,9}") {
            let expected = one.len().min(other.len()) >= MIN_FOR_TYPO && strsim::osa_distance(&one, &other) == 1;
            prop_assert_eq!(Protected::new(&one).is_a_typo_of(&Protected::new(&other)), expected);
        }
    }
}
