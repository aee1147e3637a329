//! How texts are split into words.

use aam_registry_core::types::search_words;
use unicode_normalization::{UnicodeNormalization, char::decompose_canonical};

use super::listed::Listed;

/// The weight of a word by the field that contains it: name, keywords, artifacts, description, author.
const WEIGHTS: [u8; 5] = [10, 4, 4, 2, 1];

/// The words of a listed package with their weights, and how many words it has.
pub(super) fn weighed(listed: &Listed) -> (Vec<(String, u8)>, u32) {
    let keywords = listed.keywords.join(" ");
    let author = listed.author.as_deref().unwrap_or_default();
    let fields = [&*listed.name, &keywords, &listed.artifacts, &listed.description, author];
    let mut words = Vec::new();
    for (field, weight) in fields.into_iter().zip(WEIGHTS) {
        words.extend(search_words(field).into_iter().map(|word| (folded(word), weight)));
    }
    let count = u32::try_from(words.len()).unwrap_or(u32::MAX);
    words.sort_unstable();
    words.dedup_by(|(word, weight), (same, sum)| {
        let is_same = word == same;
        if is_same {
            *sum = sum.saturating_add(*weight);
        }
        is_same
    });
    (words, count)
}

/// A word without diacritics, and with letters that differ only at the end of
/// a word or in old print made one: what decomposes into a letter of ASCII and
/// marks becomes that letter.
pub(super) fn folded(word: String) -> String {
    if word.is_ascii() {
        return word;
    }
    word.nfc().filter(|letter| !is_mark(*letter)).map(folded_letter).collect()
}

fn folded_letter(letter: char) -> char {
    let mut base = None;
    decompose_canonical(letter, |part| {
        base.get_or_insert(part);
    });
    match base {
        Some(base) if base.is_ascii() => base,
        _ => match letter {
            'ς' => 'σ',
            'ſ' => 's',
            'ϐ' => 'β',
            'ϑ' => 'θ',
            'ϕ' => 'φ',
            'ϖ' => 'π',
            'ϰ' => 'κ',
            'ϱ' => 'ρ',
            'ϵ' => 'ε',
            'µ' => 'μ',
            other => other,
        },
    }
}

fn is_mark(letter: char) -> bool {
    ('\u{300}'..='\u{331}').contains(&letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_their_diacritics() {
        for (word, plain) in [
            ("zoë", "zoe"),
            ("über", "uber"),
            ("zoe\u{308}", "zoe"),
            ("λο\u{301}γος", "λόγοσ"),
            ("ấm", "am"),
            ("i\u{307}stanbul", "istanbul"),
            ("λόγος", "λόγοσ"),
            ("straße", "straße"),
            ("plain", "plain"),
        ] {
            assert_eq!(folded(word.to_owned()), plain);
        }
    }

    #[test]
    fn words_weigh_what_their_places_weigh_together() {
        let listed = Listed {
            name: "greet-kit".to_owned(),
            description: "Zoë greets".to_owned(),
            author: Some("Zoë".to_owned()),
            keywords: vec!["kit".to_owned()],
            artifacts: "hello wave".to_owned(),
            ..Listed::default()
        };
        let (words, count) = weighed(&listed);
        let words: Vec<_> = words.iter().map(|(word, weight)| (word.as_str(), *weight)).collect();
        assert_eq!(words, [("greet", 10), ("greets", 2), ("hello", 4), ("kit", 14), ("wave", 4), ("zoe", 3)]);
        assert_eq!(count, 8);
    }

    #[test]
    fn a_word_that_stands_everywhere_weighs_no_more_than_can_be_told() {
        let listed = Listed { artifacts: "kit ".repeat(1_000), ..Listed::default() };
        assert_eq!(weighed(&listed), (vec![("kit".to_owned(), u8::MAX)], 1_000));
    }
}
