//! Login sessions as they are listed and ended.

use std::net::IpAddr;

use super::world::{actor, after, audit_by, dead_actors, entry, now, refused, session, user, word};
use crate::{
    decide::{AccountActor, AccountChange, AccountUpdate, BeginSession, EndSession},
    error::{ErrorCode, Result},
    ports::{AddressesOfLogin, CommandHandlerExt, Database, QueryHandlerExt},
    types::{Actor, AuditEvent, Credential, JobFilter, LoginClient, LoginSession, NewJob, PageRequest, User},
};

fn client(address: &str) -> LoginClient {
    LoginClient::new(address.parse().ok(), Some("aam/0.2.0"))
}

/// A session of the user that begins at that address.
fn beginning(user: &User, address: &str) -> (Actor, BeginSession) {
    let actor = session(user);
    let Credential::Session { id, generation, expires_at } = &actor.credential else { panic!("a session") };
    let audit = entry(AuditEvent::UserLogin, &actor);
    let session = LoginSession {
        id: id.clone(),
        user: user.id,
        generation: *generation,
        client: client(address),
        created_at: audit.timestamp,
        last_seen_at: audit.timestamp,
        expires_at: *expires_at,
    };
    let begin = BeginSession { session, username: user.username.clone(), audit };
    (actor, begin)
}

async fn begin(db: &dyn Database, user: &User, address: &str) -> (Actor, LoginSession) {
    let (actor, begin) = beginning(user, address);
    db.execute(&begin).await.expect("begun");
    (actor, begin.session)
}

fn ending(by: &Actor, session: &str) -> EndSession {
    EndSession { actor: by.clone(), session: session.to_owned(), audit: entry(AuditEvent::SessionRevoke, by) }
}

async fn ids(db: &dyn Database, user: &User) -> Vec<String> {
    db.login_sessions(user.id, now()).await.expect("read").into_iter().map(|session| session.id).collect()
}

/// The sessions of a user are listed as they began, newest first, and without those that are over.
pub async fn sessions_are_listed_newest_first(db: &dyn Database) {
    let user = user(db).await;
    let (_, first) = begin(db, &user, "192.0.2.1").await;
    let (second_actor, second) = begin(db, &user, "2001:db8::1").await;
    assert_eq!(db.login_sessions(user.id, now()).await.expect("read"), [second.clone(), first.clone()]);
    assert!(db.login_sessions(user.id, second.expires_at).await.expect("read").is_empty(), "they expired");
    db.execute(&super::world::log_out(&second_actor)).await.expect("logged out");
    assert_eq!(ids(db, &user).await, [first.id]);
    let events: Vec<_> = audit_by(db, &second_actor).await.into_iter().map(|one| one.entry.event).collect();
    assert_eq!(events.iter().filter(|event| **event == AuditEvent::UserLogin).count(), 2);
}

/// A session that its user ends is refused, and its place is new again.
pub async fn a_session_is_ended_by_its_user(db: &dyn Database) {
    let user = user(db).await;
    let ((by, kept), (_, ended)) = (begin(db, &user, "192.0.2.1").await, begin(db, &user, "198.51.100.1").await);
    db.execute(&ending(&by, &ended.id)).await.expect("ended");
    assert_eq!(db.session_user(user.id, &ended.id, 0).await.expect("read"), None);
    assert!(db.session_user(user.id, &kept.id, 0).await.expect("read").is_some());
    assert_eq!(ids(db, &user).await, [kept.id]);
    refused(db.execute(&ending(&by, &ended.id)).await, ErrorCode::NotFound);
    refused(db.execute(&ending(&by, &word())).await, ErrorCode::NotFound);
    assert_eq!(audit_by(db, &by).await[0].entry.event, AuditEvent::SessionRevoke);
    assert!(db.execute(&beginning(&user, "198.51.100.1").1).await.expect("begun"), "the place was forgotten");
}

/// Nobody ends the session of another, and no dead credential ends any.
pub async fn a_session_is_ended_by_nobody_else(db: &dyn Database) {
    let user = user(db).await;
    let (by, session) = begin(db, &user, "192.0.2.1").await;
    refused(db.execute(&ending(&actor(db).await, &session.id)).await, ErrorCode::NotFound);
    for (what, dead) in dead_actors(db, &by).await {
        let refused = db.execute(&ending(&dead, &session.id)).await;
        assert_eq!(refused.map_err(|error| error.code()), Err(ErrorCode::Unauthorized), "{what}");
    }
    assert!(db.session_user(user.id, &session.id, 0).await.expect("read").is_some());
}

