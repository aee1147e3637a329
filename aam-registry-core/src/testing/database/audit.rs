//! The audit log and its chain.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::world::{actor, audit_by, everything, now, package_name, session, stranger, v};
use crate::{
    ports::Database,
    types::{Actor, AuditEntry, AuditEvent, AuditFilter, ChainHash, ChainLink, NewAuditEntry, PageRequest},
};

/// An actor whose entries belong to this case only.
fn somebody() -> Actor {
    session(&stranger())
}

/// Appends `count` entries by `by` with decreasing timestamps.
async fn append(db: &dyn Database, by: &Actor, count: i64) -> Vec<NewAuditEntry> {
    let start = now();
    let mut entries = Vec::new();
    for at in 0..count {
        let timestamp = start - SignedDuration::from_secs(at);
        let entry = NewAuditEntry::new(AuditEvent::UserLoginFailed, timestamp).with_actor(by.username.as_str());
        let entry = entry.with("at", at);
        db.append(&entry).await.expect("append");
        entries.push(entry);
    }
    entries
}

/// All entries that have a position, by position.
async fn chain(db: &dyn Database) -> BTreeMap<u64, (NewAuditEntry, ChainHash)> {
    let mut chained = BTreeMap::new();
    for page in 1.. {
        let filter = AuditFilter { page: PageRequest { page, limit: 500 }, ..everything() };
        let found = db.entries(&filter).await.expect("read").items;
        if found.is_empty() {
            break;
        }
        for AuditEntry { entry, chained: place } in found {
            if let Some((position, hash)) = place {
                chained.insert(position, (entry, hash));
            }
        }
    }
    chained
}

/// Assigns a position to every entry.
async fn sequence_all(db: &dyn Database) {
    while db.sequence(100).await.expect("sequence") > 0 {}
}

/// An entry that is appended again, because its first append got no answer, is there once.
pub async fn an_entry_is_appended_once(db: &dyn Database) {
    let somebody = somebody();
    let [entry] = &append(db, &somebody, 1).await[..] else { panic!("one entry") };
    db.append(entry).await.expect("append");
    sequence_all(db).await;
    db.append(entry).await.expect("append");
    assert_eq!(audit_by(db, &somebody).await.len(), 1);
}

/// Every field of every event is returned as it was appended, also before it has a position.
pub async fn an_entry_comes_back_whole(db: &dyn Database) {
    let (somebody, package) = (somebody(), package_name());
    let stamp = Timestamp::from_microsecond(1_700_000_000_123_456).expect("an instant");
    let mut expected = Vec::new();
    for event in AuditEvent::ALL {
        let entry = NewAuditEntry::new(*event, stamp)
            .with_actor(somebody.username.as_str())
            .with_package(&package)
            .with_version(&v("1.0.0-rc.1+b"))
            .with("z", json!({"nested": [1, -2.5, true, null, "\"\u{1f600}\u{0}"]}))
            .with("a", "");
        db.append(&entry).await.expect("append");
        expected.insert(0, entry);
    }
    let found: Vec<_> = audit_by(db, &somebody).await.into_iter().map(|one| one.entry).collect();
    assert_eq!(found, expected);

    let bare = NewAuditEntry::new(AuditEvent::UserLoginFailed, stamp).with_package(&package_name());
    db.append(&bare).await.expect("append");
    let found = db.entries(&AuditFilter { package: bare.package.clone(), ..everything() }).await.expect("read");
    assert_eq!(found.items.into_iter().map(|one| one.entry).collect::<Vec<_>>(), [bare]);
}

