use std::{borrow::Cow, collections::HashSet, ptr};

use aam_registry_core::types::{PackageName, ScopeName, SearchQuery, SearchSort, Sight};

use super::{
    bit_set::{BitSet, Numbering},
    index::{Document, Places, SearchIndex, Slot},
    spelling, words,
};
use crate::relational::listing::type_bits;

/// How many of the matching packages are ranked by how well they match. If more match, only the most downloaded ones
/// and those whose name equals the text are ranked; the others follow, sorted by downloads. Ranking a hundred
/// thousand packages would take too long.
const RANKED: usize = 1_000;

/// The constants of BM25: how soon repetitions of a word stop to count, and how much the length of a text matters.
const SATURATION: f64 = 1.2;
const LENGTH: f64 = 0.75;

/// One page of the results.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The ids of the packages of the page, in order.
    pub(crate) packages: Vec<i64>,
    /// The number of packages on all pages.
    pub(crate) total: u64,
}

/// The packages that a viewer may find.
struct Seen<'a> {
    slots: Cow<'a, BitSet>,
    /// The number of words of all of them.
    length: u64,
}

/// The packages that one word of a search matches.
struct Matched<'a> {
    /// The slots of each word of the index that matches.
    places: Vec<&'a Places>,
    /// The slots of all of them together.
    slots: BitSet,
    /// The weight of a match; it is higher for rarer words.
    rarity: f64,
}

/// All words of a search, one of them perhaps corrected.
struct Alternative<'a, 'b> {
    terms: Vec<&'b Matched<'a>>,
    hits: BitSet,
}

impl SearchIndex {
    /// Finds what `query` asks for; see [`PackageStore::search`](aam_registry_core::ports::PackageStore::search).
    pub(crate) fn search(&self, query: &SearchQuery) -> Found {
        let seen = self.seen(&query.sight);
        let admitted = self.admitted(query, &seen);
        let Some(text) = &query.text else { return self.page(query, &admitted) };
        let mut typed: Vec<_> = query.words().into_iter().map(words::folded).collect();
        let Some(start) = typed.pop() else { return Found { packages: Vec::new(), total: 0 } };
        let mut distinct = HashSet::new();
        typed.retain(|word| distinct.insert(word.clone()));
        typed.push(start);
        let last = typed.len() - 1;
        let written: Vec<_> =
            typed.iter().enumerate().map(|(at, word)| self.matched([word], at == last, &seen)).collect();
        let as_written = Alternative::of(written.iter().collect(), &admitted);
        if as_written.hits.count() > 0 {
            return self.ranked_page(query, text, &[as_written], &seen);
        }
        let meant = typed.iter().enumerate().map(|(at, word)| {
            let is_seen = |places: &Places| places.slots.iter().any(|slot| seen.slots.contains(*slot));
            let candidates = spelling::candidates(&self.words, word, at == last, is_seen);
            (!candidates.is_empty()).then(|| self.matched(&candidates, at == last, &seen))
        });
        let meant: Vec<_> = meant.collect();
        let corrected = meant.iter().enumerate().filter_map(|(at, meant)| {
            let mut terms: Vec<_> = written.iter().collect();
            terms[at] = meant.as_ref()?;
            Some(Alternative::of(terms, &admitted)).filter(|corrected| corrected.hits.count() > 0)
        });
        self.ranked_page(query, text, &corrected.collect::<Vec<_>>(), &seen)
    }

