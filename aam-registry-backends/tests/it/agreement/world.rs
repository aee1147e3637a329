use std::fmt::Debug;

use aam_registry_core::{
    Result,
    decide::{NewScope, NewUser},
    ports::{Clock, CommandHandlerExt, Database, SystemClock},
    types::{
        AccountRoles, Actor, AuditEvent, AuditFilter, Credential, DistTag, DownloadQuery, Manifest, NewAuditEntry,
        PackageName, PageRequest, Reach, ScopeName, SearchQuery, SearchSort, Sight, User, UserId, Version,
    },
};
use jiff::{
    Timestamp,
    civil::{Date, date},
};
use proptest::{prelude::*, sample::select};
use serde_json::json;

pub(super) const USERS: usize = 4;
pub(super) const SCOPES: usize = 2;
pub(super) const PACKAGES: usize = 5;
pub(super) const TAGS: usize = 3;
pub(super) const VERSIONS: [&str; 7] =
    ["0.1.0", "1.0.0", "1.0.0+build", "1.1.0-rc.1", "2.0.0-rc.1", "2.0.0", "10.0.0-alpha"];
pub(super) const DAYS: [Date; 2] = [date(2025, 12, 31), date(2026, 1, 1)];

/// Users, scopes and packages, with the same ids in every database.
pub(super) struct World {
    pub(super) start: Timestamp,
    users: Vec<User>,
    /// The last one an administrator who acts as one.
    pub(super) actors: Vec<Actor>,
    pub(super) scopes: Vec<ScopeName>,
    /// They exist once somebody publishes them; the names of the first two are too similar for both to exist.
    pub(super) packages: Vec<PackageName>,
    pub(super) tags: Vec<DistTag>,
}

impl World {
    pub(super) fn new() -> Self {
        let start = SystemClock.now();
        let user = |number: usize| User {
            id: UserId::generate(),
            username: format!("user-{number}").parse().expect("a username"),
            email: format!("user-{number}@example.com"),
            roles: if number + 1 == USERS { AccountRoles::ADMIN } else { AccountRoles::NONE },
            email_verified: false,
            otp_enabled: false,
            disabled: false,
            created_at: start,
        };
        let users: Vec<_> = (0..USERS).map(user).collect();
        let expires_at = "9000-01-01T00:00:00Z".parse().expect("an instant");
        let actor = |user: &User| Actor {
            user: user.id,
            username: user.username.clone(),
            credential: Credential::Session { id: "session".to_owned(), generation: 0, expires_at },
            roles: user.roles,
        };
        let parse = |names: &[&str]| names.iter().map(|name| name.parse().expect("a name")).collect();
        Self {
            start,
            actors: users.iter().map(actor).collect(),
            users,
            scopes: ["team", "user-1"].map(|name| name.parse().expect("a scope")).to_vec(),
            packages: parse(&["greet-kit", "greetkit", "audit-suite", "@team/greet-kit", "@user-1/auditor"]),
            tags: ["latest", "beta", "edge"].map(|name| name.parse().expect("a tag")).to_vec(),
        }
    }

    /// Makes the users and the scope `team` of the first of them.
    pub(super) async fn settle(&self, db: &dyn Database) {
        for user in &self.users {
            let audit = NewAuditEntry { id: uuid(user.id), ..NewAuditEntry::new(AuditEvent::UserRegister, self.start) };
            let new = NewUser { user: user.clone(), password_hash: "$test$".to_owned(), audit, invitation: None };
            db.execute(&new).await.expect("create a user");
        }
        let audit = NewAuditEntry::new(AuditEvent::ScopeCreate, self.start);
        let audit = NewAuditEntry { id: uuid::Uuid::nil(), ..audit };
        let (actor, name) = (self.actors[0].clone(), self.scopes[0].clone());
        let new = NewScope { actor, name, max_scopes: None, now: self.start, audit };
        db.execute(&new).await.expect("create a scope");
    }

