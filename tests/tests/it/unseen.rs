//! A private package and one that does not exist are the same to whoever may not see it: each operation
//! of the server's OpenAPI document, which is made of its route table, is asked about both, by each kind
//! of caller, before and after every cache was warmed, and the answers are compared byte for byte.

use aam_registry_tests::{Answer, Api, Package, Server, eventually, report};
use reqwest::{Method, multipart};
use serde_json::{Value, json};

/// The private package, and one that does not exist, whose name is as long.
const SECRET: &str = "@team/secret";
const ABSENT: &str = "@team/absent";
/// Public packages of others that depend on the one and on the other.
const WANTS_SECRET: &str = "first-want";
const WANTS_ABSENT: &str = "other-want";

/// The ways in which a read is asked: what a cache or a client may send with it.
const CONDITIONS: [&[(&str, &str)]; 4] =
    [&[], &[("if-none-match", "*")], &[("range", "bytes=0-3")], &[("accept-encoding", "br")]];

/// What a request carries.
#[derive(Clone)]
enum Body {
    None,
    Json(Value),
    Archive(Vec<u8>),
}

/// A request about one of the two packages.
struct Asked {
    operation: String,
    method: Method,
    path: String,
    body: Body,
}

type Callers = Vec<(&'static str, Api)>;

struct Town {
    server: Server,
    document: Value,
    /// Callers who may not see the package, and callers who may.
    unseeing: Callers,
    seeing: Callers,
    owner: Api,
    digest: String,
}

async fn token(by: &Api, scopes: &[&str], packages: &[&str]) -> Api {
    let request = json!({"name": "ci", "scopes": scopes, "packages": packages});
    let made = by.post("/api/v1/users/tokens", &request).await.expect_status(201).json();
    by.with_token(made["token"].as_str().expect("a token"))
}

impl Town {
    async fn new(settings: &[(&str, &str)]) -> Self {
        // Each request would take something of the limit that the next one tells of.
        let settings = [settings, &[("RATE_LIMIT_CONTENTS", "0")]].concat();
        let server = Server::start_with(&settings).await;
        let document = server.anonymous().get("/api/openapi.json").await.expect_status(200).json();
        let root = server.user("root-of-all").await;
        server.run(&["user", "grant-role", "root-of-all", "admin"]).await.expect_code(0);
        let is_admin = async || (root.get("/api/v1/users/me").await.json()["is_admin"] == true).then_some(());
        eventually("the role of the administrator", is_admin).await;
        let (ada, bob, cat) = (server.user("ada").await, server.user("bob").await, server.user("cat").await);
        let (dan, eve) = (server.user("dan").await, server.user("eve").await);
        ada.post("/api/v1/scopes", &json!({"name": "team"})).await.expect_status(201);
        for (member, role) in [("bob", "member"), ("cat", "contributor")] {
            ada.put(&format!("/api/v1/scopes/team/members/{member}"), &json!({"role": role})).await.expect_status(200);
        }
        let first = Package::new(SECRET, "1.0.0").with("private", json!(true)).aam();
        let published = ada.publish(&first, &[]).await.expect_status(201).json();
        ada.put(&format!("/api/v1/packages/{SECRET}/owners/dan"), &json!({})).await.expect_status(200);
        for (wanting, wanted) in [(WANTS_SECRET, SECRET), (WANTS_ABSENT, ABSENT)] {
            let depends = Package::new(wanting, "1.0.0").with("dependencies", json!({wanted: "*"}));
            eve.publish(&depends.aam(), &[]).await.expect_status(201);
        }
        let scopes = ["read", "publish", "yank", "tag", "admin"];
        let unseeing = vec![
            ("nobody", server.anonymous()),
            ("a stranger's token", token(&eve, &scopes, &[]).await),
            ("a stranger", eve),
            ("a member's token of other packages", token(&bob, &scopes, &["@team/other", "other-*"]).await),
            ("an owner's token of other packages", token(&ada, &scopes, &["@ada/*"]).await),
            ("an administrator's token that is none of one", token(&root, &["read"], &[]).await),
        ];
        let seeing = vec![
            ("a member's token of the package", token(&bob, &["read"], &["@team/s*"]).await),
            ("a contributor", cat),
            ("a member", bob),
            ("an owner of the scope", ada.clone()),
            ("an owner of the package", dan),
            ("an administrator", root),
        ];
        let digest = published["checksum"]["sha256"].as_str().expect("a digest").to_owned();
        Self { server, document, unseeing, seeing, owner: ada, digest }
    }

    /// Every operation about a package, and those that could tell of one in other ways.
    fn requests(&self, package: &str, wanting: &str) -> Vec<Asked> {
        let mut all = Vec::new();
        for (pattern, item) in self.document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let id = operation["operationId"].as_str().expect("an id").to_owned();
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
                if pattern.contains("{package}") || id == "publishPackage" || id == "resolveTree" {
                    let (body, path) = (body(operation, &id, package), self.path(pattern, package));
                    all.push(Asked { operation: id, method, path, body });
                }
            }
        }
        let bare = package.rsplit_once('/').expect("a scope").1;
        let reads = [
            format!("/api/v1/packages/{package}/2.0.0/download"),
            format!("/api/v1/packages/{package}/latest/download"),
            format!("/api/v1/packages/{package}/1.0.0%2Bx/download"),
            format!("/api/v1/packages/{}", package.replace('@', "%40").replace('/', "%2F")),
            format!("/api/v1/packages/{package}/resolve?spec=%5E1"),
            format!("/api/v1/packages/{package}/downloads?version=1.0.0"),
            format!("/api/v1/packages?q={bare}"),
            format!("/api/v1/packages?q={bare}x"),
            format!("/api/v1/packages?q={}", &bare[..4]),
            format!("/api/v1/packages?q={package}"),
            format!("/api/v1/audit-log?package={package}"),
        ];
        let operation = || "another way".to_owned();
        all.extend(reads.map(|path| Asked { operation: operation(), method: Method::GET, path, body: Body::None }));
        for dependencies in [json!({wanting: "*"}), json!({wanting: "1.0.0", package: "1.0.0"})] {
            let body = Body::Json(json!({"dependencies": dependencies}));
            let path = "/api/v1/resolve".to_owned();
            all.push(Asked { operation: operation(), method: Method::POST, path, body });
        }
        all
    }

    fn path(&self, pattern: &str, package: &str) -> String {
        let query = if pattern.ends_with("/diff") { "?from=1.0.0&to=1.0.0" } else { "" };
        let path = pattern
            .replace("{package}", package)
            .replace("{version}", "1.0.0")
            .replace("{tag}", "latest")
            .replace("{metric}", "version")
            .replace("{username}", "ada")
            .replace("{path}", "aam.yaml")
            .replace("{metric}", "version")
            .replace("{sha256}", &self.digest)
            .replace("{id}", "0198c0de-0000-7000-8000-000000000000");
        assert!(!path.contains('{'), "{pattern} has a parameter that this test does not know");
        path + query
    }

    /// Reads everything as each of the callers, in several codings.
    async fn warm(&self, callers: &[(&str, Api)]) {
        for (_, api) in callers {
            for asked in self.requests(SECRET, WANTS_SECRET).iter().filter(|asked| asked.method == Method::GET) {
                for headers in CONDITIONS.iter().chain(&CONDITIONS) {
                    ask(api, asked, &Method::GET, headers).await;
                }
            }
        }
    }

    /// Compares every answer about the one package with that about the other; gives how many pairs it compared.
    async fn compare(&self, state: &str) -> usize {
        let mut compared = 0;
        let pairs = self.requests(SECRET, WANTS_SECRET).into_iter().zip(self.requests(ABSENT, WANTS_ABSENT));
        for (secret, absent) in pairs {
            let is_read = secret.method == Method::GET;
            for (who, api) in &self.unseeing {
                let asked = CONDITIONS[..if is_read { 4 } else { 1 }].iter().map(|headers| (*headers, &secret.method));
                for (headers, method) in asked.chain(is_read.then_some((CONDITIONS[0], &Method::HEAD))) {
                    let about_secret = told(&ask(api, &secret, method, headers).await);
                    let about_absent = told(&ask(api, &absent, method, headers).await);
                    let operation = &secret.operation;
                    assert_eq!(about_secret, about_absent, "{state}: {method} {operation} {headers:?} by {who}");
                    assert!(
                        about_secret.0 >= 400 || secret.path.starts_with("/api/v1/packages?"),
                        "{state}: {operation} by {who}: {about_secret:?}"
                    );
                    compared += 1;
                }
            }
        }
        compared
    }

    /// Asserts that what is about no package names it to nobody who may not see it, and counts it for nobody.
    async fn assert_unnamed(&self, state: &str) {
        let paths = [
            "/api/v1/packages",
            "/api/v1/packages?scope=team",
            "/api/v1/packages?q=@team/*",
            "/api/v1/packages?q=hello&sort=downloads",
            "/api/v1/users/ada",
            "/api/v1/users/dan",
            "/api/v1/scopes/team",
            "/metrics",
            "/api/v1/limits",
        ];
        for (who, api) in &self.unseeing {
            for path in paths {
                let answer = api.get(path).await;
                let text = String::from_utf8_lossy(&answer.body);
                assert!(!text.contains("secret"), "{state}: {path} by {who}: {text}");
                if path.starts_with("/api/v1/packages") && answer.status == 200 {
                    let page = answer.json();
                    let shown = page["packages"].as_array().expect("packages").len();
                    assert_eq!(page["total"], shown, "{path}");
                }
            }
        }
    }

    /// Asserts that whoever may see the package does, and that no cache may keep it for others.
    async fn assert_seen(&self) {
        for (who, api) in &self.seeing {
            for path in ["", "/versions", "/tags", "/owners", "/1.0.0", "/1.0.0/files", "/1.0.0/download", "/resolve"] {
                let answer = api.get(&format!("/api/v1/packages/{SECRET}{path}")).await.expect_status(200);
                assert!(answer.header("cache-control").starts_with("private"), "{path} by {who}");
            }
            let package = api.get(&format!("/api/v1/packages/{SECRET}")).await.json();
            assert_eq!(package["visibility"], "private", "{who}");
            assert_eq!(api.get("/api/v1/packages?q=secret").await.json()["total"], 1, "{who}");
            assert_eq!(api.get("/api/v1/packages").await.json()["total"], 3, "{who}");
            for path in ["/api/v1/users/dan", "/api/v1/scopes/team"] {
                let body = api.get(path).await.body;
                assert!(String::from_utf8_lossy(&body).contains(SECRET), "{path} by {who}");
            }
            let wanted = json!({"dependencies": {WANTS_SECRET: "*"}});
            let resolved = api.post("/api/v1/resolve", &wanted).await.expect_status(200).json();
            assert_eq!(resolved["resolved"][SECRET]["version"], "1.0.0", "{who}");
        }
    }

    async fn set(&self, visibility: &str) {
        let path = format!("/api/v1/packages/{SECRET}/visibility");
        self.owner.put(&path, &json!({"visibility": visibility})).await.expect_status(200);
    }
}

