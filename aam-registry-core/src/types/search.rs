//! Search queries.

use crate::types::{ArtifactType, PageRequest, ScopeName, Sight};

/// The order of a search's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchSort {
    /// Exact name first, then text rank weighted by downloads.
    Relevance,
    /// The package that changed last comes first.
    Updated,
    /// The package with the most downloads comes first.
    Downloads,
    /// By name.
    Name,
}

/// A search over the packages that have a `latest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery {
    /// Free text over name, description, keywords, author and artifact names: all words must match, the
    /// last one as a prefix. If nothing matches, one typo is tolerated. Any text is allowed; a text
    /// without a [word](search_words) matches nothing. `None` lists all packages.
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
    /// The private packages that are searched with the public ones. A search through
    /// [`View::search`](crate::registry::View::search) sets it to what the viewer may see.
    pub sight: Sight,
}

/// How many words of a search are used; further words are ignored.
const MAX_WORDS: usize = 32;

/// The words of a searched text or of a query: its runs of letters and digits, including combining
/// marks after a letter, in lower case.
pub fn search_words(text: &str) -> Vec<String> {
    let runs = text.split(|c: char| !c.is_alphanumeric() && !is_mark(c));
    let words = runs.map(|run| run.trim_start_matches(is_mark)).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// Whether the character is a combining mark, as in decomposed text.
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

impl SearchQuery {
    /// A query that lists all public packages, for callers to narrow.
    pub fn everything(sort: SearchSort, page: PageRequest) -> Self {
        let sight = Sight::default();
        Self { text: None, artifact_type: None, scope: None, keyword: None, sort, page, sight }
    }

    /// The words to search for: the first 32 of the text.
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
