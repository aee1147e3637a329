use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    mem,
};

use super::{bit_set::BitSet, listed::Listed, words};

/// A package as the database describes it now.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) package: i64,
    /// Grows with every change of the package.
    pub(crate) revision: i64,
    /// `None` where the package has no `latest`.
    pub(crate) listed: Option<Listed>,
}

/// The position of a package in the index. A package whose description changes gets a new slot.
pub(super) type Slot = u32;

/// Fewer changed packages than this are inserted into a sorted list one by one; of more, the list is sorted again.
const FEW: usize = 64;

/// How many slots of packages that are no longer listed are kept before they are removed.
const MOST_UNUSED: usize = 4_096;

/// Every listed package by its words, keywords, name, age and downloads.
#[derive(Default)]
pub(crate) struct SearchIndex {
    slots: HashMap<i64, Slot>,
    pub(super) documents: Vec<Document>,
    pub(super) listed: BitSet,
    /// The slots of packages that everybody may find.
    pub(super) public: BitSet,
    pub(super) words: BTreeMap<Box<str>, Places>,
    pub(super) keywords: HashMap<Box<str>, Vec<Slot>>,
    pub(super) orders: Orders,
    /// How many words the packages have that everybody may find.
    pub(super) public_length: u64,
    /// Slots whose position in the sorted lists is out of date.
    moved: BitSet,
    /// Whether a slot was added or removed, and not only moved by its downloads or age.
    renamed: bool,
    newest: i64,
}

/// What the index stores of a package.
pub(super) struct Document {
    pub(super) package: i64,
    revision: i64,
    pub(super) name: Box<str>,
    /// The byte of the name at which the part behind the scope begins.
    bare_name_at: usize,
    pub(super) downloads: u64,
    updated_at: i64,
    pub(super) artifact_types: u8,
    private: bool,
    /// How many words it has.
    pub(super) length: u32,
    /// A hash of the texts, so that a package that was only downloaded keeps its slot.
    text: u64,
}

/// The slots whose packages contain a word, in ascending order, and the weight of the word in each.
#[derive(Default)]
pub(super) struct Places {
    pub(super) slots: Vec<Slot>,
    pub(super) weights: Vec<u8>,
}

/// All listed packages, sorted by each order in which they can be asked for.
#[derive(Default)]
pub(super) struct Orders {
    pub(super) name: Vec<Slot>,
    pub(super) bare_name: Vec<Slot>,
    pub(super) downloads: Vec<Slot>,
    pub(super) update: Vec<Slot>,
}

impl Document {
    pub(super) fn bare_name(&self) -> &str {
        &self.name[self.bare_name_at..]
    }

    fn cmp_bare_name(&self, other: &Self) -> Ordering {
        self.bare_name().cmp(other.bare_name()).then_with(|| self.cmp_name(other))
    }

    fn cmp_name(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }

    pub(super) fn cmp_downloads(&self, other: &Self) -> Ordering {
        other.downloads.cmp(&self.downloads).then_with(|| self.cmp_name(other))
    }

    fn cmp_update(&self, other: &Self) -> Ordering {
        other.updated_at.cmp(&self.updated_at).then_with(|| self.cmp_name(other))
    }
}

impl SearchIndex {
    /// The highest revision that the index contains; 0 if it is empty.
    #[cfg(any(feature = "sqlite", test))]
    pub(crate) fn newest(&self) -> i64 {
        self.newest
    }

    /// Whether the index contains this change of the package, or a later one.
    #[cfg(feature = "postgres")]
    pub(crate) fn is_known(&self, package: i64, revision: i64) -> bool {
        let slot = self.slots.get(&package);
        slot.is_some_and(|slot| self.documents[*slot as usize].revision >= revision)
    }

    /// Applies what the database says, for each package its latest change.
    ///
    /// # Errors
    /// The first error among the changes; those before it are applied.
    pub(crate) fn update<E>(&mut self, listings: impl IntoIterator<Item = Result<Listing, E>>) -> Result<(), E> {
        let read = listings.into_iter().try_for_each(|listing| {
            self.put(listing?);
            Ok(())
        });
        self.settle();
        read
    }

