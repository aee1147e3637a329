//! A private package and one that does not exist are the same to whoever may not see it, and so is a package with no
//! version that everybody sees: each operation of the OpenAPI document, which is made of the route table, is asked about
//! both, by each kind of caller, and the answers are compared byte for byte.

use std::{collections::BTreeSet, time::Duration};

use aam_registry_core::{
    decide::ReadAccess,
    decorate::CachedMetadata,
    memory::MemoryMetadata,
    registry::{ApprovalPolicy, Policy, ReportRequest},
    types::{Issuer, ModerationCategory, Principal, ScopeRole, Visibility},
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    reply::Reply,
    site::{Site, document, form, request},
};
use crate::registry::world::{AUDIENCE, World, archive, archive_with, name, version};

/// The private package, and one that does not exist, whose name is as long.
const SECRET: &str = "@team/secret";
const ABSENT: &str = "@team/absent";
/// Public packages of others that depend on the one and on the other.
const WANTS_SECRET: &str = "first-want";
const WANTS_ABSENT: &str = "other-want";

/// Operations that are about no package and list none.
const ABOUT_NO_PACKAGE: &[&str] = &[
    "changeAccount",
    "changeScope",
    "changeUser",
    "changeWebhook",
    "closeReport",
    "confirmTotp",
    "createInvitation",
    "createScope",
    "createToken",
    "createWebhook",
    "deleteAccount",
    "deleteUser",
    "deleteWebhook",
    "disableTotp",
    "docs",
    "endOtherSessions",
    "endSession",
    "enrollTotp",
    "getAccount",
    "getWebhook",
    "health",
    "healthOfCache",
    "healthOfDatabase",
    "healthOfStorage",
    "listInvitations",
    "listSessions",
    "listTokens",
    "listTokensOfUser",
    "listUsers",
    "login",
    "logout",
    "makeResetLink",
    "openapi",
    "pingWebhook",
    "ready",
    "redeliver",
    "register",
    "registerPage",
    "removeMember",
    "reportTokens",
    "requestEmailVerification",
    "requestPasswordReset",
    "confirmPasswordReset",
    "resetPasswordPage",
    "revokeInvitation",
    "revokeToken",
    "setMember",
    "setReadOnly",
    "verifyEmail",
    "verifyEmailPage",
];

/// Reads that list packages, or tell of the registry as a whole.
const LISTS: &[(&str, &str)] = &[
    ("searchPackages", "/api/v1/packages"),
    ("searchPackages", "/api/v1/packages?scope=team"),
    ("searchPackages", "/api/v1/packages?q=@team/*"),
    ("searchPackages", "/api/v1/packages?q=one&sort=downloads"),
    ("searchPackages", "/api/v1/packages?keyword=x"),
    ("getUser", "/api/v1/users/ada"),
    ("getUser", "/api/v1/users/dan"),
    ("getScope", "/api/v1/scopes/team"),
    ("listRecalls", "/api/v1/recalls"),
    ("listApprovals", "/api/v1/approvals"),
    ("listReports", "/api/v1/reports"),
    ("getAuditLog", "/api/v1/audit-log"),
    ("listWebhooks", "/api/v1/scopes/team/webhooks"),
    ("listDeliveries", "/api/v1/scopes/team/webhooks/0190d9f0-0000-7000-8000-000000000000/deliveries"),
    ("metrics", "/metrics"),
    ("limits", "/api/v1/limits"),
    ("root", "/"),
];

/// The id of nothing.
const NO_ID: &str = "0190d9f0-0000-7000-8000-000000000000";

/// The ways in which a read is asked: what a cache or a client may send with it.
const CONDITIONS: [&[(&str, &str)]; 4] =
    [&[], &[("if-none-match", "*")], &[("range", "bytes=0-3")], &[("accept-encoding", "br")]];

/// A request about one of the two packages.
struct Asked {
    operation: String,
    method: Method,
    path: String,
    content_type: &'static str,
    body: Vec<u8>,
}

