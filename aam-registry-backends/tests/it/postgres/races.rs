//! Many at once on several replicas.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use aam_registry_backends::postgres::PostgresMetadata;
use aam_registry_core::{
    ErrorCode, Result,
    decide::{LogOut, MemberChange, NewScope, NewToken, NewUser, OwnerChange, TagChange, Yank},
    ports::{AuditLog, Clock, CommandHandlerExt, DownloadStore, PackageStore, PublishStore, ScopeStore, SystemClock},
    types::{
        AccountRoles, Actor, AuditEvent, Credential, DistTag, DownloadBatch, DownloadCount, DownloadQuery,
        LatestPolicy, NewAuditEntry, PackageName, Reach, ScopeName, ScopeRole, Sha256Digest, Sight, TagRules, Token,
        TokenId, TokenScopes, User, UserId,
    },
};
use futures_util::future::join_all;
use jiff::civil::date;
use serde_json::json;

use super::world::{TestDatabase, actor, publish, publish_within};
use crate::replicas::{is_whole, whole_log};

const REPLICAS: usize = 3;

async fn replicas() -> (Vec<Arc<PostgresMetadata>>, TestDatabase) {
    let database = TestDatabase::new().await;
    let mut stores = Vec::new();
    for _ in 0..REPLICAS {
        stores.push(Arc::new(database.open().await));
    }
    (stores, database)
}

/// Runs `act` so often at once, on all replicas in turn; gives what came of each.
async fn at_once<T, F>(
    stores: &[Arc<PostgresMetadata>],
    times: usize,
    act: impl Fn(Arc<PostgresMetadata>, usize) -> F,
) -> Vec<Result<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let tasks = (0..times).map(|at| tokio::spawn(act(Arc::clone(&stores[at % stores.len()]), at)));
    join_all(tasks.collect::<Vec<_>>()).await.into_iter().map(|done| done.expect("a task")).collect()
}

