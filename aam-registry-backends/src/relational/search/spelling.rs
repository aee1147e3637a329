//! Words that are one typo away from what somebody typed.

use std::collections::{BTreeMap, BTreeSet};

/// How many corrections of one mistyped word are used at most.
const MAX_CANDIDATES: usize = 64;

/// How many letters are tried at one position: more than an alphabet with digits has, but not the thousands of
/// letters of some scripts.
const MAX_LETTERS: usize = 64;

/// In shorter words typos are not forgiven: too many other words are equally close.
const MIN_TYPO_CHARS: usize = 4;

/// Longer words are not corrected: the number of possible typos grows with the square of the length.
const MAX_TYPO_CHARS: usize = 32;

/// What `typed` may have been meant to be: known words or, where `prefix`, the
/// shortest starts of known words, that one letter changed, added, left out or
/// swapped with its neighbour makes of it.
///
/// The known words are walked in their order, a jump for each letter that
/// follows somewhere: the cost grows with the alphabet, hardly with the words.
/// Only words count whose value is `seen`.
pub(super) fn candidates<T>(
    known: &BTreeMap<Box<str>, T>,
    typed: &str,
    prefix: bool,
    seen: impl Fn(&T) -> bool,
) -> Vec<String> {
    let letters: Vec<char> = typed.chars().collect();
    if !may_be_mistyped(&letters) {
        return Vec::new();
    }
    let mut variants = BTreeSet::new();
    for at in 0..=letters.len() {
        let (start, rest) = letters.split_at(at);
        let start: String = start.iter().collect();
        if !at_or_after(known, &start).is_some_and(|word| word.starts_with(&start)) {
            break;
        }
        let followers = followers(known, &start);
        let variant = |middle: &[char], end: &[char]| -> String {
            start.chars().chain(middle.iter().copied()).chain(end.iter().copied()).collect()
        };
        variants.extend(followers.iter().map(|letter| variant(&[*letter], rest)));
        if let [first, tail @ ..] = rest {
            variants.extend(followers.iter().map(|letter| variant(&[*letter], tail)));
            variants.insert(variant(&[], tail));
            if let [second, tail @ ..] = tail {
                variants.insert(variant(&[*second, *first], tail));
            }
        }
    }
    variants.remove(typed);
    let is_known = |variant: &String| {
        let from = (std::ops::Bound::Included(variant.as_str()), std::ops::Bound::Unbounded);
        let mut next = known.range::<str, _>(from);
        if prefix {
            next.take_while(|(word, _)| word.starts_with(&**variant)).any(|(_, value)| seen(value))
        } else {
            next.next().is_some_and(|(word, value)| **word == **variant && seen(value))
        }
    };
    let mut candidates: Vec<String> = variants.into_iter().filter(is_known).collect();
    if prefix {
        // Every word that starts with the longer one also starts with the shorter one, which comes first.
        candidates.dedup_by(|longer, shorter| longer.starts_with(&**shorter));
    }
    candidates.truncate(MAX_CANDIDATES);
    candidates
}

/// Whether a typo in a word is forgiven.
fn may_be_mistyped(word: &[char]) -> bool {
    (MIN_TYPO_CHARS..=MAX_TYPO_CHARS).contains(&word.len())
}

/// The letters that follow `start` in known words.
fn followers<T>(known: &BTreeMap<Box<str>, T>, start: &str) -> Vec<char> {
    let mut letters = Vec::new();
    let mut from = start.to_owned();
    while letters.len() < MAX_LETTERS {
        let Some(word) = at_or_after(known, &from).filter(|word| word.starts_with(start)) else { break };
        // `start` itself may be a word; the next one begins after it.
        let Some(letter) = word[start.len()..].chars().next() else {
            from.push('\u{1}');
            continue;
        };
        letters.push(letter);
        let Some(next) = (letter..=char::MAX).nth(1) else { break };
        from = format!("{start}{next}");
    }
    letters
}

/// The first known word that does not come before `text`.
fn at_or_after<'a, T>(known: &'a BTreeMap<Box<str>, T>, text: &str) -> Option<&'a str> {
    known.range::<str, _>((std::ops::Bound::Included(text), std::ops::Bound::Unbounded)).next().map(|(word, _)| &**word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(words: &[&str]) -> BTreeMap<Box<str>, usize> {
        words.iter().map(|word| ((*word).into(), word.len())).collect()
    }

    #[test]
    fn one_typo_is_one_edit() {
        let words = known(&["auditor", "au", "zoë", "zoëlogy"]);
        let mistyped =
            ["auditro", "audito", "auditorr", "auditorx", "auditir", "uditor", "xauditor", "buditor", "aduitor"];
        for typed in mistyped {
            assert_eq!(candidates(&words, typed, false, |_| true), ["auditor"], "{typed}");
        }
        for typed in ["auditor", "audi", "audrio", "adtior", "creator", "auditories"] {
            assert!(candidates(&words, typed, false, |_| true).is_empty(), "{typed} is close enough");
        }
        assert_eq!(candidates(&words, "zoölogy", false, |_| true), ["zoëlogy"]);
    }

    #[test]
    fn a_prefix_is_one_typo_from_the_start_of_a_word() {
        let words = known(&["auditor", "author"]);
        assert_eq!(candidates(&words, "audt", true, |_| true), ["aud", "aut"]);
        assert_eq!(candidates(&words, "auditr", true, |_| true), ["audit"]);
        assert_eq!(candidates(&words, "auditorx", true, |_| true), ["auditor"]);
        assert!(candidates(&words, "audt", false, |_| true).is_empty());
    }

    #[test]
    fn what_is_not_seen_is_no_candidate() {
        let words = known(&["auditor", "auditory", "author"]);
        let short = |length: &usize| *length < 8;
        assert_eq!(candidates(&words, "auditors", false, |_| true), ["auditor", "auditory"]);
        assert_eq!(candidates(&words, "auditors", false, short), ["auditor"]);
        assert_eq!(candidates(&words, "auditorz", true, |_| true), ["auditor"]);
        assert_eq!(candidates(&words, "auditorz", true, |length| *length == 8), ["auditor"]);
        assert!(candidates(&words, "auditorz", true, |length| *length == 6).is_empty());
    }

    #[test]
    fn a_typo_is_forgiven_in_what_may_be_a_word() {
        for (letters, may_be) in [(3, false), (4, true), (32, true), (33, false), (2_000, false)] {
            assert_eq!(may_be_mistyped(&vec!['a'; letters]), may_be, "{letters} letters");
        }
        assert!(candidates(&known(&["abd"]), "abc", false, |_| true).is_empty());
        let typed = "ab".repeat(1_000);
        assert!(candidates(&known(&[&typed[1..]]), &typed, false, |_| true).is_empty());
    }
}
