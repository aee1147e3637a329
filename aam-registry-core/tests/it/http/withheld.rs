//! A version that waits for approval, was rejected, is in quarantine or was removed is to whoever may not see it as a
//! version that does not exist: each operation about a version is asked about both, by each kind of caller, and the
//! answers are compared byte for byte.

use aam_registry_core::{
    decide::ReadAccess,
    decorate::CachedMetadata,
    memory::MemoryMetadata,
    registry::{ApprovalPolicy, Policy},
    types::{AccountRole, ApprovalStatus, ModerationCategory, Principal, ScopeRole},
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    reply::Reply,
    site::{Site, document, request},
};
use crate::registry::world::{World, archive, name, version};

const PACKAGE: &str = "@team/kit";
/// The version that not everybody sees, and one that does not exist.
const WITHHELD: &str = "1.1.0";
const ABSENT: &str = "1.9.0";

const CONDITIONS: [&[(&str, &str)]; 4] =
    [&[], &[("if-none-match", "*")], &[("range", "bytes=0-3")], &[("accept-encoding", "br")]];

/// Where the version stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Pending,
    Rejected,
    Quarantined,
    PendingQuarantined,
    PendingRemoved,
    Removed,
}

/// A caller: what it is called, and its bearer token; empty for none.
struct Caller(&'static str, String);

struct Town {
    site: Site,
    callers: Vec<Caller>,
    digest: String,
}

impl Town {
    async fn new(access: ReadAccess, state: State) -> Self {
        let cached = CachedMetadata::builder(MemoryMetadata::new()).start();
        let scopes = [PACKAGE.parse::<aam_registry_core::types::PackageName>().expect("a name").scope().expect("one")];
        let policy = Policy::default()
            .with_read_access(access)
            .with_approval(ApprovalPolicy::Scopes(scopes.into_iter().collect()));
        let world = World::with(|builder, _, _| builder.policy(policy).database(cached.clone()));
        let site = Site::with(world, "", |builder| builder.freshness(cached.freshness()));
        let registry = &site.world.registry;
        let root = site.world.admin("root-of-all").await;
        for user in ["ada", "bob", "cat", "dan", "eve", "may", "mod", "tor"] {
            site.user(user).await;
        }
        let username = |name: &str| name.parse().expect("a name");
        for (user, role) in
            [("may", AccountRole::Approver), ("mod", AccountRole::Moderator), ("tor", AccountRole::Auditor)]
        {
            registry.set_role(&username(user), role, true).await.expect("granted");
        }
        let principal = async |user: &str| site.principal(&site.login(user).await).await;
        let (ada, bob, cat, eve) =
            (principal("ada").await, principal("bob").await, principal("cat").await, principal("eve").await);
        let (may, moderator) = (principal("may").await, principal("mod").await);
        let team = "team".parse().expect("a scope");
        registry.create_scope(&ada, &team).await.expect("a scope");
        for (member, role) in [("bob", ScopeRole::Member), ("cat", ScopeRole::Contributor)] {
            registry.set_member(&ada, &team, &username(member), role).await.expect("a member");
        }
        let (kit, one, two) = (name(PACKAGE), version("1.0.0"), version(WITHHELD));
        site.world.publish(&ada, archive(PACKAGE, "1.0.0")).await.expect("published");
        registry.decide_approval(&may, &kit, &one, ApprovalStatus::Approved, None).await.expect("approved");
        registry.add_owner(&ada, &kit, &username("dan")).await.expect("an owner");
        let receipt = site.world.publish(&cat, archive(PACKAGE, WITHHELD)).await.expect("published");
        assert_eq!((receipt.approval, &receipt.dist_tags[..]), (ApprovalStatus::Pending, &[][..]));
        let decide = async |status| {
            registry.decide_approval(&may, &kit, &two, status, None).await.expect("decided");
        };
        // An administrator, since a moderator sees no version that waits for approval.
        let quarantine = async || {
            let why = registry.quarantine(&root, &kit, &two, ModerationCategory::Malware, "it steals").await;
            why.expect("quarantined");
        };
        match state {
            State::Pending => {}
            State::Rejected => decide(ApprovalStatus::Rejected).await,
            State::Quarantined => {
                decide(ApprovalStatus::Approved).await;
                quarantine().await;
            }
            State::PendingQuarantined => quarantine().await,
            State::PendingRemoved | State::Removed => {
                if state == State::Removed {
                    decide(ApprovalStatus::Approved).await;
                }
                quarantine().await;
                registry.remove_version(&moderator, &kit, &two).await.expect("removed");
            }
        }
        let token = async |by: &Principal, packages: &[&str]| {
            let session = site.login(by.username.as_str()).await;
            let scopes = ["read", "publish", "yank", "tag", "admin"];
            let request = json!({"name": "ci", "scopes": scopes, "packages": packages});
            let made = site.send_json(Method::POST, "/api/v1/users/tokens", &session, &request).await;
            made.json()["token"].as_str().expect("a token").to_owned()
        };
        let mut callers = vec![
            Caller("nobody", String::new()),
            Caller("a stranger's token", token(&eve, &[]).await),
            Caller("a member's token of other packages", token(&bob, &["@team/other"]).await),
        ];
        for (who, user) in [
            ("a stranger", "eve"),
            ("a contributor", "cat"),
            ("a member", "bob"),
            ("an owner of the scope", "ada"),
            ("an owner of the package", "dan"),
            ("an approver", "may"),
            ("a moderator", "mod"),
            ("an auditor", "tor"),
            ("an administrator", "root-of-all"),
        ] {
            callers.push(Caller(who, site.login(user).await));
        }
        Self { site, callers, digest: receipt.sha256.to_string() }
    }

    /// Every operation about a version, and those that could tell of one in other ways.
    fn requests(&self, version: &str) -> Vec<(String, Method, String, Value)> {
        let mut all = Vec::new();
        for (pattern, item) in document()["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let id = operation["operationId"].as_str().expect("an id").to_owned();
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
                if pattern.contains("{version}") || id == "setTag" {
                    let path = pattern
                        .replace("{package}", PACKAGE)
                        .replace("{version}", version)
                        .replace("{tag}", "beta")
                        .replace("{path}", "aam.yaml")
                        .replace("{sha256}", &self.digest);
                    assert!(!path.contains('{'), "{pattern} has a parameter that this test does not know");
                    let body = if operation.get("requestBody").is_some() { body(&id, version) } else { Value::Null };
                    all.push((id, method, path, body));
                }
            }
        }
        let mut get = |path: String| all.push(("another way".to_owned(), Method::GET, path, Value::Null));
        for query in [
            format!("resolve?spec={version}"),
            format!("resolve?spec=%3D{version}"),
            format!("diff?from=1.0.0&to={version}"),
            format!("diff?from={version}&to=1.0.0"),
            format!("downloads?version={version}"),
            format!("versions?before={version}"),
            format!("{version}%2Bbuild"),
            format!("{version}%2Bbuild/download"),
        ] {
            get(format!("/api/v1/packages/{PACKAGE}/{query}"));
        }
        let resolve = json!({"dependencies": {PACKAGE: version}});
        all.push(("resolveTree".to_owned(), Method::POST, "/api/v1/resolve".to_owned(), resolve));
        all
    }

    async fn ask(&self, caller: &Caller, method: &Method, path: &str, body: &Value, headers: &[(&str, &str)]) -> Reply {
        let authorization = format!("Bearer {}", caller.1);
        let mut headers = headers.to_vec();
        if !caller.1.is_empty() {
            headers.push(("authorization", &authorization));
        }
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            headers.push(("content-type", "application/json"));
            body.to_string().into_bytes()
        };
        self.site.send(request(method.clone(), path, &headers, bytes)).await
    }

    /// Compares every answer about the one version with that about the other, for callers who may not see it.
    async fn compare(&self, state: State, seeing: &[&str]) -> usize {
        let mut compared = 0;
        let pairs = self.requests(WITHHELD).into_iter().zip(self.requests(ABSENT));
        for ((id, method, withheld, body), (_, _, absent, other)) in pairs {
            for caller in self.callers.iter().filter(|caller| !seeing.contains(&caller.0)) {
                let is_read = method == Method::GET;
                let asked = CONDITIONS[..if is_read { 4 } else { 1 }].iter().map(|headers| (*headers, &method));
                for (headers, method) in asked.chain(is_read.then_some((CONDITIONS[0], &Method::HEAD))) {
                    let about_withheld = told(&self.ask(caller, method, &withheld, &body, headers).await);
                    let about_absent = told(&self.ask(caller, method, &absent, &other, headers).await);
                    assert!(!about_withheld.0.is_success(), "{state:?}: {id} by {}: {about_withheld:?}", caller.0);
                    assert_eq!(about_withheld, about_absent, "{state:?}: {id} {headers:?} by {}", caller.0);
                    compared += 1;
                }
            }
        }
        compared
    }

    /// Asserts that what is about no single version names it to nobody who may not see it, and to all who may.
    async fn assert_named_to(&self, state: State, seeing: &[&str]) {
        for caller in &self.callers {
            for path in ["", "/versions", "/tags", "/resolve", "/resolve?spec=%5E1", "/resolve?spec=*"] {
                let path = format!("/api/v1/packages/{PACKAGE}{path}");
                let reply = self.ask(caller, &Method::GET, &path, &Value::Null, &[]).await;
                let is_list = path.ends_with("kit") || path.ends_with("versions");
                let is_named = is_list && seeing.contains(&caller.0);
                // Where only those with a credential read, a document that was made for all of them may be kept.
                let may_be_kept = is_named && self.site.world.registry.policy().read_access != ReadAccess::Everyone;
                if !may_be_kept {
                    assert_eq!(reply.text().contains(WITHHELD), is_named, "{state:?}: {path} by {}", caller.0);
                }
                if is_named {
                    assert!(reply.header("cache-control").starts_with("private"), "{path} by {}", caller.0);
                }
            }
            for path in ["/api/v1/packages", "/api/v1/packages?q=kit", "/api/v1/packages?scope=team", "/metrics", "/"] {
                let reply = self.ask(caller, &Method::GET, path, &Value::Null, &[]).await;
                assert!(!reply.text().contains(WITHHELD), "{state:?}: {path} by {}", caller.0);
            }
        }
    }

    /// The statuses of what the callers get of the version: of its document, of its archive, and of its README.
    async fn statuses(&self, caller: &Caller) -> [u16; 3] {
        let mut statuses = [0; 3];
        for (status, path) in statuses.iter_mut().zip(["", "/download", "/readme"]) {
            let path = format!("/api/v1/packages/{PACKAGE}/{WITHHELD}{path}");
            *status = self.ask(caller, &Method::GET, &path, &Value::Null, &[]).await.status.as_u16();
        }
        statuses
    }
}