    fn put(&mut self, listing: Listing) {
        self.newest = self.newest.max(listing.revision);
        let known = self.slots.get(&listing.package).copied();
        if let Some(slot) = known {
            let document = &mut self.documents[slot as usize];
            if document.revision >= listing.revision {
                return;
            }
            document.revision = listing.revision;
            let is_listed = self.listed.contains(slot);
            match &listing.listed {
                Some(listed) if is_listed && document.text == text_hash(listed) => {
                    (document.downloads, document.updated_at) = (listed.downloads, listed.updated_at);
                    self.moved.insert(slot);
                    return;
                }
                None if !is_listed => return,
                _ => {}
            }
            if is_listed {
                self.listed.remove(slot);
                self.moved.insert(slot);
                self.renamed = true;
                if !document.private {
                    self.public.remove(slot);
                    self.public_length -= u64::from(document.length);
                }
            }
        }
        let Some(listed) = listing.listed else {
            // An older change must not replace a newer one.
            if known.is_none() {
                self.add(Document::unlisted(listing.package, listing.revision));
            }
            return;
        };
        let (words, length) = words::weighed(&listed);
        let slot = self.add(Document {
            package: listing.package,
            revision: listing.revision,
            text: text_hash(&listed),
            bare_name_at: listed.name.rfind('/').map_or(0, |at| at + 1),
            name: listed.name.into(),
            downloads: listed.downloads,
            updated_at: listed.updated_at,
            artifact_types: listed.artifact_types,
            private: listed.private,
            length,
        });
        for (word, weight) in words {
            let places = match self.words.get_mut(&*word) {
                Some(places) => places,
                None => self.words.entry(word.into()).or_default(),
            };
            places.slots.push(slot);
            places.weights.push(weight);
        }
        for keyword in listed.keywords {
            self.keywords.entry(keyword.into()).or_default().push(slot);
        }
        if !listed.private {
            self.public.insert(slot);
            self.public_length += u64::from(length);
        }
        self.listed.insert(slot);
        self.moved.insert(slot);
        self.renamed = true;
    }

    fn add(&mut self, document: Document) -> Slot {
        let slot = Slot::try_from(self.documents.len()).expect("memory ends long before slots do");
        self.slots.insert(document.package, slot);
        self.documents.push(document);
        slot
    }

    /// Moves slots in the sorted lists to their new positions.
    fn settle(&mut self) {
        let moved = mem::take(&mut self.moved);
        let placed: Vec<_> = moved.iter().filter(|slot| self.listed.contains(*slot)).collect();
        if moved.count() == 0 {
            return;
        }
        let documents = &self.documents;
        let place = |order: &mut Vec<Slot>, compare: fn(&Document, &Document) -> Ordering| {
            let compare = |a: &Slot, b: &Slot| compare(&documents[*a as usize], &documents[*b as usize]);
            order.retain(|slot| !moved.contains(*slot));
            if placed.len() < FEW {
                for slot in &placed {
                    let at = order.partition_point(|other| compare(other, slot).is_lt());
                    order.insert(at, *slot);
                }
            } else {
                order.extend(&placed);
                order.sort_by(compare);
            }
        };
        if mem::take(&mut self.renamed) {
            place(&mut self.orders.name, Document::cmp_name);
            place(&mut self.orders.bare_name, Document::cmp_bare_name);
        }
        place(&mut self.orders.downloads, Document::cmp_downloads);
        place(&mut self.orders.update, Document::cmp_update);
        let unused = self.documents.len() - self.slots.len();
        if unused > MOST_UNUSED && unused > self.slots.len() / 2 {
            self.compact();
        }
    }

    /// Removes the slots that no package uses any more.
    fn compact(&mut self) {
        let mut renamed = vec![None; self.documents.len()];
        let documents = mem::take(&mut self.documents);
        let listed = mem::take(&mut self.listed);
        let public = mem::take(&mut self.public);
        for (slot, document) in (0..).zip(documents) {
            if self.slots.get(&document.package) == Some(&slot) {
                let new = self.add(document);
                renamed[slot as usize] = Some(new);
                if listed.contains(slot) {
                    self.listed.insert(new);
                }
                if public.contains(slot) {
                    self.public.insert(new);
                }
            }
        }
        let listed = |slot: Slot| renamed[slot as usize].filter(|new| self.listed.contains(*new));
        self.words.retain(|_, places| {
            let kept = places.slots.iter().zip(&places.weights);
            (places.slots, places.weights) = kept.filter_map(|(slot, weight)| Some((listed(*slot)?, *weight))).unzip();
            !places.slots.is_empty()
        });
        self.keywords.retain(|_, slots| {
            *slots = slots.iter().filter_map(|slot| listed(*slot)).collect();
            !slots.is_empty()
        });
        let Orders { name, bare_name, downloads, update } = &mut self.orders;
        for order in [name, bare_name, downloads, update] {
            *order = order.iter().filter_map(|slot| listed(*slot)).collect();
        }
    }
}