/// Why not everybody sees the package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hidden {
    Private,
    /// Its only version waits for approval.
    Waiting,
    /// Its only version is in quarantine.
    Quarantined,
}

/// A caller: what it is called, and its bearer token; empty for none.
struct Caller(&'static str, String);

struct Town {
    site: Site,
    /// Callers who may not see the package.
    unseeing: Vec<Caller>,
    /// Callers who may.
    seeing: Vec<Caller>,
    owner: Principal,
    digest: String,
    is_recalled: bool,
}

impl Town {
    async fn new(access: ReadAccess) -> Self {
        Self::hiding(access, Hidden::Private).await
    }

    async fn hiding(access: ReadAccess, hidden: Hidden) -> Self {
        let cached = CachedMetadata::builder(MemoryMetadata::new()).start();
        let mut policy = Policy::default().with_read_access(access);
        if hidden == Hidden::Waiting {
            policy = policy.with_approval(ApprovalPolicy::Scopes(name(SECRET).scope().into_iter().collect()));
        }
        let world = World::with(|builder, _, _| builder.policy(policy).database(cached.clone()));
        let site = Site::with(world, "", |builder| builder.freshness(cached.freshness()));
        let registry = &site.world.registry;
        let root = site.world.admin("root-of-all").await;
        let mut sessions = Vec::new();
        for user in ["ada", "bob", "cat", "dan", "eve"] {
            sessions.push(site.user(user).await);
        }
        let [ada, bob, cat, dan, eve]: [String; 5] = sessions.try_into().expect("five");
        let owner = site.principal(&ada).await;
        let team = "team".parse().expect("a scope");
        registry.create_scope(&owner, &team).await.expect("a scope");
        for (member, role) in [("bob", ScopeRole::Member), ("cat", ScopeRole::Contributor)] {
            registry.set_member(&owner, &team, &member.parse().expect("a name"), role).await.expect("a member");
        }
        let is_private = if hidden == Hidden::Private { "private: true\n" } else { "" };
        let receipt = site.world.publish(&owner, archive_with(SECRET, "1.0.0", is_private)).await;
        let receipt = receipt.expect("published");
        if hidden == Hidden::Quarantined {
            let (package, version, why) = (name(SECRET), version("1.0.0"), ModerationCategory::Malware);
            registry.quarantine(&root, &package, &version, why, "it steals").await.expect("quarantined");
        }
        if hidden == Hidden::Private {
            // A version in quarantine, which is recalled, and a report.
            let withheld = archive_with(SECRET, "0.9.0", "private: true\n");
            site.world.publish(&owner, withheld).await.expect("published");
            let bad = "0.9.0".parse().expect("a version");
            registry
                .quarantine(&root, &name(SECRET), &bad, ModerationCategory::Secret, "a key")
                .await
                .expect("withheld");
            let request = ReportRequest { version: None, category: ModerationCategory::Other, text: "odd".into() };
            registry.report(&owner, &name(SECRET), request).await.expect("reported");
        }
        registry.add_owner(&owner, &name(SECRET), &"dan".parse().expect("a name")).await.expect("an owner");
        let stranger = site.principal(&eve).await;
        for (wanting, wanted) in [(WANTS_SECRET, SECRET), (WANTS_ABSENT, ABSENT)] {
            let depends = format!("dependencies:\n  \"{wanted}\": \"*\"\n");
            site.world.publish(&stranger, archive_with(wanting, "1.0.0", &depends)).await.expect("published");
        }
        let scopes = ["read", "publish", "yank", "tag", "admin"];
        let token = async |by: &Principal, scopes: &[&str], packages: &[&str]| {
            let session = site.login(by.username.as_str()).await;
            let request = json!({"name": "ci", "scopes": scopes, "packages": packages});
            let made = site.send_json(Method::POST, "/api/v1/users/tokens", &session, &request).await;
            made.json()["token"].as_str().expect("a token").to_owned()
        };
        let member = site.principal(&bob).await;
        let unseeing = vec![
            Caller("nobody", String::new()),
            Caller("a stranger", eve),
            Caller("a stranger's token", token(&stranger, &scopes, &[]).await),
            Caller("a member's token of other packages", token(&member, &scopes, &["@team/other", "other-*"]).await),
            Caller("an owner's token of other packages", token(&owner, &scopes, &["@ada/*"]).await),
            Caller("an administrator's token that is none of one", token(&root, &["read"], &[]).await),
        ];
        let seeing = vec![
            Caller("a contributor", cat),
            Caller("a member", bob),
            Caller("an owner of the scope", ada),
            Caller("an owner of the package", dan),
            Caller("an administrator", site.login("root-of-all").await),
            Caller("a member's token of the package", token(&member, &["read"], &["@team/s*"]).await),
        ];
        let is_recalled = hidden == Hidden::Quarantined;
        Self { site, unseeing, seeing, owner, digest: receipt.sha256.to_string(), is_recalled }
    }

    /// Every operation about a package, and those that could tell of one in other ways.
    fn requests(&self, package: &str, wanting: &str) -> Vec<Asked> {
        let mut all = Vec::new();
        for (pattern, item) in document()["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let id = operation["operationId"].as_str().expect("an id").to_owned();
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
                if pattern.contains("{package}") || id == "publishPackage" || id == "resolveTree" {
                    let (content_type, body) = body(operation, &id, package);
                    let path = self.path(pattern, package);
                    all.push(Asked { operation: id, method, path, content_type, body });
                }
            }
        }
        let extra = |method, path: String, body: Value| Asked {
            operation: "another way".to_owned(),
            method,
            path,
            content_type: if body.is_null() { "" } else { "application/json" },
            body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
        };
        let get = |path: String| extra(Method::GET, path, Value::Null);
        let bare = package.rsplit_once('/').expect("a scope").1;
        let versions = ["2.0.0", "latest", "1.0.0%2Bx"];
        all.extend(versions.map(|version| get(format!("/api/v1/packages/{package}/{version}/download"))));
        for query in [format!("q={bare}"), format!("q={bare}x"), format!("q={}", &bare[..4]), format!("q={package}")] {
            all.push(get(format!("/api/v1/packages?{query}")));
        }
        all.push(get(format!("/api/v1/packages/{}", package.replace('@', "%40").replace('/', "%2F"))));
        all.push(get(format!("/api/v1/packages/{package}/resolve?spec=%5E1")));
        all.push(get(format!("/api/v1/packages/{package}/downloads?version=1.0.0")));
        all.push(get(format!("/api/v1/audit-log?package={package}")));
        all.push(get(format!("/badge/{package}/downloads.svg")));
        let id_token = json!({
            "iss": Issuer::GITHUB, "aud": AUDIENCE, "sub": "repo:acme/kit", "jti": "one", "exp": 4_000_000_000_u64,
            "iat": 1_700_000_000, "repository": "acme/kit", "repository_id": "1", "repository_owner_id": "7",
            "job_workflow_ref": "acme/kit/.github/workflows/publish.yml@refs/heads/main",
        });
        let swap = json!({"token": id_token.to_string(), "package": package});
        all.push(extra(Method::POST, "/api/v1/oidc/token".to_owned(), swap));
        let resolve = |dependencies: Value| {
            extra(Method::POST, "/api/v1/resolve".to_owned(), json!({"dependencies": dependencies}))
        };
        all.push(resolve(json!({wanting: "*"})));
        all.push(resolve(json!({wanting: "1.0.0", package: "1.0.0"})));
        all
    }

    fn path(&self, pattern: &str, package: &str) -> String {
        let query = if pattern.ends_with("/diff") { "?from=1.0.0&to=1.0.0" } else { "" };
        let path = pattern
            .replace("{package}", package)
            .replace("{version}", "1.0.0")
            .replace("{tag}", "latest")
            .replace("{username}", "ada")
            .replace("{path}", "aam.yaml")
            .replace("{metric}", "version")
            .replace("{id}", NO_ID)
            .replace("{sha256}", &self.digest);
        assert!(!path.contains('{'), "{pattern} has a parameter that this test does not know");
        path + query
    }

    async fn ask(&self, caller: &Caller, asked: &Asked, method: &Method, headers: &[(&str, &str)]) -> Reply {
        let authorization = format!("Bearer {}", caller.1);
        let mut headers = headers.to_vec();
        if !caller.1.is_empty() {
            headers.push(("authorization", &authorization));
        }
        if !asked.content_type.is_empty() {
            headers.push(("content-type", asked.content_type));
        }
        self.site.send(request(method.clone(), &asked.path, &headers, asked.body.clone())).await
    }

    /// Reads everything as each caller who may, several times and in several codings.
    async fn warm(&self) {
        for caller in &self.seeing {
            for asked in self.requests(SECRET, WANTS_SECRET).iter().filter(|asked| asked.method == Method::GET) {
                for headers in CONDITIONS.iter().chain(&CONDITIONS) {
                    self.ask(caller, asked, &Method::GET, headers).await;
                }
            }
        }
    }

    /// Compares every answer about the one package with that about the other; gives how many pairs it compared.
    async fn compare(&self, state: &str) -> usize {
        let mut compared = 0;
        let pairs = self.requests(SECRET, WANTS_SECRET).into_iter().zip(self.requests(ABSENT, WANTS_ABSENT));
        for (secret, absent) in pairs {
            for caller in &self.unseeing {
                let is_read = secret.method == Method::GET;
                let asked = CONDITIONS[..if is_read { 4 } else { 1 }].iter().map(|headers| (*headers, &secret.method));
                for (headers, method) in asked.chain(is_read.then_some((CONDITIONS[0], &Method::HEAD))) {
                    let about_secret = told(&self.ask(caller, &secret, method, headers).await);
                    let about_absent = told(&self.ask(caller, &absent, method, headers).await);
                    let (operation, who) = (&secret.operation, caller.0);
                    assert!(
                        !about_secret.0.is_success() || secret.path.starts_with("/api/v1/packages?"),
                        "{state}: {operation} by {who}: {about_secret:?}"
                    );
                    assert_eq!(about_secret, about_absent, "{state}: {operation} {headers:?} by {who}");
                    compared += 1;
                }
            }
        }
        compared
    }

    /// Asserts that what is about no package names it to nobody who may not see it.
    async fn assert_unnamed(&self, state: &str) {
        for caller in &self.unseeing {
            for (_, path) in LISTS {
                // A version that everybody could see is recalled in front of everybody.
                if self.is_recalled && path.starts_with("/api/v1/recalls") {
                    continue;
                }
                let asked = Asked {
                    operation: (*path).to_owned(),
                    method: Method::GET,
                    path: (*path).to_owned(),
                    content_type: "",
                    body: Vec::new(),
                };
                let reply = self.ask(caller, &asked, &Method::GET, &[]).await;
                assert!(!reply.text().contains("secret"), "{state}: {path} by {}: {}", caller.0, reply.text());
                if path.starts_with("/api/v1/packages") && reply.status == StatusCode::OK {
                    let (page, shown) = (reply.json(), |page: &Value| page["packages"].as_array().map(Vec::len));
                    assert_eq!(page["total"].as_u64(), shown(&page).map(|shown| shown as u64), "{path}");
                }
            }
        }
    }

    /// Asserts that whoever may see the package does, and that no cache may keep it for others.
    async fn assert_seen(&self) {
        let of_package = |page: &Value| page["packages"].as_array().expect("packages").clone();
        for Caller(who, token) in &self.seeing {
            let get = async |path: &str| self.site.act(Method::GET, path, token).await;
            for path in ["", "/versions", "/tags", "/owners", "/1.0.0", "/1.0.0/files", "/1.0.0/download", "/resolve"] {
                let reply = get(&format!("/api/v1/packages/{SECRET}{path}")).await;
                assert_eq!(reply.status, 200, "{path} by {who}");
                assert!(reply.header("cache-control").starts_with("private"), "{path} by {who}");
            }
            assert_eq!(get(&format!("/api/v1/packages/{SECRET}")).await.json()["visibility"], "private");
            let found = of_package(&get("/api/v1/packages?q=secret").await.json());
            assert_eq!(found.len(), 1, "{who}");
            assert_eq!(get("/api/v1/packages").await.json()["total"], 3, "{who}");
            assert!(get("/api/v1/users/dan").await.text().contains(SECRET), "{who}");
            assert!(get("/api/v1/scopes/team").await.text().contains(SECRET), "{who}");
            let wanted = json!({"dependencies": {WANTS_SECRET: "*"}});
            let resolved = self.site.send_json(Method::POST, "/api/v1/resolve", token, &wanted).await.json();
            assert_eq!(resolved["resolved"][SECRET]["version"], "1.0.0", "{who}");
        }
    }

    async fn set(&self, visibility: Visibility) {
        self.site.world.registry.set_visibility(&self.owner, &name(SECRET), visibility).await.expect("changed");
    }
}

