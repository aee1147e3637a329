//! Words that are one typo away from what somebody typed.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::{failure::Tx, sql};
use crate::relational::search::{MAX_CANDIDATES, may_be_mistyped};

/// How many letters are tried in one place: more than an alphabet and its
/// digits, less than a script of thousands.
const MAX_LETTERS: usize = 64;

/// Remembers words so that [`candidates`] finds them.
pub(super) fn learn<'a>(tx: &Connection, words: impl IntoIterator<Item = &'a String>) -> Tx<()> {
    for word in words.into_iter().collect::<BTreeSet<_>>() {
        sql::run(tx, "INSERT INTO words (word) VALUES (?1) ON CONFLICT DO NOTHING", [word])?;
    }
    Ok(())
}

/// What `typed` may have been meant to be: known words or, where `prefix`,
/// starts of known words, that one letter changed, added, left out or swapped
/// with its neighbour makes of it.
///
/// The known words are walked in their order, a jump for each letter that
/// follows somewhere: the cost grows with the alphabet, hardly with the words.
pub(super) fn candidates(tx: &Connection, typed: &str, prefix: bool) -> Tx<Vec<String>> {
    let letters: Vec<char> = typed.chars().collect();
    if !may_be_mistyped(&letters) {
        return Ok(Vec::new());
    }
    let mut variants = BTreeSet::new();
    for at in 0..=letters.len() {
        let (start, rest) = letters.split_at(at);
        let start: String = start.iter().collect();
        let followers = followers(tx, &start)?;
        if at > 0 && followers.is_empty() {
            break;
        }
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
    let mut known = Vec::new();
    for variant in variants {
        if known.len() == MAX_CANDIDATES {
            break;
        }
        let next = at_or_after(tx, &variant)?;
        if next.is_some_and(|next| if prefix { next.starts_with(&variant) } else { next == variant }) {
            known.push(variant);
        }
    }
    Ok(known)
}

/// The letters that follow `start` in known words.
fn followers(tx: &Connection, start: &str) -> Tx<Vec<char>> {
    let mut letters = Vec::new();
    let mut from = start.to_owned();
    while letters.len() < MAX_LETTERS {
        let Some(word) = at_or_after(tx, &from)?.filter(|word| word.starts_with(start)) else { break };
        // `start` itself is a word, too; the next begins after it.
        let Some(letter) = word[start.len()..].chars().next() else {
            from.push('\u{1}');
            continue;
        };
        letters.push(letter);
        let Some(next) = (letter..=char::MAX).nth(1) else { break };
        from = format!("{start}{next}");
    }
    Ok(letters)
}

/// The first known word that does not come before `text`.
fn at_or_after(tx: &Connection, text: &str) -> Tx<Option<String>> {
    sql::first(tx, "SELECT word FROM words WHERE word >= ?1 ORDER BY word LIMIT 1", [text], sql::value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(words: &[&str]) -> Connection {
        let connection = Connection::open_in_memory().expect("a database");
        connection.execute_batch("CREATE TABLE words (word TEXT PRIMARY KEY) WITHOUT ROWID").expect("a table");
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        learn(&connection, &words).expect("learn");
        connection
    }

    #[test]
    fn one_typo_is_one_edit() {
        let words = known(&["auditor", "au", "zoë", "zoëlogy"]);
        for typed in ["auditro", "audito", "auditorr", "auditir", "uditor", "xauditor", "buditor", "aduitor"] {
            assert_eq!(candidates(&words, typed, false).expect("read"), ["auditor"], "{typed}");
        }
        for typed in ["audi", "audrio", "adtior", "creator", "auditories"] {
            assert!(candidates(&words, typed, false).expect("read").is_empty(), "{typed} is close enough");
        }
        assert_eq!(candidates(&words, "zoölogy", false).expect("read"), ["zoëlogy"]);
    }

    #[test]
    fn a_prefix_is_one_typo_from_the_start_of_a_word() {
        let words = known(&["auditor", "author"]);
        assert_eq!(candidates(&words, "audt", true).expect("read"), ["aud", "audi", "audit", "aut"]);
        assert_eq!(candidates(&words, "auditr", true).expect("read"), ["audit", "audito", "auditor"]);
        assert!(candidates(&words, "audt", false).expect("read").is_empty());
    }

    #[test]
    fn short_words_mean_themselves() {
        assert!(candidates(&known(&["abd"]), "abc", false).expect("read").is_empty());
    }

    #[test]
    fn endless_words_mean_themselves() {
        let typed = "ab".repeat(1_000);
        assert!(candidates(&known(&[&typed[1..]]), &typed, false).expect("read").is_empty());
    }
}
