use std::collections::BTreeMap;

use uuid::Uuid;

use crate::types::{AuditEntry, ChainHash, ChainLink};

/// The most faults that one verdict names.
const MAX_FAULTS: usize = 1_000;

/// Something in the audit log that the registry did not write so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditFault {
    /// No entry has the positions from `first` to `last`.
    Missing {
        /// The first position.
        first: u64,
        /// The last position.
        last: u64,
    },
    /// The entry was changed, put in another entry's place, or inserted: its hash is not that of its
    /// fields after the entry before it.
    Misfit {
        /// Its position.
        position: u64,
        /// Its id.
        id: Uuid,
    },
    /// The entry holds values that the registry never writes.
    Unreadable {
        /// Its position.
        position: u64,
    },
    /// The entry stands behind the last position that the registry gave.
    Added {
        /// Its position.
        position: u64,
        /// Its id.
        id: Uuid,
    },
    /// The registry's record of the end of the chain has another hash than the last entry.
    End {
        /// The position of that entry.
        position: u64,
    },
    /// The chain has another hash at this position than it is known to have had.
    Rewritten {
        /// The position.
        position: u64,
    },
}

/// What a check of the audit log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditVerdict {
    /// How many entries were checked.
    pub checked: u64,
    /// Up to which entry the log was pruned; position 0 if it was not.
    pub pruned: ChainLink,
    /// The last entry that was checked. Kept elsewhere, it proves later that nobody rewrote the log.
    pub end: ChainLink,
    /// The faults, by position; at most 1,000 of them.
    pub faults: Vec<AuditFault>,
    /// How many faults there are beside these.
    pub further_faults: u64,
    /// Known links that could not be compared, because the log was pruned beyond them.
    pub pruned_links: Vec<ChainLink>,
}