/// What an operation is sent; a new one that takes a body needs a row here.
fn body(operation: &Value, id: &str, package: &str) -> (&'static str, Vec<u8>) {
    if operation.get("requestBody").is_none() {
        return ("", Vec::new());
    }
    let json = match id {
        "publishPackage" => {
            let archive = archive(package, "1.0.0");
            return ("multipart/form-data; boundary=edge", form(&[("archive", &archive)]));
        }
        "resolveTree" => json!({"dependencies": {package: "*"}}),
        "setTag" => json!({"version": "1.0.0"}),
        "deprecateVersion" => json!({"message": "no"}),
        "approveVersion" => json!({}),
        "quarantineVersion" => json!({"category": "malware", "reason": "no"}),
        "recordEval" => {
            json!({"eval_name": "quality", "status": "passed", "run_at": "2026-11-24T00:00:00Z"})
        }
        "setGates" => json!({"gates": {}}),
        "reportPackage" => json!({"category": "other", "text": "odd"}),
        "setVisibility" => json!({"visibility": "public"}),
        "addTrustedPublisher" => json!({"issuer": Issuer::GITHUB, "claims": {
            "repository": "acme/kit", "job_workflow_ref": "acme/kit/.github/workflows/publish.yml",
        }}),
        "changeTrustedPublishers" => json!({"trusted_publishing_only": false}),
        other => panic!("{other} takes a body that this test does not know"),
    };
    ("application/json", json.to_string().into_bytes())
}