    /// The packages that a viewer with that sight may find. No other package influences a search, not even the weight
    /// of a word.
    fn seen<'a>(&'a self, sight: &Sight) -> Seen<'a> {
        if sight.is_public_only() {
            return Seen { slots: Cow::Borrowed(&self.public), length: self.public_length };
        }
        let (mut slots, mut length) = (self.public.clone(), self.public_length);
        let mut add = |slot: Slot| {
            let document = self.document(slot);
            let is_private = self.listed.contains(slot) && !slots.contains(slot);
            if is_private && document.name.parse().is_ok_and(|name: PackageName| sight.sees(&name)) {
                slots.insert(slot);
                length += u64::from(document.length);
            }
        };
        if sight.everything {
            self.listed.iter().for_each(&mut add);
        }
        sight.scopes.iter().flat_map(|scope| self.of_scope(scope)).for_each(&mut add);
        sight.packages.iter().flat_map(|name| self.named(name.as_str())).for_each(&mut add);
        Seen { slots: Cow::Owned(slots), length }
    }

    /// The listed packages of a scope.
    fn of_scope(&self, scope: &ScopeName) -> impl Iterator<Item = Slot> {
        let start = format!("@{scope}/");
        let by_name = &self.orders.name;
        let first = by_name.partition_point(|slot| *self.document(*slot).name < *start);
        by_name[first..].iter().copied().take_while(move |slot| self.document(*slot).name.starts_with(&start))
    }

    /// The packages that pass the filters of a search.
    fn admitted(&self, query: &SearchQuery, seen: &Seen<'_>) -> BitSet {
        let mut admitted = BitSet::clone(&seen.slots);
        if let Some(kind) = query.artifact_type {
            let bit = type_bits(&[kind]);
            let documents = (0..).zip(&self.documents);
            let of_type = documents.filter(|(_, document)| document.artifact_types & bit != 0).map(|(slot, _)| slot);
            admitted.intersect(&of_type.collect());
        }
        if let Some(scope) = &query.scope {
            admitted.intersect(&self.of_scope(scope).collect());
        }
        if let Some(keyword) = &query.keyword {
            admitted.intersect(&self.keywords.get(&**keyword).into_iter().flatten().copied().collect());
        }
        admitted
    }

    /// The packages that contain one of `words` or, with `prefix`, a word that starts with one of them.
    fn matched<'w>(&self, words: impl IntoIterator<Item = &'w String>, prefix: bool, seen: &Seen<'_>) -> Matched<'_> {
        let mut places = Vec::new();
        for word in words {
            if prefix {
                let following =
                    self.words.range::<str, _>((std::ops::Bound::Included(&**word), std::ops::Bound::Unbounded));
                places.extend(following.take_while(|(other, _)| other.starts_with(&**word)).map(|(_, places)| places));
            } else {
                places.extend(self.words.get(&**word));
            }
        }
        let mut slots: BitSet = places.iter().flat_map(|places| places.slots.iter().copied()).collect();
        slots.intersect(&seen.slots);
        let (all, some) = (float(seen.slots.count()), float(slots.count()));
        // A word that more than half of the packages contain has a small weight, but never a negative one.
        let rarity = ((all - some + 0.5) / (some + 0.5)).ln().max(1e-6);
        Matched { places, slots, rarity }
    }

    /// One page of the packages that match any of the alternatives.
    fn ranked_page(
        &self,
        query: &SearchQuery,
        text: &str,
        alternatives: &[Alternative<'_, '_>],
        seen: &Seen<'_>,
    ) -> Found {
        let mut hits = BitSet::default();
        for alternative in alternatives {
            hits.unite(&alternative.hits);
        }
        if query.sort != SearchSort::Relevance {
            return self.page(query, &hits);
        }
        let (limit, offset) = bounds(query);
        let by_downloads = self.orders.downloads.iter().copied().filter(|slot| hits.contains(*slot));
        let popular: Vec<_> = by_downloads.take(RANKED.max(offset.saturating_add(limit))).collect();
        let (ranked, others) = popular.split_at(popular.len().min(RANKED));
        let mut exact = self.named(&text.trim().to_lowercase());
        exact.retain(|slot| hits.contains(*slot));
        let is_exact: BitSet = exact.iter().copied().collect();
        let not_exact = |slots: &[Slot]| slots.iter().copied().filter(|slot| !is_exact.contains(*slot)).collect();
        let (ranked, others): (Vec<_>, Vec<_>) = (not_exact(ranked), not_exact(others));
        let wanted: BitSet = exact.iter().chain(&ranked).copied().collect();
        let numbering = wanted.numbering();
        let scores = self.scores(&wanted, &numbering, alternatives, seen);
        let score = |slot: &Slot| numbering.of(*slot).map_or(0.0, |number| scores[number]);
        // Packages that match equally well keep their order.
        let [exact, ranked] = [exact, ranked].map(|mut slots| {
            slots.sort_by(|a, b| score(b).total_cmp(&score(a)));
            slots
        });
        let page = exact.into_iter().chain(ranked).chain(others).skip(offset).take(limit);
        Found { packages: page.map(|slot| self.document(slot).package).collect(), total: hits.count() as u64 }
    }

    /// For each of the `wanted` packages, by its rank in the set: how well it matches its best alternative.
    fn scores(
        &self,
        wanted: &BitSet,
        numbering: &Numbering<'_>,
        alternatives: &[Alternative<'_, '_>],
        seen: &Seen<'_>,
    ) -> Vec<f64> {
        let usual_length = float(seen.length) / float(seen.slots.count().max(1));
        // The weight at which a word contributes half of its maximum.
        let needed = wanted
            .iter()
            .map(|slot| SATURATION * (1.0 - LENGTH + LENGTH * f64::from(self.document(slot).length) / usual_length));
        let needed: Vec<_> = needed.collect();
        // Alternatives share most of their words.
        let mut terms: Vec<(&Matched<'_>, Vec<f64>)> = Vec::new();
        for term in alternatives.iter().flat_map(|alternative| &alternative.terms) {
            if !terms.iter().any(|(known, _)| ptr::eq(*known, *term)) {
                terms.push((term, term.scores(numbering, &needed)));
            }
        }
        let mut best = vec![0.0_f64; needed.len()];
        for alternative in alternatives {
            let mut sums = vec![0.0; needed.len()];
            for term in &alternative.terms {
                let scores = terms.iter().find(|(known, _)| ptr::eq(*known, *term)).map(|(_, scores)| scores);
                for (sum, score) in sums.iter_mut().zip(scores.into_iter().flatten()) {
                    *sum += score;
                }
            }
            for ((best, sum), slot) in best.iter_mut().zip(sums).zip(wanted.iter()) {
                if alternative.hits.contains(slot) {
                    *best = best.max(sum);
                }
            }
        }
        for (best, slot) in best.iter_mut().zip(wanted.iter()) {
            *best *= popularity(self.document(slot).downloads);
        }
        best
    }

    /// The packages with that full or bare name, the most downloaded first.
    fn named(&self, name: &str) -> Vec<Slot> {
        let bare = name.rsplit_once('/').map_or(name, |(_, bare)| bare);
        let by_bare_name = &self.orders.bare_name;
        let first = by_bare_name.partition_point(|slot| self.document(*slot).bare_name() < bare);
        let of_bare_name = by_bare_name[first..].iter().take_while(|slot| self.document(**slot).bare_name() == bare);
        let mut named: Vec<_> =
            of_bare_name.copied().filter(|slot| bare == name || *self.document(*slot).name == *name).collect();
        named.sort_by(|a, b| self.document(*a).cmp_downloads(self.document(*b)));
        named
    }

    /// One page of `hits` in an order that does not depend on ranks.
    fn page(&self, query: &SearchQuery, hits: &BitSet) -> Found {
        let order = match query.sort {
            SearchSort::Updated => &self.orders.update,
            SearchSort::Downloads => &self.orders.downloads,
            SearchSort::Relevance | SearchSort::Name => &self.orders.name,
        };
        let (limit, offset) = bounds(query);
        let page = order.iter().filter(|slot| hits.contains(**slot)).skip(offset).take(limit);
        Found { packages: page.map(|slot| self.document(*slot).package).collect(), total: hits.count() as u64 }
    }

    fn document(&self, slot: Slot) -> &Document {
        &self.documents[slot as usize]
    }
}