    /// Everything that can be read, each with a description.
    pub(super) async fn everything(&self, db: &dyn Database, searches: &[String]) -> Vec<(String, String)> {
        let mut seen = Vec::new();
        let mut see = |what: String, read: String| seen.push((what, read));
        for name in &self.packages {
            see(format!("package {name}"), show(db.package(name, Reach::Everything).await));
            for version in VERSIONS.map(|text| text.parse().expect("a version")) {
                see(format!("version {name} {version}"), show(db.version(name, &version, Reach::Everything).await));
            }
            let (from, to) = (DAYS[0], DAYS[1]);
            let query = DownloadQuery { package: name.clone(), version: None, from, to };
            see(format!("downloads of {name}"), show(db.downloads(&query).await));
            for actor in &self.actors {
                see(format!("rights of {} to {name}", actor.username), show(db.rights(actor, name).await));
            }
        }
        for user in &self.users {
            see(
                format!("profile of {}", user.username),
                show(db.profile(&user.username, &Sight::unrestricted()).await),
            );
            see(format!("scopes of {}", user.username), show(db.scopes_of(user.id, 100).await));
        }
        for scope in &self.scopes {
            see(format!("scope {scope}"), show(db.scope(scope, &Sight::unrestricted()).await));
        }
        for query in self.queries(searches) {
            see(format!("{query:?}"), show(db.search(&query).await));
        }
        let page = PageRequest { page: 1, limit: 200 };
        let filter = AuditFilter { package: None, event: None, actor: None, from: None, to: None, page };
        see("audit log".to_owned(), show(db.entries(&filter).await));
        see("totals".to_owned(), show(db.totals().await));
        seen
    }

    /// Searches whose order is specified.
    fn queries(&self, searches: &[String]) -> Vec<SearchQuery> {
        let page = PageRequest { page: 1, limit: 2 };
        let list = SearchQuery::everything(SearchSort::Name, page);
        let mut queries = vec![
            SearchQuery { sort: SearchSort::Updated, ..list.clone() },
            SearchQuery { sort: SearchSort::Downloads, page: PageRequest { page: 2, limit: 2 }, ..list.clone() },
            SearchQuery { scope: Some(self.scopes[0].clone()), ..list.clone() },
            SearchQuery { keyword: Some("major-1".to_owned()), ..list.clone() },
            SearchQuery { artifact_type: Some(aam_registry_core::types::ArtifactType::Prompt), ..list.clone() },
        ];
        let page = PageRequest { page: 1, limit: 20 };
        queries.extend(searches.iter().map(|text| SearchQuery { text: Some(text.clone()), page, ..list.clone() }));
        queries
    }
}

/// A manifest that differs in every version.
pub(super) fn manifest(name: &PackageName, version: &Version) -> Manifest {
    let kind = if version.is_prerelease() { "prompts" } else { "skills" };
    let major = version.as_semver().major;
    let document = json!({
        "name": name.as_str(), "version": version.to_string(), "author": format!("Author {}", name.bare()),
        "description": format!("Greets auditors {} in release {}", "warmly".repeat(2), version.key()),
        "keywords": ["greeting", format!("major-{major}")],
        "artifacts": {kind: [{"name": format!("greeter-{major}"), "path": "a", "description": ""}]},
        "dependencies": {"style-guide": "^1.0"},
    });
    Manifest::from_document(document).expect("a valid manifest")
}

fn show<T: Debug>(read: Result<T>) -> String {
    format!("{:?}", read.expect("a read"))
}

fn uuid(id: UserId) -> uuid::Uuid {
    id.to_string().parse().expect("an id")
}

/// A text to search for: one or two existing words, some of them shortened or misspelt.
pub(super) fn searched() -> impl Strategy<Value = String> {
    const WORDS: &[&str] =
        &["greet", "kit", "audit", "auditor", "team", "warmlywarmly", "greeting", "major", "release", "author"];
    let edit = prop_oneof![3 => Just(0_u8), 3 => 1..6_u8];
    let word = (select(WORDS), edit, any::<prop::sample::Index>()).prop_map(|(word, edit, at)| {
        let mut letters: Vec<char> = word.chars().collect();
        let at = at.index(letters.len());
        match edit {
            1 => letters[at] = 'x',
            2 => drop(letters.remove(at)),
            3 => letters.insert(at, 'x'),
            4 if at > 0 => letters.swap(at, at - 1),
            5 => letters.truncate(at),
            _ => {}
        }
        letters.into_iter().collect::<String>()
    });
    prop::collection::vec(word, 1..3).prop_map(|words| words.join(" "))
}
