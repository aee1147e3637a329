//! What a search looks for, before it is put into the words of a database.

/// The most words that one mistyped word may stand for.
pub(crate) const MAX_CANDIDATES: usize = 64;

/// How many of the packages that match are ranked by how well they do: all
/// where they are no more; of more, the most downloaded ones and those of the
/// very name, before the others, which come by their downloads. To rank a
/// hundred thousand takes too long for a page.
pub(crate) const RANKED: u32 = 1_000;

/// Shorter words are as close to many others as to the one meant.
const MIN_TYPO_CHARS: usize = 4;

/// Longer words are no words; what one typo makes of one grows with its square.
const MAX_TYPO_CHARS: usize = 32;

/// Something every package found has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// Any of these words.
    pub(crate) words: Vec<String>,
    /// Whether a word that starts so will do.
    pub(crate) prefix: bool,
}

/// All of some terms; a search looks for any of such alternatives.
pub(crate) type Alternative = Vec<Term>;

/// All words as they were typed, the last one as a prefix.
pub(crate) fn as_written(words: &[String]) -> Alternative {
    words
        .iter()
        .enumerate()
        .map(|(at, word)| Term { words: vec![word.clone()], prefix: at + 1 == words.len() })
        .collect()
}

/// All words, one of them with one typo: an alternative for each word that
/// may be something else. `meant` holds for each word what it may have been
/// meant to be.
pub(crate) fn with_one_typo(words: &[String], meant: Vec<Vec<String>>) -> Vec<Alternative> {
    let alternative = |(at, meant): (usize, Vec<String>)| {
        let mut terms = as_written(words);
        terms[at].words = meant;
        terms
    };
    meant.into_iter().enumerate().filter(|(_, meant)| !meant.is_empty()).map(alternative).collect()
}

/// Whether a typo in a word is forgiven.
pub(crate) fn may_be_mistyped(word: &[char]) -> bool {
    (MIN_TYPO_CHARS..=MAX_TYPO_CHARS).contains(&word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(words: &[&str], prefix: bool) -> Term {
        Term { words: words.iter().map(|word| (*word).to_owned()).collect(), prefix }
    }

    #[test]
    fn a_typo_is_forgiven_in_what_may_be_a_word() {
        for (letters, may_be) in [(3, false), (4, true), (32, true), (33, false), (2_000, false)] {
            assert_eq!(may_be_mistyped(&vec!['a'; letters]), may_be, "{letters} letters");
        }
    }

    #[test]
    fn one_word_at_a_time_is_mistyped() {
        let words = ["clever", "an", "auditr"].map(str::to_owned);
        let meant = vec![vec!["cleverly".to_owned()], vec![], vec!["audit".to_owned(), "auditor".to_owned()]];
        assert_eq!(
            with_one_typo(&words, meant),
            [
                vec![term(&["cleverly"], false), term(&["an"], false), term(&["auditr"], true)],
                vec![term(&["clever"], false), term(&["an"], false), term(&["audit", "auditor"], true)],
            ]
        );
    }
}
