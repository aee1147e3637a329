use std::cmp::Reverse;

use super::tables::{StoredPackage, StoredVersion, Tables};
use crate::types::{PackageName, PackageSummary, Page, SearchQuery, SearchSort, search_words};

/// Shorter words are as close to many others as to the one meant.
const MIN_TYPO_CHARS: usize = 4;

/// A package as a search finds it.
struct Hit<'a> {
    name: &'a PackageName,
    package: &'a StoredPackage,
    latest: &'a StoredVersion,
    score: u64,
}

impl Tables {
    pub(super) fn search(&self, query: &SearchQuery) -> Page<PackageSummary> {
        let candidates = self.packages.iter().filter_map(|(name, package)| {
            let latest = package.version(&package.latest.as_ref()?.version)?;
            (admits(query, name, latest) && is_in_sight(query, name, package)).then_some(Hit {
                name,
                package,
                latest,
                score: 0,
            })
        });
        let mut hits: Vec<_> = match &query.text {
            None => candidates.collect(),
            Some(text) => matching(candidates.collect(), text, &query.words()),
        };
        // The packages come by name, and a stable sort leaves ties so.
        match query.sort {
            SearchSort::Relevance => hits.sort_by_key(|hit| Reverse(hit.score)),
            SearchSort::Updated => hits.sort_by_key(|hit| Reverse(hit.package.updated_at)),
            SearchSort::Downloads => hits.sort_by_key(|hit| Reverse(hit.package.downloads())),
            SearchSort::Name => {}
        }
        Page::of(hits.iter().map(Hit::summary), hits.len(), query.page)
    }
}

fn is_in_sight(query: &SearchQuery, name: &PackageName, package: &StoredPackage) -> bool {
    !package.visibility.is_private() || query.sight.sees(name)
}

fn admits(query: &SearchQuery, name: &PackageName, latest: &StoredVersion) -> bool {
    let manifest = &latest.manifest;
    query.artifact_type.is_none_or(|kind| !manifest.artifacts.of(kind).is_empty())
        && query.scope.as_ref().is_none_or(|scope| name.scope_or_empty() == scope.as_str())
        && query.keyword.as_ref().is_none_or(|keyword| manifest.keywords.contains(keyword))
}

/// Those of `hits` that hold all words, with their scores; where none does,
/// those that do but for one typo.
fn matching<'a>(hits: Vec<Hit<'a>>, text: &str, words: &[String]) -> Vec<Hit<'a>> {
    let Some((last, full)) = words.split_last() else { return Vec::new() };
    let documents: Vec<_> = hits.iter().map(Hit::document).collect();
    let count = |document: &[(u64, String)], typos: usize| {
        let weight = |found: &dyn Fn(&str) -> bool| {
            document.iter().filter(|(_, word)| found(word)).map(|(weight, _)| *weight).max()
        };
        let mut left = typos;
        let mut total = 0;
        for (wanted, is_last) in full.iter().map(|word| (word, false)).chain([(last, true)]) {
            let strict = weight(&|word| if is_last { word.starts_with(&**wanted) } else { word == wanted });
            total += match strict {
                Some(weight) => weight,
                None if left > 0 && wanted.chars().count() >= MIN_TYPO_CHARS => {
                    left -= 1;
                    weight(&|word| is_one_typo_off(wanted, word, is_last))?
                }
                None => return None,
            };
        }
        Some(total)
    };
    let scores = |typos| documents.iter().map(|document| count(document, typos)).collect::<Vec<_>>();
    let mut found = scores(0);
    if found.iter().all(Option::is_none) {
        found = scores(1);
    }
    let text = text.trim().to_lowercase();
    let found = hits.into_iter().zip(found).filter_map(|(hit, score)| {
        let exact = hit.name.as_str() == text || hit.name.bare() == text;
        // One doubling of the downloads weighs as much again as the first match.
        let popularity = u64::from((hit.package.downloads() + 1).ilog2()) + 1;
        let score = if exact { u64::MAX } else { score? * popularity };
        Some(Hit { score, ..hit })
    });
    found.collect()
}

/// Whether `typed` becomes `word`, or the start of it, by one letter changed,
/// added, left out or swapped with its neighbour.
fn is_one_typo_off(typed: &str, word: &str, prefix: bool) -> bool {
    let (typed, word): (Vec<char>, Vec<char>) = (typed.chars().collect(), word.chars().collect());
    let lengths = typed.len() - 1..=typed.len() + 1;
    let mut ends = lengths.filter(|len| if prefix { *len <= word.len() } else { *len == word.len() });
    ends.any(|end| {
        let word = &word[..end];
        let start = typed.iter().zip(word).take_while(|(a, b)| a == b).count();
        match (&typed[start..], &word[start..]) {
            ([], _) | (_, []) => true,
            ([first, left @ ..], [second, right @ ..]) => {
                let swapped = left.first() == Some(second) && right.first() == Some(first) && left[1..] == right[1..];
                swapped || left == right || left == &word[start..] || &typed[start..] == right
            }
        }
    })
}

impl Hit<'_> {
    /// Its words, each with what a match of it weighs.
    fn document(&self) -> Vec<(u64, String)> {
        let manifest = &self.latest.manifest;
        let artifacts = manifest.artifacts.iter().map(|(_, artifact)| (3, artifact.name.as_str()));
        let fields = [(8, self.name.as_str()), (1, &*manifest.description)]
            .into_iter()
            .chain(manifest.keywords.iter().map(|keyword| (4, keyword.as_str())))
            .chain(manifest.author.iter().map(|author| (2, author.as_str())))
            .chain(artifacts);
        fields.flat_map(|(weight, text)| search_words(text).into_iter().map(move |word| (weight, word))).collect()
    }

    fn summary(&self) -> PackageSummary {
        let manifest = &self.latest.manifest;
        PackageSummary {
            name: self.name.clone(),
            description: manifest.description.clone(),
            author: manifest.author.clone(),
            latest_version: manifest.version.clone(),
            keywords: manifest.keywords.clone(),
            artifact_types: manifest.artifacts.types(),
            downloads: self.package.downloads(),
            updated_at: self.package.updated_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_one_typo_off;

    #[test]
    fn one_typo_is_one_edit() {
        for typed in ["auditro", "audito", "auditorr", "auditir", "uditor", "xauditor", "auditor"] {
            assert!(is_one_typo_off(typed, "auditor", false), "{typed} is too far off");
        }
        for typed in ["audi", "audrio", "adtior", "creator", "auditories"] {
            assert!(!is_one_typo_off(typed, "auditor", false), "{typed} is close enough");
        }
        assert!(is_one_typo_off("audt", "auditor", true));
        assert!(!is_one_typo_off("audt", "auditor", false));
    }
}