impl Document {
    fn unlisted(package: i64, revision: i64) -> Self {
        Self {
            package,
            revision,
            name: Box::default(),
            bare_name_at: 0,
            downloads: 0,
            updated_at: 0,
            artifact_types: 0,
            private: false,
            length: 0,
            text: 0,
        }
    }
}

fn text_hash(listed: &Listed) -> u64 {
    let Listed { name, description, author, keywords, artifacts, artifact_types, private, downloads: _, updated_at: _ } =
        listed;
    let mut hasher = DefaultHasher::new();
    (name, description, author, keywords, artifacts, artifact_types, private).hash(&mut hasher);
    hasher.finish()
}

impl fmt::Debug for SearchIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SearchIndex").field("packages", &self.listed.count()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use aam_registry_core::types::{ArtifactType, PageRequest, SearchQuery, SearchSort, Sight};
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn listing(package: i64, revision: i64, listed: Option<Listed>) -> Listing {
        Listing { package, revision, listed }
    }

    fn index(listings: impl IntoIterator<Item = Listing>) -> SearchIndex {
        let mut index = SearchIndex::default();
        update(&mut index, listings);
        index
    }

    fn update(index: &mut SearchIndex, listings: impl IntoIterator<Item = Listing>) {
        index.update(listings.into_iter().map(Ok::<_, ()>)).expect("no error among them");
    }

    /// Everything by which two indexes may differ, as searches find it.
    fn everything(index: &SearchIndex) -> Vec<(Vec<i64>, u64)> {
        let mut found = Vec::new();
        let texts = [None, Some("w0"), Some("w1"), Some("w"), Some("kit w2"), Some("kit-3"), Some("wwkit")];
        for text in texts {
            for sort in [SearchSort::Relevance, SearchSort::Updated, SearchSort::Downloads, SearchSort::Name] {
                for (artifact_type, scope, keyword) in [
                    (None, None, None),
                    (Some(ArtifactType::ALL[1]), None, None),
                    (None, Some("team"), None),
                    (None, None, Some("w1")),
                ] {
                    let query = SearchQuery {
                        text: text.map(str::to_owned),
                        artifact_type,
                        scope: scope.map(|scope| scope.parse().expect("a scope")),
                        keyword: keyword.map(str::to_owned),
                        sort,
                        page: PageRequest { page: 1, limit: 100_000 },
                        sight: Sight::default(),
                    };
                    for sight in [
                        Sight::default(),
                        Sight { scopes: vec!["team".parse().expect("a scope")], ..Sight::default() },
                        Sight::unrestricted(),
                    ] {
                        let page = index.search(&SearchQuery { sight, ..query.clone() });
                        found.push((page.packages, page.total));
                    }
                }
            }
        }
        found
    }

    fn listed(package: i64, word: u8, downloads: u64) -> Listed {
        let scope = if package % 3 == 0 { "@team/" } else { "" };
        Listed {
            name: format!("{scope}kit-{package}"),
            description: format!("w{word} of the best"),
            author: word.is_multiple_of(2).then(|| "Zoë".to_owned()),
            keywords: vec![format!("w{}", word / 2)],
            artifacts: "w3".to_owned(),
            artifact_types: 1 << (word % 3),
            downloads,
            updated_at: i64::from(word) + 1,
            private: package % 3 == 0 && word == 1,
        }
    }

    proptest! {
        /// The index depends only on what is listed in the end, not on the changes that led there.
        #[test]
        fn an_index_is_what_it_was_told_last(
            changes in vec((0..80_i64, prop::option::weighted(0.9, (0..4_u8, 0..3_u64)), 1..40_usize), 1..400),
        ) {
            let (mut grown, mut last) = (SearchIndex::default(), BTreeMap::new());
            let (mut batch, mut room) = (Vec::new(), 0);
            for (revision, (package, now, size)) in (1..).zip(changes) {
                let change = listing(package, revision, now.map(|(word, downloads)| listed(package, word, downloads)));
                last.insert(package, change.clone());
                batch.push(change);
                if room == 0 {
                    update(&mut grown, batch.drain(..));
                    room = size;
                }
                room -= 1;
            }
            update(&mut grown, batch);
            let fresh = index(last.into_values());
            prop_assert_eq!(everything(&grown), everything(&fresh));
            grown.compact();
            prop_assert_eq!(grown.documents.len(), grown.slots.len());
            prop_assert_eq!(everything(&grown), everything(&fresh));
        }
    }

    /// A viewer who may not see private packages finds exactly what an index without them gives, in the same order.
    #[test]
    fn what_is_private_changes_nothing_for_others() {
        let described = |package: i64| {
            let word = u8::try_from(package % 4).expect("a digit");
            let private = package % 3 == 0 && package % 2 == 0;
            listing(package, package, Some(Listed { private, ..listed(package, word, 0) }))
        };
        let all: Vec<_> = (1..60).map(described).collect();
        let public = all.iter().filter(|one| one.listed.as_ref().is_some_and(|listed| !listed.private)).cloned();
        let (with, without) = (index(all.clone()), index(public));
        let query = |text: Option<&str>, sort| SearchQuery {
            text: text.map(str::to_owned),
            ..SearchQuery::everything(sort, PageRequest { page: 1, limit: 1_000 })
        };
        let mut fewer = 0;
        for text in [None, Some("w1"), Some("kit"), Some("kit w2"), Some("kit-6"), Some("kitt"), Some("wwkit")] {
            for sort in [SearchSort::Relevance, SearchSort::Updated, SearchSort::Downloads, SearchSort::Name] {
                assert_eq!(with.search(&query(text, sort)), without.search(&query(text, sort)), "{text:?} {sort:?}");
                let seen = SearchQuery { sight: Sight::unrestricted(), ..query(text, sort) };
                fewer += u64::from(with.search(&seen).total > without.search(&seen).total);
            }
        }
        assert!(fewer > 0, "nothing was private");
        let team = Sight { scopes: vec!["team".parse().expect("a scope")], ..Sight::default() };
        let of_team = SearchQuery { sight: team, ..query(None, SearchSort::Name) };
        assert_eq!(with.search(&of_team).total, 59, "all private packages are of the team");
        let one = Sight { packages: vec!["@team/kit-6".parse().expect("a name")], ..Sight::default() };
        let of_one = SearchQuery { sight: one, ..query(None, SearchSort::Name) };
        assert_eq!(with.search(&of_one).total, without.search(&of_one).total + 1);
    }

    #[test]
    fn what_is_older_than_what_is_known_changes_nothing() {
        let mut index = index([listing(1, 5, Some(listed(1, 1, 7))), listing(2, 9, None)]);
        let before = everything(&index);
        update(&mut index, [listing(1, 4, None), listing(2, 8, Some(listed(2, 1, 7))), listing(1, 5, None)]);
        assert_eq!(everything(&index), before);
        assert_eq!(index.newest(), 9);
    }

    #[test]
    fn what_comes_before_an_error_is_taken_over() {
        let mut index = SearchIndex::default();
        let listings = [Ok(listing(1, 1, Some(listed(1, 1, 7)))), Err("corrupt"), Ok(listing(2, 2, None))];
        assert_eq!(index.update(listings), Err("corrupt"));
        assert_eq!(index.newest(), 1);
        assert_eq!(index.orders.name.len(), 1);
    }

    #[test]
    fn what_is_listed_anew_again_and_again_takes_no_more_room() {
        let mut index = SearchIndex::default();
        for revision in 0..30_000_i64 {
            let word = u8::try_from(revision % 4).expect("a digit");
            update(&mut index, [listing(revision % 7, revision + 1, Some(listed(revision % 7, word, 0)))]);
        }
        assert!(index.documents.len() < MOST_UNUSED + 10, "{}", index.documents.len());
        assert_eq!(index.listed.count(), 7);
        assert!(index.words.values().all(|places| places.slots.len() < MOST_UNUSED + 10));
    }
}