impl AuditVerdict {
    /// Whether the log is as the registry wrote it.
    pub fn is_good(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Compares entries with the chain, one after the other.
pub(super) struct AuditCheck {
    verdict: AuditVerdict,
    /// The position of the entry before the next one.
    last: u64,
    /// Its hash, if it could be read.
    hash: Option<ChainHash>,
    known: BTreeMap<u64, ChainHash>,
}

impl AuditCheck {
    /// A check of the entries after `pruned` which expects the hashes in `known`.
    pub(super) fn after(pruned: ChainLink, known: &[ChainLink]) -> Self {
        let (old, known): (Vec<_>, Vec<_>) = known.iter().partition(|link| link.position < pruned.position);
        let verdict =
            AuditVerdict { checked: 0, pruned, end: pruned, faults: Vec::new(), further_faults: 0, pruned_links: old };
        let known: BTreeMap<_, _> = known.into_iter().map(|link| (link.position, link.hash)).collect();
        let mut check = Self { verdict, last: pruned.position, hash: Some(pruned.hash), known };
        check.compare_with_known(pruned);
        check
    }

    /// The position of the last entry that was seen.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Checks the next entry by position. Entries without a position are not part of the chain yet.
    pub(super) fn see(&mut self, entry: &AuditEntry) {
        let Some((position, hash)) = entry.chained else { return };
        if position > self.last + 1 {
            self.fault(AuditFault::Missing { first: self.last + 1, last: position - 1 });
            self.hash = None;
        }
        // After an entry that cannot be read or is missing, the next one has to be believed.
        if self.hash.is_some_and(|previous| entry.entry.chain_hash(&previous, position) != hash) {
            self.fault(AuditFault::Misfit { position, id: entry.entry.id });
        }
        self.compare_with_known(ChainLink { position, hash });
        self.verdict.checked += 1;
        self.verdict.end = ChainLink { position, hash };
        (self.last, self.hash) = (position, Some(hash));
    }

    /// Notes that the entry at the next position cannot be read.
    pub(super) fn see_unreadable(&mut self) {
        self.last += 1;
        self.hash = None;
        self.fault(AuditFault::Unreadable { position: self.last });
    }

    /// The verdict, if `head` is the end of the chain that the registry recorded and `behind` are the
    /// entries after that.
    pub(super) fn finish(mut self, head: ChainLink, behind: &[AuditEntry]) -> AuditVerdict {
        if self.last < head.position {
            self.fault(AuditFault::Missing { first: self.last + 1, last: head.position });
        } else if self.hash.is_some_and(|hash| hash != head.hash) {
            self.fault(AuditFault::End { position: head.position });
        }
        for entry in behind {
            let position = entry.chained.map_or(0, |(position, _)| position);
            self.fault(AuditFault::Added { position, id: entry.entry.id });
        }
        while let Some((position, _)) = self.known.pop_first() {
            self.fault(AuditFault::Rewritten { position });
        }
        self.verdict
    }

    fn compare_with_known(&mut self, link: ChainLink) {
        if self.known.remove(&link.position).is_some_and(|hash| hash != link.hash) {
            self.fault(AuditFault::Rewritten { position: link.position });
        }
    }

    fn fault(&mut self, fault: AuditFault) {
        if self.verdict.faults.len() < MAX_FAULTS {
            self.verdict.faults.push(fault);
        } else {
            self.verdict.further_faults += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::types::{AuditEvent, NewAuditEntry};

    /// A chain of `count` entries.
    fn chain(count: u64) -> Vec<AuditEntry> {
        let mut last = ChainLink::default();
        let entries = (1..=count).map(|position| {
            let entry = NewAuditEntry::new(AuditEvent::TagSet, Timestamp::UNIX_EPOCH).with("at", position);
            let hash = entry.chain_hash(&last.hash, position);
            last = ChainLink { position, hash };
            AuditEntry { entry, chained: Some((position, hash)) }
        });
        entries.collect()
    }

    fn link(entry: &AuditEntry) -> ChainLink {
        let (position, hash) = entry.chained.expect("a position");
        ChainLink { position, hash }
    }

    /// Checks `entries` where `head` is the recorded end.
    fn check(entries: &[AuditEntry], head: ChainLink, known: &[ChainLink]) -> Vec<AuditFault> {
        let mut check = AuditCheck::after(ChainLink::default(), known);
        let (inside, behind): (Vec<_>, Vec<_>) =
            entries.iter().cloned().partition(|entry| link(entry).position <= head.position);
        for entry in &inside {
            check.see(entry);
        }
        check.finish(head, &behind).faults
    }

    #[test]
    fn a_chain_that_nobody_touched_is_good() {
        let entries = chain(9);
        assert_eq!(check(&entries, link(&entries[8]), &[link(&entries[3])]), []);
        assert_eq!(check(&[], ChainLink::default(), &[ChainLink::default()]), []);
    }

    #[test]
    fn a_changed_entry_is_named() {
        let mut entries = chain(9);
        let head = link(&entries[8]);
        entries[4].entry.actor = Some("mallory".to_owned());
        assert_eq!(check(&entries, head, &[]), [AuditFault::Misfit { position: 5, id: entries[4].entry.id }]);
    }

    #[test]
    fn missing_entries_are_named_wherever_they_were() {
        let whole = chain(9);
        let head = link(&whole[8]);
        for (gone, first, last) in [(0..2, 1, 2), (3..4, 4, 4), (7..9, 8, 9)] {
            let mut entries = whole.clone();
            entries.drain(gone);
            assert_eq!(check(&entries, head, &[]), [AuditFault::Missing { first, last }]);
        }
    }

    #[test]
    fn reordered_entries_are_named() {
        let mut entries = chain(9);
        let head = link(&entries[8]);
        let (fourth, fifth) = (entries[3].entry.clone(), entries[4].entry.clone());
        let ids = [fifth.id, fourth.id];
        (entries[3].entry, entries[4].entry) = (fifth, fourth);
        let misfits = [4, 5].iter().zip(ids).map(|(position, id)| AuditFault::Misfit { position: *position, id });
        assert_eq!(check(&entries, head, &[]), misfits.collect::<Vec<_>>());
    }

    #[test]
    fn added_entries_are_named() {
        let entries = chain(9);
        let head = link(&entries[6]);
        let added = [7, 8]
            .map(|at: usize| AuditFault::Added { position: link(&entries[at]).position, id: entries[at].entry.id });
        assert_eq!(check(&entries, head, &[]), added);
    }

    #[test]
    fn a_chain_that_was_computed_anew_does_not_have_the_link_that_was_known() {
        let (before, after) = (chain(9), chain(9));
        let known = [link(&before[5])];
        assert_eq!(check(&after, link(&after[8]), &known), [AuditFault::Rewritten { position: 6 }]);
        assert_eq!(check(&after[..3], link(&after[2]), &known), [AuditFault::Rewritten { position: 6 }]);
        let other = ChainLink { position: 9, hash: link(&before[8]).hash };
        assert_eq!(check(&after, other, &[]), [AuditFault::End { position: 9 }]);
    }

    #[test]
    fn a_pruned_chain_is_checked_from_the_link_it_continues() {
        let entries = chain(9);
        let mut check = AuditCheck::after(link(&entries[3]), &[link(&entries[1]), link(&entries[3])]);
        for entry in &entries[4..] {
            check.see(entry);
        }
        let verdict = check.finish(link(&entries[8]), &[]);
        assert!(verdict.is_good(), "{verdict:?}");
        assert_eq!((verdict.checked, verdict.pruned_links), (5, vec![link(&entries[1])]));

        let mut other = AuditCheck::after(ChainLink { position: 4, ..ChainLink::default() }, &[]);
        other.see(&entries[4]);
        let faults = other.finish(link(&entries[4]), &[]).faults;
        assert_eq!(faults, [AuditFault::Misfit { position: 5, id: entries[4].entry.id }]);
    }

    #[test]
    fn only_the_first_faults_are_kept_and_all_are_counted() {
        let mut entries = chain(1_200);
        let head = link(&entries[1_199]);
        for entry in &mut entries {
            entry.entry.version = Some("9.9.9".to_owned());
        }
        let mut check = AuditCheck::after(ChainLink::default(), &[]);
        for entry in &entries {
            check.see(entry);
        }
        let verdict = check.finish(head, &[]);
        assert_eq!((verdict.faults.len(), verdict.further_faults), (1_000, 200));
    }
}
