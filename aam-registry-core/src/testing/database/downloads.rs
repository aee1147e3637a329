//! Download counts.

use futures_util::future::join_all;
use jiff::civil::{Date, date};

use super::{
    changes::yank,
    world::{now, package_name, published, v},
};
use crate::{
    ports::{CommandHandlerExt, Database},
    types::{DayDownloads, DownloadBatch, DownloadCount, DownloadQuery, PackageName, Reach},
};

const FIRST: Date = date(2025, 2, 27);
const SECOND: Date = date(2025, 2, 28);
const THIRD: Date = date(2025, 3, 1);

fn count(package: &PackageName, version: &str, day: Date, count: u64) -> DownloadCount {
    DownloadCount { package: package.clone(), version: v(version), day, count }
}

async fn add(db: &dyn Database, counts: Vec<DownloadCount>) {
    db.add_downloads(&DownloadBatch::new(now(), counts)).await.expect("add");
}

async fn days(db: &dyn Database, name: &PackageName, version: Option<&str>, from: Date, to: Date) -> DayDownloads {
    let query = DownloadQuery { package: name.clone(), version: version.map(v), from, to };
    db.downloads(&query).await.expect("read downloads")
}

/// Counts add up by day and version; both ends of a range are inclusive; days without downloads are
/// absent.
pub async fn downloads_add_up(db: &dyn Database) {
    let (_, name) = published(db, &["1.0.0+b", "1.1.0"]).await;
    let large = u64::from(u32::MAX) * 2;
    add(db, vec![count(&name, "1.0.0", FIRST, 3), count(&name, "1.1.0", FIRST, 4), count(&name, "1.1.0", THIRD, 1)])
        .await;
    add(db, vec![count(&name, "1.0.0", FIRST, 2), count(&name, "1.1.0", THIRD, large)]).await;
    add(db, Vec::new()).await;

    for (version, from, to, expected) in [
        (None, FIRST, THIRD, vec![(FIRST, 9), (THIRD, large + 1)]),
        (None, FIRST, SECOND, vec![(FIRST, 9)]),
        (None, SECOND, THIRD, vec![(THIRD, large + 1)]),
        (None, SECOND, SECOND, vec![]),
        (None, THIRD, FIRST, vec![]),
        (None, Date::MIN, Date::MAX, vec![(FIRST, 9), (THIRD, large + 1)]),
        (Some("1.0.0"), FIRST, THIRD, vec![(FIRST, 5)]),
        (Some("1.0.0+other"), FIRST, THIRD, vec![(FIRST, 5)]),
        (Some("1.1.0"), FIRST, THIRD, vec![(FIRST, 4), (THIRD, large + 1)]),
        (Some("9.9.9"), FIRST, THIRD, vec![]),
    ] {
        let found = days(db, &name, version, from, to).await;
        assert_eq!(found, expected.into_iter().collect(), "{version:?} from {from} to {to}");
    }
}

/// Metadata shows the added counts after the totals are refreshed.
pub async fn totals_show_after_a_refresh(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0", "1.1.0"]).await;
    db.execute(&yank(&actor, &name, "1.1.0")).await.expect("yank");
    let before = db.totals().await.expect("read").downloads;
    for _ in 0..2 {
        add(db, vec![count(&name, "1.0.0", FIRST, 3), count(&name, "1.1.0", SECOND, 4)]).await;
        db.refresh_totals().await.expect("refresh");
    }
    let shown = async |version| {
        db.version(&name, &v(version), Reach::Everything).await.expect("read").expect("a version").downloads
    };
    assert_eq!((shown("1.0.0").await, shown("1.1.0").await), (6, 8), "those of a yanked version count");
    let package = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    assert_eq!(package.downloads, 14);
    assert!(db.totals().await.expect("read").downloads >= before + 14);
}

/// Counts of versions that do not exist are dropped; the rest of the batch is added.
pub async fn downloads_of_nothing_are_dropped(db: &dyn Database) {
    let (_, name) = published(db, &["1.0.0"]).await;
    let nowhere = package_name();
    add(db, vec![count(&nowhere, "1.0.0", FIRST, 5), count(&name, "1.0.0", FIRST, 1), count(&name, "2.0.0", FIRST, 5)])
        .await;
    assert_eq!(days(db, &name, None, FIRST, THIRD).await, [(FIRST, 1)].into());
    assert_eq!(days(db, &nowhere, None, FIRST, THIRD).await, [].into());
}

/// Concurrent batches are all counted.
pub async fn batches_at_once_all_count(db: &dyn Database) {
    let (_, name) = published(db, &["1.0.0", "1.1.0"]).await;
    let one = vec![count(&name, "1.0.0", FIRST, 1), count(&name, "1.1.0", FIRST, 2)];
    let other = vec![count(&name, "1.1.0", FIRST, 2), count(&name, "1.0.0", FIRST, 1)];
    let batches = (0..20).map(|at| add(db, if at % 2 == 0 { one.clone() } else { other.clone() }));
    join_all(batches).await;
    assert_eq!(days(db, &name, None, FIRST, FIRST).await, [(FIRST, 60)].into());
    assert_eq!(days(db, &name, Some("1.0.0"), FIRST, FIRST).await, [(FIRST, 20)].into());
}

/// A batch counts once, however often and however concurrently it is added.
pub async fn a_batch_counts_once(db: &dyn Database) {
    let (_, name) = published(db, &["1.0.0"]).await;
    let batch = DownloadBatch::new(now(), vec![count(&name, "1.0.0", FIRST, 3)]);
    for added in join_all((0..4).map(|_| db.add_downloads(&batch))).await {
        added.expect("add");
    }
    db.add_downloads(&batch).await.expect("add again");
    db.refresh_totals().await.expect("refresh");
    db.add_downloads(&batch).await.expect("add after a refresh");
    db.refresh_totals().await.expect("refresh");
    assert_eq!(days(db, &name, None, FIRST, FIRST).await, [(FIRST, 3)].into());
    assert_eq!(db.package(&name, Reach::Everything).await.expect("read").expect("a package").downloads, 3);
}
