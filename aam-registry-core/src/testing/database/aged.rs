//! Rows that are dropped when they have served their time. The cases use instants long ago, since others share the
//! database.

use jiff::{
    Timestamp,
    civil::{Date, date},
};

use super::world::{actor, admin, entry, new_token, now, published, v};
use crate::{
    decide::{CloseReport, DropAged, NewReport},
    ports::{CommandHandlerExt, Database, OldestAged, QueryHandlerExt},
    types::{
        Aged, AuditEvent, DownloadBatch, DownloadCount, DownloadQuery, ModerationCategory, Reach, Report, ReportId,
        Sha256Digest, Token, TokenId, TokenScope,
    },
};

const LONG_AGO: Date = date(1991, 5, 1);
const BEFORE: &str = "1995-01-01T00:00:00Z";

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

async fn drop_aged(db: &dyn Database, what: Aged, limit: usize) -> bool {
    db.execute(&DropAged { what, before: instant(BEFORE), limit }).await.expect("dropped")
}

async fn oldest(db: &dyn Database, what: Aged) -> Option<Timestamp> {
    db.ask(OldestAged(what)).await.expect("read")
}

/// The days go, what they add up to stays.
pub async fn aged_downloads_are_dropped_and_totals_stay(db: &dyn Database) {
    let (_, name) = published(db, &["1.0.0"]).await;
    let count = |day| DownloadCount { package: name.clone(), version: v("1.0.0"), day, count: 3 };
    let days = [LONG_AGO, date(1991, 5, 2), date(2025, 2, 27)];
    db.add_downloads(&DownloadBatch::new(now(), days.map(count).to_vec())).await.expect("counted");
    db.refresh_totals().await.expect("refreshed");
    assert!(oldest(db, Aged::Downloads).await.is_some_and(|oldest| oldest <= instant("1991-05-01T00:00:00Z")));
    while drop_aged(db, Aged::Downloads, 1).await {}
    assert!(oldest(db, Aged::Downloads).await.is_some_and(|oldest| oldest >= instant(BEFORE)));
    let query = DownloadQuery { package: name.clone(), version: None, from: LONG_AGO, to: date(2025, 12, 31) };
    let left = db.downloads(&query).await.expect("read");
    assert_eq!(left.into_iter().collect::<Vec<_>>(), [(date(2025, 2, 27), 3)]);
    db.refresh_totals().await.expect("refreshed");
    let package = db.package(&name, Reach::Everything).await.expect("read").expect("there");
    assert_eq!(package.downloads, 9);
}

/// A token that has ended and a report that was closed long ago go; those of today stay.
pub async fn aged_tokens_and_reports_are_dropped(db: &dyn Database) {
    let (by, name) = published(db, &["1.0.0"]).await;
    let token = |expires_at| Token {
        id: TokenId::generate(),
        user: by.user,
        name: "aged".into(),
        scopes: [TokenScope::Read].into_iter().collect(),
        packages: Vec::new(),
        created_at: instant("1990-01-01T00:00:00Z"),
        expires_at,
        last_used_at: None,
        last_used_from: None,
    };
    let (ended, lasting) = (token(Some(instant("1990-02-01T00:00:00Z"))), token(None));
    for token in [&ended, &lasting] {
        let secret = Sha256Digest::of(token.id.to_string().as_bytes());
        db.execute(&new_token(&by, token, secret, &entry(AuditEvent::TokenCreate, &by))).await.expect("made");
    }
    assert!(oldest(db, Aged::Tokens).await.is_some_and(|oldest| oldest <= instant("1990-02-01T00:00:00Z")));
    while drop_aged(db, Aged::Tokens, 10).await {}
    assert!(oldest(db, Aged::Tokens).await.is_none_or(|oldest| oldest >= instant(BEFORE)));
    assert!(db.tokens(&by, now()).await.expect("read").iter().any(|token| token.id == lasting.id));

    let reporter = actor(db).await;
    let at = instant("1990-03-01T00:00:00Z");
    let report = Report {
        id: ReportId::generate(),
        package: name.clone(),
        version: None,
        category: ModerationCategory::Other,
        text: "words".into(),
        reporter: reporter.user,
        created_at: at,
        closure: None,
    };
    let new = NewReport {
        actor: reporter.clone(),
        report: report.clone(),
        audit: entry(AuditEvent::ReportCreate, &reporter),
    };
    db.execute(&new).await.expect("reported");
    assert!(oldest(db, Aged::Reports).await.is_none_or(|oldest| oldest >= instant(BEFORE)), "it is open");
    let moderator = admin(db).await;
    let audit = entry(AuditEvent::ReportClose, &moderator);
    db.execute(&CloseReport { actor: moderator, id: report.id, comment: None, now: at, audit }).await.expect("closed");
    assert!(oldest(db, Aged::Reports).await.is_some_and(|oldest| oldest <= at));
    while drop_aged(db, Aged::Reports, 10).await {}
    assert!(oldest(db, Aged::Reports).await.is_none_or(|oldest| oldest >= instant(BEFORE)));
    // Nothing was given up so long ago.
    assert!(!drop_aged(db, Aged::FailedJobs, 10).await);
}