/// All sessions but the one that is used end at once, listed or not.
pub async fn the_other_sessions_end_at_once(db: &dyn Database) {
    let user = user(db).await;
    let ((by, kept), (_, other)) = (begin(db, &user, "192.0.2.1").await, begin(db, &user, "198.51.100.1").await);
    let unlisted = word();
    let audit = entry(AuditEvent::SessionRevoke, &by);
    let change = AccountChange {
        by: AccountActor::Itself(by.clone()),
        username: user.username.clone(),
        update: AccountUpdate::OtherSessionsEnded,
        now: audit.timestamp,
        audit: vec![audit],
    };
    db.execute(&change).await.expect("ended");
    assert!(db.session_user(user.id, &kept.id, 0).await.expect("read").is_some());
    for ended in [&other.id, &unlisted] {
        assert_eq!(db.session_user(user.id, ended, 0).await.expect("read"), None);
    }
    assert_eq!(ids(db, &user).await, [kept.id]);
    let stale: Result<bool> = db.execute(&beginning(&user, "192.0.2.1").1).await;
    refused(stale, ErrorCode::InvalidCredentials);
}

/// A login from a place that is new for the user queues a mail; the first login of all does not.
pub async fn a_login_from_a_new_place_is_noticed(db: &dyn Database) {
    let user = user(db).await;
    let mut logins = Vec::new();
    for address in ["192.0.2.1", "192.0.2.99", "198.51.100.1", "198.51.100.1"] {
        let (_, begin) = beginning(&user, address);
        logins.push((db.execute(&begin).await.expect("begun"), NewJob::mail(&begin.audit).id));
    }
    assert_eq!(logins.iter().map(|(is_new, _)| *is_new).collect::<Vec<_>>(), [false, false, true, false]);
    for (is_new, id) in logins {
        let page = PageRequest { page: 1, limit: 10 };
        let filter = JobFilter { id: Some(id), kind: None, state: None, with_done: true, newest_first: false, page };
        assert_eq!(db.jobs(&filter).await.expect("read").total, u64::from(is_new));
    }
}

/// The addresses of logins are found by username and by e-mail address.
pub async fn the_addresses_of_logins_are_known(db: &dyn Database) {
    let user = user(db).await;
    for address in ["192.0.2.1", "192.0.2.1", "2001:db8::1"] {
        begin(db, &user, address).await;
    }
    for login in [user.username.as_str(), &user.email, &user.email.to_uppercase()] {
        let mut known: Vec<_> = db.ask(AddressesOfLogin(login.to_owned())).await.expect("read");
        known.sort();
        known.dedup();
        assert_eq!(known, ["192.0.2.1", "2001:db8::1"].map(|text| text.parse::<IpAddr>().expect("an address")));
    }
    assert!(db.ask(AddressesOfLogin(word())).await.expect("read").is_empty());
}

/// When a session was last used is stored, in whatever order that is reported.
pub async fn a_used_session_says_when(db: &dyn Database) {
    let user = user(db).await;
    let (_, session) = begin(db, &user, "192.0.2.1").await;
    let (early, late) = (after(10), after(30));
    let touches = |at| [(user.id, session.id.clone(), at), (user.id, word(), at)];
    for at in [late, early] {
        db.touch_sessions(&touches(at)).await.expect("touched");
    }
    db.touch_sessions(&[]).await.expect("touch nothing");
    assert_eq!(db.login_sessions(user.id, now()).await.expect("read")[0].last_seen_at, late);
}

/// A session is remembered for a while after its end.
pub async fn the_place_of_an_old_session_is_remembered(db: &dyn Database) {
    let user = user(db).await;
    begin(db, &user, "192.0.2.1").await;
    let (_, other) = begin(db, &user, "198.51.100.1").await;
    db.forget_sessions(other.expires_at).await.expect("forgotten");
    assert!(!db.execute(&beginning(&user, "198.51.100.1").1).await.expect("begun"));
}