/// What an operation is sent; a new one that takes a body needs a row here.
fn body(operation: &Value, id: &str, package: &str) -> Body {
    if operation.get("requestBody").is_none() {
        return Body::None;
    }
    Body::Json(match id {
        "publishPackage" => return Body::Archive(Package::new(package, "1.0.0").aam()),
        "resolveTree" => json!({"dependencies": {package: "*"}}),
        "setTag" => json!({"version": "1.0.0"}),
        "deprecateVersion" => json!({"message": "no"}),
        "approveVersion" => json!({}),
        "quarantineVersion" => json!({"category": "malware", "reason": "no"}),
        "recordEval" => json!({"eval_name": "quality", "status": "passed", "run_at": "2026-11-24T00:00:00Z"}),
        "setGates" => json!({"gates": {}}),
        "reportPackage" => json!({"category": "other", "text": "odd"}),
        "addTrustedPublisher" => json!({"issuer": "https://token.actions.githubusercontent.com", "claims": {
            "repository": "acme/kit", "job_workflow_ref": "acme/kit/.github/workflows/publish.yml",
        }}),
        "changeTrustedPublishers" => json!({"trusted_publishing_only": false}),
        "setVisibility" => json!({"visibility": "public"}),
        other => panic!("{other} takes a body that this test does not know"),
    })
}

