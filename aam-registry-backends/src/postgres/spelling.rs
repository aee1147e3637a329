//! Words that are one typo away from what somebody typed.

use std::collections::BTreeSet;

use super::{connection::Session, failure::Tx, sql};
use crate::relational::search::{MAX_CANDIDATES, may_be_mistyped};

/// For each pattern of a word the starts, as long as the pattern, of known
/// words that match it; at most so many a word. A pattern that holds for the
/// whole word has no `%` at its end, and matches as many letters as it has.
const CANDIDATES: &str = "SELECT c.at, c.word FROM (
        SELECT p.at, left(w.word, p.letters) COLLATE \"C\" AS word,
            dense_rank() OVER (PARTITION BY p.at ORDER BY left(w.word, p.letters) COLLATE \"C\") AS place
        FROM unnest($1::text[], $2::int[], $3::int[]) p (pattern, letters, at) JOIN words w ON w.word LIKE p.pattern
    ) c WHERE c.place <= $4 GROUP BY c.at, c.word ORDER BY c.at, c.word";

/// What each of the `typed` words may have been meant to be: known words or,
/// for the last, starts of known words, that one letter changed, added, left
/// out or swapped with its neighbour makes of it.
pub(super) async fn candidates(tx: &Session, typed: &[String]) -> Tx<Vec<Vec<String>>> {
    let (mut patterns, mut letters, mut at) = (Vec::new(), Vec::new(), Vec::new());
    for (number, word) in (0_i32..).zip(typed) {
        let is_last = usize::try_from(number).is_ok_and(|number| number + 1 == typed.len());
        for pattern in variants(word) {
            letters.push(i32::try_from(pattern.chars().count()).unwrap_or(i32::MAX));
            patterns.push(if is_last { format!("{pattern}%") } else { pattern });
            at.push(number);
        }
    }
    let most = i64::try_from(MAX_CANDIDATES).unwrap_or(i64::MAX);
    let found: Vec<(i32, String)> =
        sql::all(tx, CANDIDATES, [&patterns, &letters, &at, &most], |row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .await?;
    let mut candidates = vec![Vec::new(); typed.len()];
    for (at, word) in found {
        if let Some(words) = usize::try_from(at).ok().and_then(|at| candidates.get_mut(at)) {
            words.push(word);
        }
    }
    Ok(candidates)
}

/// What one typo makes of a word, as patterns of `LIKE` in which `_` is any
/// letter. Words hold letters and digits only, none of which is syntax there.
fn variants(typed: &str) -> BTreeSet<String> {
    let letters: Vec<char> = typed.chars().collect();
    let mut variants = BTreeSet::new();
    if !may_be_mistyped(&letters) {
        return variants;
    }
    for at in 0..=letters.len() {
        let (start, rest) = letters.split_at(at);
        let variant = |middle: &[char], end: &[char]| start.iter().chain(middle).chain(end).collect::<String>();
        variants.insert(variant(&['_'], rest));
        if let [first, tail @ ..] = rest {
            variants.insert(variant(&['_'], tail));
            variants.insert(variant(&[], tail));
            if let [second, tail @ ..] = tail {
                variants.insert(variant(&[*second, *first], tail));
            }
        }
    }
    variants
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_typo_is_one_edit() {
        let all: Vec<_> = variants("kits").into_iter().collect();
        let left_out = ["its", "kit", "kis", "kts"];
        let swapped = ["ikts", "ktis", "kist"];
        let changed = ["_its", "k_ts", "ki_s", "kit_"];
        let added = ["_kits", "k_its", "ki_ts", "kit_s", "kits_"];
        let mut expected = [&left_out[..], &swapped, &changed, &added].concat();
        expected.sort_unstable();
        assert_eq!(all, expected);
    }

    #[test]
    fn short_words_mean_themselves() {
        assert!(variants("kit").is_empty());
        assert!(!variants("zoëx").is_empty());
    }

    #[test]
    fn endless_words_mean_themselves() {
        assert!(variants(&"ab".repeat(1_000)).is_empty());
    }
}
