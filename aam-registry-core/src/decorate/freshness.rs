use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    ports::ChangeEvent,
    types::{Change, PackageName},
};

/// More counters than packages that change during the lifetime of a cache entry. Two packages with the
/// same counter only make each other stale.
const COUNTERS: usize = 4096;

/// Says whether data that was read about a package may have changed since.
///
/// A clonable handle. A reader takes a [`Mark`] before it reads, and stores the mark with the data; the
/// data is valid while the mark is fresh. Every change calls [`note`](Self::note) after its commit, so
/// that data that was read before the change and stored after it is never taken as fresh.
#[derive(Clone)]
pub struct Freshness(Arc<State>);

struct State {
    /// Whether each feed of changes works; while one does not, nothing is fresh.
    links: Vec<AtomicBool>,
    /// Since when one of them is not connected.
    unheard_since: Mutex<Option<Instant>>,
    /// Counts events that may have changed everything.
    everything: AtomicU64,
    /// Counts changes of packages and of scopes; the index is a hash of the name.
    counters: Box<[AtomicU64]>,
    /// Counts events that may have changed the archive of every version.
    every_archive: AtomicU64,
    /// Counts events that may have changed the archive of a version of a package; the index is a hash
    /// of the package's name.
    archives: Box<[AtomicU64]>,
    hasher: RandomState,
}

/// The state of a package at the time of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    everything: u64,
    package: Counted,
    scope: Option<Counted>,
}

/// Which archives the versions of a package had at the time of a read.
///
/// This changes only if the database loses commits and a version is published again: it becomes stale
/// with every publish, and when a feed reports that everything may have changed. It stays fresh while a
/// feed is broken, so that downloads continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveMark {
    every: u64,
    package: u64,
    at: usize,
}

/// Where the archives of a package lie and who may have them, at one instant.
///
/// Unlike the mark of archives alone it holds only while changes are heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocationMark {
    archives: ArchiveMark,
    shown: Mark,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counted {
    at: usize,
    count: u64,
}

impl Freshness {
    /// For a number of feeds, none of which works yet.
    pub(super) fn new(links: usize) -> Self {
        let counters = || (0..COUNTERS).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(State {
            links: (0..links).map(|_| AtomicBool::new(false)).collect(),
            unheard_since: Mutex::new((links > 0).then(Instant::now)),
            everything: AtomicU64::new(0),
            counters: counters(),
            every_archive: AtomicU64::new(0),
            archives: counters(),
            hasher: RandomState::new(),
        }))
    }

    /// The state of a package now; `None` while changes may go unnoticed.
    pub fn mark(&self, name: &PackageName) -> Option<Mark> {
        let mark = self.known_state(name);
        // After the count of everything is read, which a link that stands up raises first.
        self.is_linked().then_some(mark)
    }

    /// The state of a package as far as changes were heard of.
    fn known_state(&self, name: &PackageName) -> Mark {
        let everything = self.0.everything.load(Ordering::Acquire);
        let scope = name.scope_or_empty();
        let scope = (!scope.is_empty()).then(|| self.counted(self.scope_counter(scope)));
        Mark { everything, package: self.counted(self.package_counter(name)), scope }
    }

    /// Whether nothing can have changed since `mark` was taken.
    pub fn is_fresh(&self, mark: &Mark) -> bool {
        self.is_linked() && self.heard_of_no_change(mark)
    }

    fn heard_of_no_change(&self, mark: &Mark) -> bool {
        let holds = |counted: &Counted| self.counted(counted.at) == *counted;
        self.0.everything.load(Ordering::Acquire) == mark.everything
            && holds(&mark.package)
            && mark.scope.as_ref().is_none_or(holds)
    }

    /// Where the archives of a package lie and who may have them now.
    ///
    /// Also to be had while changes may go by unheard: once they are heard of
    /// again, such a mark is stale.
    pub fn location_mark(&self, name: &PackageName) -> LocationMark {
        LocationMark { archives: self.archive_mark(name), shown: self.known_state(name) }
    }

    /// Whether neither archives nor who may have them can have changed since `mark` was taken.
    pub fn locates(&self, mark: &LocationMark) -> bool {
        self.has_same_archives(&mark.archives) && self.is_fresh(&mark.shown)
    }

    /// Whether no such change was heard of, though some may have gone by unheard.
    pub(super) fn may_still_locate(&self, mark: &LocationMark) -> bool {
        self.has_same_archives(&mark.archives) && self.heard_of_no_change(&mark.shown)
    }

    /// For how long changes may have gone by unheard; `None` while all are heard of.
    pub(super) fn unheard_for(&self) -> Option<Duration> {
        let since = *self.0.unheard_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.map(|since| since.elapsed())
    }

    /// Which archives the versions of a package have now.
    pub fn archive_mark(&self, name: &PackageName) -> ArchiveMark {
        let every = self.0.every_archive.load(Ordering::Acquire);
        let at = self.package_counter(name);
        ArchiveMark { every, package: self.0.archives[at].load(Ordering::Acquire), at }
    }

    /// Whether no version of the package can have changed its archive since `mark` was taken.
    pub fn has_same_archives(&self, mark: &ArchiveMark) -> bool {
        self.0.every_archive.load(Ordering::Acquire) == mark.every
            && self.0.archives[mark.at].load(Ordering::Acquire) == mark.package
    }

    /// Makes the archive marks stale that `change` may affect.
    pub fn note_archives(&self, change: &Change) {
        let counter = match change {
            Change::Package(name) => &self.0.archives[self.package_counter(name)],
            Change::Everything => &self.0.every_archive,
            Change::Scope(_) => return,
        };
        counter.fetch_add(1, Ordering::AcqRel);
    }

    /// Makes the marks stale that `change` affects, but no archive marks.
    pub fn note(&self, change: &Change) {
        let counter = match change {
            Change::Package(name) => &self.0.counters[self.package_counter(name)],
            Change::Scope(scope) => &self.0.counters[self.scope_counter(scope.as_str())],
            Change::Everything => &self.0.everything,
        };
        counter.fetch_add(1, Ordering::AcqRel);
    }

    /// Handles an event of the feed number `link`; returns whether this broke or restored its link.
    pub(super) fn hear(&self, link: usize, event: &ChangeEvent) -> bool {
        let stood_or_broke = self.hear_of(link, event);
        if stood_or_broke {
            let mut since = self.0.unheard_since.lock().unwrap_or_else(PoisonError::into_inner);
            *since = if self.is_linked() { None } else { since.or_else(|| Some(Instant::now())) };
        }
        stood_or_broke
    }

    fn hear_of(&self, link: usize, event: &ChangeEvent) -> bool {
        let stands = &self.0.links[link];
        match event {
            ChangeEvent::Changed(change) => {
                self.note_archives(change);
                self.note(change);
                false
            }
            ChangeEvent::Lost => {
                let stood = stands.swap(false, Ordering::AcqRel);
                self.note(&Change::Everything);
                stood
            }
            ChangeEvent::Linked => {
                // Forget what may have changed unnoticed before anything counts as fresh again.
                self.note(&Change::Everything);
                !stands.swap(true, Ordering::AcqRel)
            }
        }
    }

    fn is_linked(&self) -> bool {
        self.0.links.iter().all(|stands| stands.load(Ordering::Acquire))
    }

    fn counted(&self, at: usize) -> Counted {
        Counted { at, count: self.0.counters[at].load(Ordering::Acquire) }
    }

    fn package_counter(&self, name: &PackageName) -> usize {
        self.counter(("package", name.as_str()))
    }

    fn scope_counter(&self, scope: &str) -> usize {
        self.counter(("scope", scope))
    }

    fn counter(&self, of: (&str, &str)) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "any bits of a hash are suitable")]
        let hash = self.0.hasher.hash_one(of) as usize;
        hash % COUNTERS
    }
}

