//! Words that are one typo apart.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::{failure::Tx, sql};

/// Words outside of these lengths, in characters, are taken as they are:
/// every short word is one typo from many, and nobody types the long ones.
const LENGTHS: std::ops::RangeInclusive<usize> = 3..=40;

/// Remembers words so that [`candidates`] finds them.
pub(super) fn learn<'a>(tx: &Connection, words: impl IntoIterator<Item = &'a String>) -> Tx<()> {
    let words: BTreeSet<_> = words.into_iter().filter(|word| LENGTHS.contains(&word.chars().count())).collect();
    let insert = "INSERT INTO spellings (spelling, word) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    for word in words {
        // Whoever has met a word under itself has met it under its other spellings.
        if sql::run(tx, insert, (word, word))? > 0 {
            for spelling in shortened(word) {
                sql::run(tx, insert, (spelling, word))?;
            }
        }
    }
    Ok(())
}

/// The known words one typo away from `word`, itself included where known.
pub(super) fn candidates(tx: &Connection, word: &str) -> Tx<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    if !LENGTHS.contains(&word.chars().count()) {
        return Ok(found);
    }
    for spelling in shortened(word).into_iter().chain([word.to_owned()]) {
        let known: Vec<String> =
            sql::all(tx, "SELECT word FROM spellings WHERE spelling = ?1", [spelling], sql::value)?;
        found.extend(known.into_iter().filter(|known| is_one_typo(word, known)));
    }
    Ok(found)
}

/// The word with each of its letters left out.
fn shortened(word: &str) -> BTreeSet<String> {
    let without = |(at, letter): (usize, char)| [&word[..at], &word[at + letter.len_utf8()..]].concat();
    word.char_indices().map(without).collect()
}

/// Whether one letter more, less or other, or two neighbours swapped, make `a`
/// of `b`; or nothing at all.
fn is_one_typo(a: &str, b: &str) -> bool {
    let (a, b): (Vec<_>, Vec<_>) = (a.chars().collect(), b.chars().collect());
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[same..], &b[same..]);
    match (a, b) {
        ([], []) => true,
        ([_, rest @ ..], []) | ([], [_, rest @ ..]) => rest.is_empty(),
        ([a, a_rest @ ..], [b, b_rest @ ..]) => {
            let swapped = matches!((a_rest, b_rest), ([a2, a_tail @ ..], [b2, b_tail @ ..]) if a == b2 && b == a2 && a_tail == b_tail);
            swapped
                || a_rest == b_rest
                || [std::slice::from_ref(a), a_rest].concat() == b_rest
                || a_rest == [std::slice::from_ref(b), b_rest].concat()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_typo_is_a_letter_more_less_other_or_two_swapped() {
        for (a, b) in [
            ("audit", "audit"),
            ("audt", "audit"),
            ("auditt", "audit"),
            ("andit", "audit"),
            ("aduit", "audit"),
            ("udit", "audit"),
            ("audi", "audit"),
        ] {
            assert!(is_one_typo(a, b) && is_one_typo(b, a), "{a} {b}");
        }
        for (a, b) in [("aduti", "audit"), ("aud", "audit"), ("abcd", "bacx"), ("abc", "cba"), ("xudix", "audit")] {
            assert!(!is_one_typo(a, b) && !is_one_typo(b, a), "{a} {b}");
        }
    }
}