impl Matched<'_> {
    /// Adds the weight of the word to the rank of each package that contains it.
    fn scores(&self, numbering: &Numbering<'_>, needed: &[f64]) -> Vec<f64> {
        let mut weights = vec![0.0; needed.len()];
        for places in &self.places {
            for (slot, weight) in places.slots.iter().zip(&places.weights) {
                if let Some(number) = numbering.of(*slot) {
                    weights[number] += f64::from(*weight);
                }
            }
        }
        let score = |(weight, needed): (f64, &f64)| self.rarity * weight * (SATURATION + 1.0) / (weight + needed);
        weights.into_iter().zip(needed).map(score).collect()
    }
}

impl<'a, 'b> Alternative<'a, 'b> {
    fn of(terms: Vec<&'b Matched<'a>>, admitted: &BitSet) -> Self {
        let mut hits = admitted.clone();
        for term in &terms {
            hits.intersect(&term.slots);
        }
        Self { terms, hits }
    }
}

/// The number of packages on a page, and the number before it.
fn bounds(query: &SearchQuery) -> (usize, usize) {
    let size = |number| usize::try_from(number).unwrap_or(usize::MAX);
    (size(query.page.limit), size(query.page.offset()))
}

/// The factor by which downloads raise a text rank: a thousand of them weigh
/// about as much as the word in a more important field.
fn popularity(downloads: u64) -> f64 {
    1.0 + float(downloads).ln_1p() / 10.0
}

#[expect(clippy::cast_precision_loss, reason = "ranks do not tell such numbers apart")]
fn float(number: impl TryInto<u64>) -> f64 {
    number.try_into().unwrap_or(u64::MAX) as f64
}

#[cfg(test)]
mod tests {
    use aam_registry_core::types::PageRequest;