/// All of an answer but the id of its request, with the one name in place of the other.
fn told(reply: &Reply) -> (StatusCode, Vec<(String, String)>, String) {
    let id = reply.header("x-request-id").to_owned();
    let same = |text: &str| {
        text.replace(&id, "ID").replace("absent", "secret").replace("abse", "secr").replace(WANTS_ABSENT, WANTS_SECRET)
    };
    let headers = reply.headers.iter().filter(|(name, _)| *name != "x-request-id");
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), same(&String::from_utf8_lossy(value.as_bytes())))).collect();
    headers.sort();
    (reply.status, headers, same(&String::from_utf8_lossy(&reply.body)))
}

/// A new operation is compared for a private package and a missing one if its path names a package. Any other one has
/// to be told of here.
#[tokio::test]
async fn every_operation_has_a_place_in_these_tests() {
    let town = Town::new(ReadAccess::Everyone).await;
    let compared: Vec<_> = town.requests(SECRET, WANTS_SECRET).into_iter().map(|asked| asked.operation).collect();
    let lists = || LISTS.iter().map(|(id, _)| *id);
    let mut all = Vec::new();
    for item in document()["paths"].as_object().expect("paths").values() {
        for operation in item.as_object().expect("operations").values() {
            all.push(operation["operationId"].as_str().expect("an id"));
        }
    }
    for id in &all {
        let is_compared = compared.iter().any(|operation| operation == id) || *id == "exchangeIdToken";
        assert!(
            is_compared || lists().any(|list| list == *id) || ABOUT_NO_PACKAGE.contains(id),
            "{id} has no place here"
        );
    }
    for id in lists().chain(ABOUT_NO_PACKAGE.iter().copied()) {
        assert!(all.contains(&id), "there is no {id}");
    }
}