/// Package, event, actor and time filter the list, alone and together; `from` is inclusive, `to` is
/// not.
pub async fn filters_narrow_the_log(db: &dyn Database) {
    let (first, second, one, other) = (somebody(), somebody(), package_name(), package_name());
    let start = now();
    let at = |seconds| start + SignedDuration::from_secs(seconds);
    let (set, removed) = (AuditEvent::TagSet, AuditEvent::TagRemove);
    let rows = [(&first, &one, set, 0), (&first, &one, removed, 1), (&first, &other, set, 2), (&second, &one, set, 3)];
    let mut entries = Vec::new();
    for (actor, package, event, seconds) in rows {
        let entry = NewAuditEntry::new(event, at(seconds)).with_actor(actor.username.as_str()).with_package(package);
        db.append(&entry).await.expect("append");
        entries.push(entry);
    }
    let by_first = AuditFilter { actor: Some(first.username.to_string()), ..everything() };
    let of_one = AuditFilter { package: Some(one), ..everything() };
    for (filter, expected) in [
        (by_first.clone(), vec![2, 1, 0]),
        (of_one.clone(), vec![3, 1, 0]),
        (AuditFilter { package: Some(other), ..by_first.clone() }, vec![2]),
        (AuditFilter { event: Some(set), ..of_one.clone() }, vec![3, 0]),
        (AuditFilter { event: Some(AuditEvent::VersionYank), ..of_one.clone() }, vec![]),
        (AuditFilter { from: Some(at(1)), ..by_first.clone() }, vec![2, 1]),
        (AuditFilter { to: Some(at(1)), ..by_first.clone() }, vec![0]),
        (AuditFilter { from: Some(at(1)), to: Some(at(2)), ..by_first.clone() }, vec![1]),
        (AuditFilter { from: Some(at(2)), to: Some(at(1)), ..by_first }, vec![]),
        (AuditFilter { actor: Some(second.username.to_string()), event: Some(removed), ..of_one }, vec![]),
        (AuditFilter { actor: Some("' OR 1=1 --".to_owned()), ..everything() }, vec![]),
    ] {
        let found = db.entries(&filter).await.expect("read");
        let expected: Vec<_> = expected.into_iter().map(|at: usize| entries[at].clone()).collect();
        assert_eq!(found.total, expected.len() as u64, "{filter:?}");
        assert_eq!(found.items.into_iter().map(|one| one.entry).collect::<Vec<_>>(), expected, "{filter:?}");
    }
}

/// The order is that of the appends, not of the timestamps, and does not change when positions are
/// assigned.
pub async fn entries_are_listed_newest_first(db: &dyn Database) {
    let somebody = somebody();
    let mut expected = append(db, &somebody, 5).await;
    expected.reverse();
    let listed = async || audit_by(db, &somebody).await.into_iter().map(|one| one.entry).collect::<Vec<_>>();
    assert_eq!(listed().await, expected);
    sequence_all(db).await;
    assert_eq!(listed().await, expected);
    let mut newer = append(db, &somebody, 2).await;
    newer.reverse();
    assert_eq!(listed().await, [newer, expected].concat());
}

/// Pages split one order without overlap; pages past the end are empty.
pub async fn pages_cut_the_log(db: &dyn Database) {
    let somebody = somebody();
    let mut entries = append(db, &somebody, 5).await;
    entries.reverse();
    for (page, limit, expected) in
        [(1, 2, 0..2), (2, 2, 2..4), (3, 2, 4..5), (4, 2, 5..5), (1, 200, 0..5), (u64::MAX, 200, 5..5)]
    {
        let page = PageRequest { page, limit };
        let filter = AuditFilter { actor: Some(somebody.username.to_string()), page, ..everything() };
        let found = db.entries(&filter).await.expect("read");
        assert_eq!((found.total, found.request), (5, page));
        assert_eq!(found.items.into_iter().map(|one| one.entry).collect::<Vec<_>>(), entries[expected], "{page:?}");
    }
}

/// Positions have no gaps and follow the order of the appends, and each hash includes the previous one.
pub async fn sequencing_makes_a_chain(db: &dyn Database) {
    let somebody = somebody();
    let appended = append(db, &somebody, 7).await;
    assert_eq!(db.sequence(0).await.expect("sequence"), 0);
    assert!(db.sequence(3).await.expect("sequence") <= 3);
    sequence_all(db).await;
    verify(db, &appended).await;
    let more = append(db, &somebody, 3).await;
    sequence_all(db).await;
    verify(db, &[appended, more].concat()).await;
}