/// What an operation is sent.
fn body(id: &str, version: &str) -> Value {
    match id {
        "setTag" => json!({"version": version}),
        "deprecateVersion" => json!({"message": "no"}),
        "quarantineVersion" => json!({"category": "malware", "reason": "no"}),
        _ => json!({}),
    }
}

/// All of an answer but the id of its request, with the one version in place of the other.
fn told(reply: &Reply) -> (StatusCode, Vec<(String, String)>, String) {
    let id = reply.header("x-request-id").to_owned();
    let same = |text: &str| text.replace(&id, "ID").replace(ABSENT, WITHHELD);
    let headers = reply.headers.iter().filter(|(name, _)| *name != "x-request-id");
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), same(&String::from_utf8_lossy(value.as_bytes())))).collect();
    headers.sort();
    (reply.status, headers, same(&String::from_utf8_lossy(&reply.body)))
}

const MEMBERS: [&str; 4] = ["a contributor", "a member", "an owner of the scope", "an owner of the package"];
const OWNERS: [&str; 2] = ["an owner of the scope", "an owner of the package"];

#[tokio::test]
async fn a_version_that_is_withheld_is_as_if_it_did_not_exist() {
    let of_approval: Vec<_> = MEMBERS.into_iter().chain(["an approver", "an auditor", "an administrator"]).collect();
    let of_quarantine: Vec<_> = OWNERS.into_iter().chain(["a moderator", "an auditor", "an administrator"]).collect();
    let of_both: Vec<_> = of_approval.iter().copied().chain(["a moderator"]).collect();
    let mut compared = 0;
    for access in [ReadAccess::Everyone, ReadAccess::Authenticated] {
        for (state, seeing) in [
            (State::Pending, &of_approval),
            (State::Rejected, &of_approval),
            (State::Quarantined, &of_quarantine),
            (State::PendingQuarantined, &of_quarantine),
            (State::PendingRemoved, &of_both),
        ] {
            let town = Town::new(access, state).await;
            let is_removed = state == State::PendingRemoved;
            for _ in 0..2 {
                compared += town.compare(state, seeing).await;
                // What they read is kept, where it is.
                town.assert_named_to(state, if is_removed { &[] } else { seeing }).await;
                for caller in &town.callers {
                    let quarantined = matches!(state, State::Quarantined | State::PendingQuarantined);
                    let expected = match caller.0 {
                        "nobody" if access == ReadAccess::Authenticated => [401, 401, 401],
                        who if !seeing.contains(&who) => [404, 404, 404],
                        _ if is_removed => [410, 410, 410],
                        who if quarantined && who != "a moderator" => [200, 403, 403],
                        _ => [200, 200, 200],
                    };
                    assert_eq!(town.statuses(caller).await, expected, "{state:?}: {}", caller.0);
                }
            }
        }
    }
    println!("{compared} pairs of answers compared");
}

#[tokio::test]
async fn a_version_that_everybody_could_see_and_was_removed_is_gone_for_everybody() {
    let town = Town::new(ReadAccess::Everyone, State::Removed).await;
    for caller in &town.callers {
        for path in ["", "/download", "/readme", "/files", "/files/aam.yaml", "/approvals"] {
            let path = format!("/api/v1/packages/{PACKAGE}/{WITHHELD}{path}");
            town.ask(caller, &Method::GET, &path, &Value::Null, &[]).await.assert_error(410, "version_gone");
        }
        let recalls = town.ask(caller, &Method::GET, "/api/v1/recalls", &Value::Null, &[]).await.json();
        let recall = &recalls["recalls"][0];
        assert_eq!((&recall["package"], &recall["version"]), (&json!(PACKAGE), &json!(WITHHELD)));
        assert_eq!((&recall["category"], &recall["lifted_at"]), (&json!("malware"), &Value::Null));
    }
    town.assert_named_to(State::Removed, &[]).await;
}