#[tokio::test]
async fn a_private_package_is_as_if_it_did_not_exist() {
    let mut compared = 0;
    for access in [ReadAccess::Everyone, ReadAccess::Authenticated] {
        let town = Town::new(access).await;
        compared += town.compare("cold").await;
        town.assert_unnamed("cold").await;
        town.warm().await;
        compared += town.compare("warm").await;
        town.assert_unnamed("warm").await;
        town.assert_seen().await;
        // What was kept while everybody might see it.
        town.set(Visibility::Public).await;
        for caller in &town.unseeing {
            for asked in town.requests(SECRET, WANTS_SECRET).iter().filter(|asked| asked.method == Method::GET) {
                town.ask(caller, asked, &Method::GET, &[]).await;
            }
        }
        let shown = town.site.act(Method::GET, &format!("/api/v1/packages/{SECRET}"), &town.unseeing[1].1).await;
        assert_eq!(shown.status, 200, "it is public now");
        town.set(Visibility::Private).await;
        compared += town.compare("once public").await;
        town.assert_unnamed("once public").await;
        town.assert_seen().await;
        // When the figures of downloads are refreshed, what is kept is made anew.
        town.site.world.clock.advance(Duration::from_secs(61));
        town.site.world.registry.flush_downloads().await.expect("counted");
        compared += town.compare("counted").await;
        let (requests, callers) = (town.requests(SECRET, WANTS_SECRET), town.unseeing.len());
        let operations: BTreeSet<_> = requests.iter().map(|asked| &asked.operation).collect();
        let (operations, requests) = (operations.len(), requests.len());
        println!("{access:?}: {operations} operations in {requests} requests × {callers} callers × 4 states");
    }
    println!("{compared} pairs of answers compared");
}