impl fmt::Debug for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Freshness").field("linked", &self.is_linked()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> PackageName {
        text.parse().expect("a name")
    }

    #[test]
    fn a_change_makes_its_package_stale_and_no_other() {
        let freshness = Freshness::new(0);
        let names: Vec<_> = (0..20).map(|at| name(&format!("@team/kit-{at}"))).collect();
        let marks: Vec<_> = names.iter().map(|name| freshness.mark(name).expect("linked")).collect();
        freshness.note(&Change::Package(names[3].clone()));
        assert!(!freshness.is_fresh(&marks[3]));
        let fresh = marks.iter().filter(|mark| freshness.is_fresh(mark)).count();
        assert!(fresh > 15, "counters are hardly shared, but {fresh} of 20 are fresh");
        assert!(freshness.is_fresh(&freshness.mark(&names[3]).expect("linked")));
    }

    #[test]
    fn a_change_of_a_scope_makes_its_packages_stale() {
        let freshness = Freshness::new(0);
        let (inside, outside) = (name("@team/kit"), name("kit"));
        let marks = [&inside, &outside].map(|name| freshness.mark(name).expect("linked"));
        freshness.note(&Change::Scope("team".parse().expect("a scope")));
        assert!(!freshness.is_fresh(&marks[0]) && freshness.is_fresh(&marks[1]));
        freshness.note(&Change::Everything);
        assert!(!freshness.is_fresh(&marks[1]));
    }

    #[test]
    fn nothing_is_fresh_while_a_link_is_down() {
        let (freshness, kit) = (Freshness::new(2), name("kit"));
        assert_eq!(freshness.mark(&kit), None);
        assert!(freshness.hear(0, &ChangeEvent::Linked));
        assert_eq!(freshness.mark(&kit), None, "one link is down");
        assert!(freshness.hear(1, &ChangeEvent::Linked));
        let mark = freshness.mark(&kit).expect("linked");
        assert!(freshness.is_fresh(&mark));
        assert!(freshness.hear(1, &ChangeEvent::Lost) && !freshness.hear(1, &ChangeEvent::Lost));
        assert!(!freshness.is_fresh(&mark));
        assert_eq!(freshness.mark(&kit), None);
        assert!(freshness.hear(1, &ChangeEvent::Linked));
        assert!(!freshness.is_fresh(&mark), "what went by unheard may have changed it");
    }
}