async fn ask(api: &Api, asked: &Asked, method: &Method, headers: &[(&str, &str)]) -> Answer {
    let mut request = api.request(method.clone(), &asked.path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request = match asked.body.clone() {
        Body::None => request,
        Body::Json(json) => request.header("content-type", "application/json").body(json.to_string()),
        Body::Archive(aam) => {
            let part = multipart::Part::bytes(aam).file_name("package.aam");
            request.multipart(multipart::Form::new().part("archive", part))
        }
    };
    Answer::of(request).await
}

/// All of an answer but the id of its request and the second in which it was sent, with the one name in place of the other.
fn told(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let id = answer.header("x-request-id").to_owned();
    let same = |text: &[u8]| {
        let text = String::from_utf8_lossy(text).replace(&id, "ID");
        text.replace("absent", "secret").replace("abse", "secr").replace(WANTS_ABSENT, WANTS_SECRET)
    };
    let headers = answer.headers.iter().filter(|(name, _)| *name != "x-request-id" && *name != "date");
    let mut headers: Vec<_> = headers.map(|(name, value)| (name.to_string(), same(value.as_bytes()))).collect();
    headers.sort();
    (answer.status, headers, same(&answer.body))
}

async fn compare_all(settings: &[(&str, &str)]) {
    let town = Town::new(settings).await;
    let mut compared = town.compare("cold").await;
    town.assert_unnamed("cold").await;
    town.warm(&town.seeing).await;
    compared += town.compare("warm").await;
    town.assert_unnamed("warm").await;
    town.assert_seen().await;
    // What was kept while everybody might see it.
    town.set("public").await;
    let path = format!("/api/v1/packages/{SECRET}");
    town.unseeing[1].1.get(&path).await.expect_status(200);
    town.warm(&town.unseeing).await;
    town.set("private").await;
    compared += town.compare("once public").await;
    town.assert_unnamed("once public").await;
    town.assert_seen().await;
    let (requests, callers) = (town.requests(SECRET, WANTS_SECRET).len(), town.unseeing.len());
    report(format!("{requests} requests × {callers} callers × 3 states: {compared} pairs of answers compared"));
    assert!(!town.server.log().is_empty());
}

#[tokio::test]
async fn a_private_package_is_as_if_it_did_not_exist() {
    compare_all(&[]).await;
}

#[tokio::test]
async fn a_private_package_is_as_if_it_did_not_exist_where_only_members_read() {
    compare_all(&[("READ_ACCESS", "authenticated")]).await;
}