/// How many succeeded; the others must be refused with that code.
fn successes<T: std::fmt::Debug>(results: Vec<Result<T>>, code: ErrorCode) -> usize {
    let (succeeded, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    for refused in refused {
        let error = refused.expect_err("a refusal");
        assert_eq!(error.code(), code, "{error:?}");
    }
    succeeded.len()
}

fn entry(event: AuditEvent) -> NewAuditEntry {
    NewAuditEntry::new(event, SystemClock.now())
}

fn name(text: &str) -> PackageName {
    text.parse().expect("a name")
}

fn new_scope(actor: &Actor, name: &ScopeName) -> NewScope {
    let (actor, name) = (actor.clone(), name.clone());
    NewScope { actor, name, max_scopes: None, now: SystemClock.now(), audit: entry(AuditEvent::ScopeCreate) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_version_and_a_new_name_have_one_winner() {
    let (stores, _database) = replicas().await;
    let owner = actor(&*stores[0], "owner").await;
    for round in 0..5 {
        let results = at_once(&stores, 12, |store, at| {
            let (owner, package) = (owner.clone(), format!("kit{round}"));
            async move { publish(&*store, &owner, &package, &format!("1.0.0+{at}"), json!({})).await }
        });
        assert_eq!(successes(results.await, ErrorCode::VersionExists), 1);
    }
    let others = join_all((0..6).map(|at| {
        let store = Arc::clone(&stores[0]);
        async move { actor(&*store, &format!("other{at}")).await }
    }));
    let others = others.await;
    // One owns the name; to the others it is somebody else's.
    let results = at_once(&stores, 6, |store, at| {
        let other = others[at].clone();
        async move { publish(&*store, &other, "taken", &format!("1.0.{at}"), json!({})).await }
    });
    assert_eq!(successes(results.await, ErrorCode::Forbidden), 1);
    // Names that are too similar are new at once.
    let spelled = ["look-alike", "lookalike", "lo-okalike", "l-ookalike", "look-a-like", "lookali-ke"];
    let results = at_once(&stores, 6, |store, at| {
        let other = others[at].clone();
        async move { publish(&*store, &other, spelled[at], "1.0.0", json!({})).await }
    });
    assert_eq!(successes(results.await, ErrorCode::NameTooSimilar), 1);
    let totals = stores[1].totals().await.expect("read");
    assert_eq!((totals.packages, totals.versions), (7, 7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_username_and_a_scope_have_one_winner() {
    let (stores, _database) = replicas().await;
    let owner = actor(&*stores[0], "owner").await;
    for round in 0..5 {
        let wanted = format!("wanted{round}");
        let results = at_once(&stores, 9, |store, at| {
            let (owner, wanted) = (owner.clone(), wanted.clone());
            async move {
                if at % 2 == 0 {
                    let scope: ScopeName = wanted.parse().expect("a scope");
                    return store.execute(&new_scope(&owner, &scope)).await;
                }
                let user = User {
                    id: UserId::generate(),
                    username: wanted.parse().expect("a username"),
                    email: format!("{wanted}.{at}@example.com"),
                    roles: AccountRoles::NONE,
                    email_verified: false,
                    otp_enabled: false,
                    disabled: false,
                    created_at: SystemClock.now(),
                };
                let audit = entry(AuditEvent::UserRegister);
                store.execute(&NewUser { user, password_hash: "$test$".to_owned(), audit, invitation: None }).await
            }
        });
        let (won, lost): (Vec<_>, Vec<_>) = results.await.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 8));
        for lost in lost {
            let code = lost.expect_err("a refusal").code();
            assert!([ErrorCode::ScopeExists, ErrorCode::UserExists].contains(&code), "{code:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_owners_who_leave_at_once_one_stays() {
    let (stores, _database) = replicas().await;
    let mut owners = Vec::new();
    for at in 0..6 {
        owners.push(actor(&*stores[0], &format!("owner{at}")).await);
    }
    let kit = name("kit");
    let change = |by: &Actor, owner: &Actor, owns| OwnerChange {
        actor: by.clone(),
        package: kit.clone(),
        owner: owner.username.clone(),
        owns,
        max_owners: 100,
        now: SystemClock.now(),
        audit: entry(AuditEvent::OwnershipAdd),
    };
    publish(&*stores[0], &owners[0], "kit", "1.0.0", json!({})).await.expect("publish");
    for other in &owners[1..] {
        stores[0].execute(&change(&owners[0], other, true)).await.expect("add");
    }
    // Each removes itself: whoever comes last may not, and who is none any more may nothing.
    let results = at_once(&stores, 6, |store, at| {
        let change = change(&owners[at], &owners[at], false);
        async move { store.execute(&change).await }
    });
    assert_eq!(successes(results.await, ErrorCode::LastOwner), 5);
    assert_eq!(stores[0].package(&kit, Reach::Everything).await.expect("read").expect("a package").owners.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_members_who_leave_at_once_an_owner_stays_and_publishes_know() {
    let (stores, _database) = replicas().await;
    let mut owners = Vec::new();
    for at in 0..6 {
        owners.push(actor(&*stores[0], &format!("owner{at}")).await);
    }
    let scope: ScopeName = "team".parse().expect("a scope");
    stores[0].execute(&new_scope(&owners[0], &scope)).await.expect("create");
    let change = |by: &Actor, member: &Actor, role| MemberChange {
        actor: by.clone(),
        scope: scope.clone(),
        member: member.username.clone(),
        role,
        max_members: 100,
        now: SystemClock.now(),
        audit: entry(AuditEvent::ScopeMemberSet),
    };
    for other in &owners[1..] {
        stores[0].execute(&change(&owners[0], other, Some(ScopeRole::Owner))).await.expect("add");
    }
    // While some publish, all leave.
    let results = at_once(&stores, 18, |store, at| {
        let owner = owners[at % 6].clone();
        let leave = change(&owner, &owner, None);
        async move {
            if at < 6 {
                return store.execute(&leave).await.map(|()| None);
            }
            let package = format!("@team/kit{at}");
            match publish(&*store, &owner, &package, "1.0.0", json!({})).await {
                Ok(_) => Ok(Some(package)),
                Err(error) if error.code() == ErrorCode::Forbidden => Ok(None),
                Err(error) => Err(error),
            }
        }
    });
    let results = results.await;
    let published = results.iter().filter_map(|result| result.as_ref().ok().cloned().flatten()).count();
    assert_eq!(successes(results, ErrorCode::LastOwner), 17);
    assert_eq!(stores[1].scope(&scope, &Sight::unrestricted()).await.expect("read").expect("a scope").members.len(), 1);
    assert_eq!(stores[1].totals().await.expect("read").packages, published as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tags_yanks_and_publishes_of_one_package_leave_it_whole() {
    let (stores, _database) = replicas().await;
    let owner = actor(&*stores[0], "owner").await;
    publish(&*stores[0], &owner, "kit", "1.0.0", json!({})).await.expect("publish");
    let results = at_once(&stores, 36, |store, at| {
        let owner = owner.clone();
        async move {
            let version = format!("1.{}.0", at / 3 + 1);
            let (package, parsed) = (name("kit"), version.parse().expect("a version"));
            let now = SystemClock.now();
            let allowed = match at % 3 {
                0 => publish(&*store, &owner, "kit", &version, json!({})).await.map(drop),
                1 => {
                    let audit = entry(AuditEvent::VersionYank);
                    let latest_policy = LatestPolicy::Highest;
                    let yank = Yank { actor: owner, package, version: parsed, reason: None, latest_policy, now, audit };
                    store.execute(&yank).await.map(drop)
                }
                _ => {
                    let audit = entry(AuditEvent::TagSet);
                    let (tag, version) = ("beta".parse().expect("a tag"), Some(parsed));
                    store
                        .execute(&TagChange {
                            actor: owner,
                            package,
                            tag,
                            version,
                            rules: TagRules::at_most(100),
                            now,
                            audit,
                        })
                        .await
                }
            };
            match allowed {
                Err(error) if [ErrorCode::VersionNotFound, ErrorCode::InvalidTag].contains(&error.code()) => Ok(()),
                other => other,
            }
        }
    });
    for result in results.await {
        result.expect("nobody fails over another");
    }
    let package = stores[2].package(&name("kit"), Reach::Everything).await.expect("read").expect("a package");
    assert_eq!(package.versions.len(), 13);
    let visible = package.versions.iter().filter(|version| !version.yanked).map(|version| &version.version);
    assert_eq!(package.latest(), visible.clone().max());
    if let Some(beta) = package.dist_tags.get(&"beta".parse::<DistTag>().expect("a tag")) {
        assert!(visible.clone().any(|version| version == beta), "a tag names a yanked version");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn downloads_refreshes_and_publishes_do_not_get_into_each_others_way() {
    let (stores, database) = replicas().await;
    let owner = actor(&*stores[0], "owner").await;
    let packages: Vec<_> = (0..20).map(|at| format!("kit{at}")).collect();
    for package in &packages {
        publish(&*stores[0], &owner, package, "1.0.0", json!({})).await.expect("publish");
    }
    let day = date(2025, 6, 1);
    let results = at_once(&stores, 60, |store, at| {
        let (owner, packages) = (owner.clone(), packages.clone());
        async move {
            match at % 4 {
                0 => {
                    let package = &packages[at % packages.len()];
                    publish(&*store, &owner, package, &format!("2.0.{at}"), json!({})).await.map(drop)
                }
                1 => store.refresh_totals().await,
                _ => {
                    // In another order each time.
                    let mut counts: Vec<_> = packages
                        .iter()
                        .map(|package| DownloadCount {
                            package: name(package),
                            version: "1.0.0".parse().expect("a version"),
                            day,
                            count: 1,
                        })
                        .collect();
                    counts.rotate_left(at % packages.len());
                    store.add_downloads(&DownloadBatch::new(SystemClock.now(), counts)).await
                }
            }
        }
    });
    for result in results.await {
        result.expect("nobody fails over another");
    }
    stores[0].refresh_totals().await.expect("refresh");
    let batches = 30;
    for package in &packages {
        let query = DownloadQuery { package: name(package), version: None, from: day, to: day };
        assert_eq!(stores[1].downloads(&query).await.expect("read"), [(day, batches)].into());
        assert_eq!(
            stores[1].package(&name(package), Reach::Everything).await.expect("read").expect("a package").downloads,
            batches
        );
    }
    let totals = stores[2].totals().await.expect("read");
    assert_eq!((totals.downloads, totals.versions), (20 * batches, 35));
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = $1";
    let deadlocks = database.client().await.query_one(deadlocks, &[&database.name()]).await.expect("read");
    assert_eq!(deadlocks.get::<_, i64>(0), 0, "locks are taken in one order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sequencers_and_appenders_make_one_chain() {
    let (stores, _database) = replicas().await;
    let results = at_once(&stores, 60, |store, at| async move {
        if at % 3 == 0 {
            return store.sequence(5).await.map(drop);
        }
        store.append(&entry(AuditEvent::UserLoginFailed).with("at", at)).await
    });
    for result in results.await {
        result.expect("nobody fails over another");
    }
    while stores[0].sequence(7).await.expect("sequence") > 0 {}
    let log = whole_log(&*stores[1]).await;
    assert_eq!(log.len(), 40);
    is_whole(&log);
}

#[tokio::test]
async fn an_entry_that_commits_later_gets_a_later_position() {
    let (stores, database) = replicas().await;
    let store = &stores[0];
    let first = entry(AuditEvent::UserLoginFailed).with("at", 1);
    // Another replica is in the middle of a transaction that appended before.
    let other = database.client().await;
    let append = "INSERT INTO audit_log (entry_id, event, timestamp, metadata)
                  VALUES ($1, $2, $3, '{\"at\":1}')";
    other.batch_execute("BEGIN").await.expect("begin");
    other
        .execute(append, &[&first.id, &first.event.as_str(), &first.timestamp.as_microsecond()])
        .await
        .expect("append");
    let second = entry(AuditEvent::UserLoginFailed).with("at", 2);
    store.append(&second).await.expect("append");
    assert_eq!(store.sequence(10).await.expect("sequence"), 1);
    other.batch_execute("COMMIT").await.expect("commit");
    let log: Vec<_> =
        whole_log(&**store).await.into_iter().map(|one| (one.entry, one.chained.map(|at| at.0))).collect();
    assert_eq!(log, [(second.clone(), Some(1)), (first.clone(), None)], "what has no position comes first");
    assert_eq!(store.sequence(10).await.expect("sequence"), 1);
    let log = whole_log(&**store).await;
    is_whole(&log);
    assert_eq!(log.into_iter().map(|one| one.entry).collect::<Vec<_>>(), [second, first]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_upload_is_either_committed_or_abandoned() {
    let (stores, database) = replicas().await;
    let owner = actor(&*stores[0], "owner").await;
    let admin = database.client().await;
    let swept = at_once(&stores, 30, |store, at| {
        let owner = owner.clone();
        async move {
            if at % 2 == 0 {
                let kit = format!("kit{at}");
                return publish_within(Duration::ZERO, &*store, &owner, &kit, "1.0.0", json!({})).await.map(|_| 0);
            }
            store.abandon_uploads(3).await
        }
    });
    let (mut published, mut abandoned) = (0, 0);
    for (at, result) in swept.await.into_iter().enumerate() {
        match result {
            Ok(swept) => {
                abandoned += swept;
                published += usize::from(at % 2 == 0);
            }
            Err(error) => assert_eq!(error.code(), ErrorCode::Timeout, "{error:?}"),
        }
    }
    let left: BTreeSet<_> = admin
        .query("SELECT id FROM uploads WHERE abandoned_at IS NOT NULL", &[])
        .await
        .expect("read")
        .iter()
        .map(|row| row.get::<_, uuid::Uuid>(0))
        .collect();
    assert_eq!(left.len(), abandoned);
    assert_eq!(published + abandoned, 15, "each upload went one way");
    assert_eq!(stores[0].totals().await.expect("read").versions, published as u64);
}

#[tokio::test]
async fn a_credential_revoked_before_the_commit_is_no_good_for_it() {
    let (stores, database) = replicas().await;
    let owner = actor(&*stores[0], "owner").await;
    publish(&*stores[0], &owner, "kit", "1.0.0", json!({})).await.expect("publish");
    let admin = database.client().await;
    let log_out = LogOut { actor: owner.clone(), now: SystemClock.now(), audit: entry(AuditEvent::UserLogout) };
    // The publish has checked its credential and waits for the package; the revocation waits for the publish.
    admin.batch_execute("BEGIN; SELECT 1 FROM packages FOR UPDATE").await.expect("lock");
    let (published, revoked, ()) = tokio::join!(
        publish(&*stores[0], &owner, "kit", "1.0.1", json!({})),
        async {
            database.who_waits("FROM packages").await;
            stores[1].execute(&log_out).await
        },
        async {
            database.who_waits("FROM users WHERE id = $1 FOR NO KEY UPDATE").await;
            admin.batch_execute("COMMIT").await.expect("unlock");
        },
    );
    published.expect("it was committed before");
    revoked.expect("revoke");
    let error = publish(&*stores[0], &owner, "kit", "1.0.2", json!({})).await.expect_err("revoked");
    assert_eq!(error.code(), ErrorCode::Unauthorized);
}

fn token(actor: &Actor, secret: &[u8]) -> NewToken {
    let token = Token {
        id: TokenId::generate(),
        user: actor.user,
        name: "ci".into(),
        scopes: TokenScopes::all(),
        packages: Vec::new(),
        created_at: SystemClock.now(),
        expires_at: None,
        last_used_at: None,
        last_used_from: None,
    };
    let (scopes, secret, audit) = (TokenScopes::all(), Sha256Digest::of(secret), entry(AuditEvent::TokenCreate));
    NewToken { actor: actor.clone(), scopes, token, secret, max_tokens: None, audit }
}

#[tokio::test]
async fn a_token_made_with_another_waits_for_the_revocation_of_all_and_blocks_it_not() {
    let (stores, database) = replicas().await;
    let owner = actor(&*stores[0], "owner").await;
    let first = token(&owner, b"first");
    stores[0].execute(&first).await.expect("create");
    let by_token = Actor { credential: Credential::Token(first.token.id), ..owner };
    let admin = database.client().await;
    // As the revocation of all tokens does: first the table, then the rows.
    admin.batch_execute("BEGIN; LOCK TABLE tokens IN SHARE ROW EXCLUSIVE MODE").await.expect("lock");
    let second = token(&by_token, b"second");
    let (created, ()) = tokio::join!(stores[1].execute(&second), async {
        database.who_waits("tokens").await;
        admin.batch_execute("SELECT 1 FROM tokens FOR NO KEY UPDATE; COMMIT").await.expect("no deadlock");
    });
    created.expect("made afterwards");
}
