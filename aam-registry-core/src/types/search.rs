//! What a search asks.

use crate::types::{ArtifactType, PageRequest, ScopeName};

/// The order of a search's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchSort {
    /// Exact name first, then text rank weighted by downloads.
    Relevance,
    /// Last changed first.
    Updated,
    /// Most downloaded first.
    Downloads,
    /// By name.
    Name,
}

/// A search over the packages that have a `latest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery {
    /// Free text over name, description, keywords, author and artifact names:
    /// all words must match, the last one as a prefix; one typo is tolerated
    /// where nothing matches otherwise. Any text is allowed; one without a
    /// [word](search_words) matches nothing. `None` lists all.
    pub text: Option<String>,
    /// Only packages with an artifact of this type.
    pub artifact_type: Option<ArtifactType>,
    /// Only packages of this scope.
    pub scope: Option<ScopeName>,
    /// Only packages with this keyword.
    pub keyword: Option<String>,
    /// The order.
    pub sort: SearchSort,
    /// The page.
    pub page: PageRequest,
}

/// How many words of a search count; the rest is ignored.
const MAX_WORDS: usize = 32;

/// The words of a text that is searched, or searched for: its runs of letters
/// and digits, with the marks that stand behind a letter, in lower case.
pub fn search_words(text: &str) -> Vec<String> {
    let runs = text.split(|c: char| !c.is_alphanumeric() && !is_mark(c));
    let words = runs.map(|run| run.trim_start_matches(is_mark)).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// Whether it is a diacritic by itself, as in texts that were decomposed.
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

impl SearchQuery {
    /// A list of all there is, for searches to narrow.
    pub fn everything(sort: SearchSort, page: PageRequest) -> Self {
        Self { text: None, artifact_type: None, scope: None, keyword: None, sort, page }
    }

    /// The words to look for: the first 32 of the text.
    pub fn words(&self) -> Vec<String> {
        let mut words = search_words(self.text.as_deref().unwrap_or_default());
        words.truncate(MAX_WORDS);
        words
    }
}

#[cfg(test)]
mod tests {
    use super::search_words;

    #[test]
    fn marks_belong_to_the_letter_before_them() {
        assert_eq!(search_words("Fac\u{327}ade \u{301}x-y"), ["fac\u{327}ade", "x", "y"]);
    }
}