/// A reader that asks for entries after a position gets each entry once and in order, and none without
/// a position.
pub async fn the_log_is_followed_by_position(db: &dyn Database) {
    let somebody = somebody();
    sequence_all(db).await;
    let mut position = db.head().await.expect("read").position;
    let appended = append(db, &somebody, 5).await;
    if db.head().await.expect("read").position == position {
        assert_eq!(db.entries_after(position, 100).await.expect("read"), Vec::new(), "nothing has a position yet");
    }
    sequence_all(db).await;
    let mut followed = Vec::new();
    loop {
        let some = db.entries_after(position, 2).await.expect("read");
        assert!(some.len() <= 2);
        for one in &some {
            let (next, _) = one.chained.expect("a position");
            assert_eq!(next, position + 1, "no gap and no repetition");
            position = next;
        }
        if some.is_empty() {
            break;
        }
        followed.extend(some.into_iter().map(|one| one.entry));
    }
    assert!(db.head().await.expect("read").position >= position);
    followed.retain(|entry| entry.actor.as_deref() == Some(somebody.username.as_str()));
    assert_eq!(followed, appended);
}

/// With any number of concurrent sequencers there is one chain, and every entry has one position in it.
pub async fn sequencers_at_once_make_one_chain(db: &dyn Database) {
    let somebody = somebody();
    let appended = append(db, &somebody, 40).await;
    let late = actor(db);
    let sequencers = join_all((0..6).map(async |_| while db.sequence(3).await.expect("sequence") > 0 {}));
    futures_util::future::join(sequencers, late).await;
    sequence_all(db).await;
    verify(db, &appended).await;
}

/// Only entries at the beginning of the chain count as old, and only they are deleted, oldest first;
/// the chain goes on as if they were there.
pub async fn the_oldest_entries_are_deleted(db: &dyn Database) {
    sequence_all(db).await;
    let end = db.head().await.expect("read");
    db.delete_entries(end.position, usize::MAX).await.expect("delete");
    assert_eq!(db.last_before(now() + SignedDuration::from_hours(1)).await.expect("read"), None);
    let hours = |hours| now() - SignedDuration::from_hours(hours);
    for age in [9, 8, 3, 9, 1] {
        let entry = NewAuditEntry::new(AuditEvent::UserLoginFailed, hours(age));
        db.append(&entry).await.expect("append");
    }
    assert_eq!(db.last_before(hours(0)).await.expect("read"), None, "nothing has a position");
    sequence_all(db).await;
    let places = async || {
        let entries = db.entries_after(0, 100).await.expect("read");
        entries.iter().filter_map(|entry| entry.chained).collect::<Vec<_>>()
    };
    let all = places().await;
    assert_eq!(all.iter().map(|(position, _)| position - end.position).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    for (age, last) in [(10, None), (4, Some(1)), (2, Some(3)), (0, Some(4))] {
        let expected = last.map(|last: usize| ChainLink { position: all[last].0, hash: all[last].1 });
        assert_eq!(db.last_before(hours(age)).await.expect("read"), expected, "{age} h");
    }
    let through = all[2].0;
    assert_eq!(db.delete_entries(through, 2).await.expect("delete"), 2);
    assert_eq!(places().await, all[2..]);
    assert_eq!(db.delete_entries(through, 2).await.expect("delete"), 1);
    assert_eq!(db.delete_entries(through, 2).await.expect("delete"), 0);
    assert_eq!(places().await, all[3..]);

    let (position, hash) = all[4];
    assert_eq!(db.head().await.expect("read"), ChainLink { position, hash });
    db.append(&NewAuditEntry::new(AuditEvent::TagSet, now())).await.expect("append");
    db.delete_entries(u64::MAX, usize::MAX).await.expect("delete");
    sequence_all(db).await;
    let last = db.entries_after(0, 100).await.expect("read");
    let [one] = &*last else { panic!("{last:?}") };
    assert_eq!(one.chained, Some((position + 1, one.entry.chain_hash(&hash, position + 1))));
}

/// Checks the whole chain, and that it contains `appended` in order.
async fn verify(db: &dyn Database, appended: &[NewAuditEntry]) {
    let chain = chain(db).await;
    let mut previous = ChainHash::from([0; 32]);
    for (expected, (position, (entry, hash))) in (1..).zip(&chain) {
        assert_eq!(*position, expected, "a gap in the chain");
        assert_eq!(*hash, entry.chain_hash(&previous, *position), "the chain breaks at {position}");
        previous = *hash;
    }
    let places = appended.iter().map(|one| chain.values().position(|(entry, _)| entry.id == one.id));
    let places: Vec<_> = places.map(|place| place.expect("an entry without a position")).collect();
    assert!(places.is_sorted(), "positions {places:?} do not follow the order of append");
}