#[tokio::test]
async fn a_package_with_no_version_that_everybody_sees_is_as_if_it_did_not_exist() {
    for hidden in [Hidden::Waiting, Hidden::Quarantined] {
        let town = Town::hiding(ReadAccess::Everyone, hidden).await;
        for state in ["cold", "warm"] {
            town.compare(&format!("{hidden:?}, {state}")).await;
            town.assert_unnamed(state).await;
            town.warm().await;
        }
    }
}

/// An administrator sees what is not theirs, and each answer that shows it is on record once.
#[tokio::test]
async fn what_an_administrator_reads_of_others_is_on_record() {
    let town = Town::new(ReadAccess::Everyone).await;
    let [.., Caller(_, ada), _, Caller(_, root), _] = &*town.seeing else { panic!("some see it") };
    let reads = async || {
        let log = town.site.act(Method::GET, &format!("/api/v1/packages/{SECRET}/audit-log?limit=200"), ada).await;
        let entries = log.json()["entries"].as_array().expect("entries").clone();
        let read = entries.into_iter().filter(|entry| entry["event"] == "admin.read");
        read.map(|entry| entry["actor"].clone()).collect::<Vec<_>>()
    };
    let paths = ["", "/1.0.0", "/resolve?spec=%5E1", "/1.0.0/download", "/diff?from=1.0.0&to=1.0.0"];
    for path in paths {
        for token in [ada, root] {
            let reply = town.site.act(Method::GET, &format!("/api/v1/packages/{SECRET}{path}"), token).await;
            assert_eq!(reply.status, 200, "{path}");
        }
    }
    assert_eq!(reads().await, ["root-of-all"; 5]);
    town.set(Visibility::Public).await;
    for path in paths {
        town.site.act(Method::GET, &format!("/api/v1/packages/{SECRET}{path}"), root).await;
    }
    assert_eq!(reads().await.len(), 5, "everybody reads what is public");
}