    use super::*;
    use crate::relational::search::{Listed, Listing};

    fn index(listed: impl IntoIterator<Item = Listed>) -> SearchIndex {
        let mut index = SearchIndex::default();
        let listings =
            (1..).zip(listed).map(|(id, listed)| Listing { package: id, revision: id, listed: Some(listed) });
        index.update(listings.map(Ok::<_, ()>)).expect("no error among them");
        index
    }

    fn named(name: &str, description: &str, downloads: u64) -> Listed {
        Listed { name: name.to_owned(), description: description.to_owned(), downloads, ..Listed::default() }
    }

    fn query(text: &str) -> SearchQuery {
        SearchQuery {
            text: Some(text.to_owned()),
            ..SearchQuery::everything(SearchSort::Relevance, PageRequest { page: 1, limit: 100 })
        }
    }

    fn find(index: &SearchIndex, text: &str) -> Vec<i64> {
        index.search(&query(text)).packages
    }

    #[test]
    fn a_rare_word_weighs_more_than_a_common_one() {
        let mut listed: Vec<_> = (0..10).map(|at| named(&format!("kit-{at}"), "common", 0)).collect();
        listed.push(named("a", "common common common rare", 0));
        listed.push(named("common", "rarely so rare", 0));
        listed.push(named("rare", "common", 0));
        assert_eq!(find(&index(listed), "common rare"), [13, 12, 11]);
    }

    #[test]
    fn a_short_text_says_more_by_a_word_than_a_long_one() {
        let long = "kit and so much more that one loses sight of it";
        assert_eq!(find(&index([named("a", long, 0), named("b", "kit", 0), named("c", "", 0)]), "kit"), [2, 1]);
    }

    #[test]
    fn every_letter_is_found_as_it_is_folded() {
        let index = index([named("a", "Zoë", 0), named("b", "zoe", 0), named("c", "Zoe\u{308}", 0)]);
        for text in ["zoë", "ZOE", "zo", "zoe\u{308}"] {
            assert_eq!(index.search(&query(text)).total, 3, "{text}");
        }
    }

    #[test]
    fn of_several_words_one_is_corrected() {
        let index = index([named("a", "clever auditor", 0), named("b", "clever painter", 5), named("c", "auditor", 5)]);
        assert_eq!(find(&index, "clevr auditor"), [1]);
        assert_eq!(find(&index, "auditor clevr"), [1]);
        assert_eq!(find(&index, "clevr auditro"), [0_i64; 0]);
        assert_eq!(find(&index, "auditro"), [3, 1]);
    }

    #[test]
    fn a_word_that_is_said_again_says_no_more() {
        let index = index([named("a", "kit kit paint", 0), named("b", "kit", 0), named("c", "kitchen", 9)]);
        assert_eq!(find(&index, "kit kit kit paint"), find(&index, "kit paint"));
        assert_eq!(find(&index, "kit kit"), find(&index, "kit kit kit"));
        assert_eq!(index.search(&query("kit kit")).total, 2);
    }

    #[test]
    fn a_corrected_start_of_a_word_weighs_as_much_as_the_word() {
        let index = index([named("a", "auditor", 0), named("b", "audit audit", 0)]);
        assert_eq!(find(&index, "auditr"), [2, 1]);
    }

    #[test]
    fn a_scope_is_no_start_of_another() {
        let index = index(["@a/kit", "@ab/kit", "@a-b/kit", "kit"].map(|name| named(name, "", 0)));
        let in_scope = SearchQuery { scope: Some("a".parse().expect("a scope")), text: None, ..query("") };
        assert_eq!(index.search(&in_scope), Found { packages: vec![1], total: 1 });
    }

    #[test]
    fn of_the_very_name_is_first_however_many_match() {
        let mut listed: Vec<_> = (0..3_000).map(|at| named(&format!("kit-{at:04}"), "kit", 1_000 - at / 3)).collect();
        listed.push(named("@team/kit", "", 0));
        listed.push(named("kit", "", 0));
        let index = index(listed);
        let page = |number| {
            let query = SearchQuery { page: PageRequest { page: number, limit: 2 }, ..query("KIT") };
            index.search(&query)
        };
        assert_eq!(page(1), Found { packages: vec![3002, 3001], total: 3002 });
        assert_eq!(page(2).packages, [1, 2]);
        assert_eq!(page(1501).packages, [2999, 3000]);
        assert_eq!(page(1502).packages, [0_i64; 0]);
        assert_eq!(find(&index, "@team/kit"), [3001]);
    }
}
