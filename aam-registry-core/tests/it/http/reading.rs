//! Who may read, and what is kept of what was read.

use aam_registry_core::{
    Result,
    decide::{Audience, ReadAccess},
    decorate::{CachedMetadata, CdnArchives},
    http::RegistryService,
    memory::MemoryMetadata,
    registry::Policy,
    types::{Principal, TokenScopes, User, Viewer},
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    reply::Reply,
    site::{Site, document, request},
};
use crate::registry::world::{World, archive, name, version};

/// The operations that answer whoever asks, and why.
const OPEN: &[(&str, &str)] = &[
    ("health", "balancers ask it"),
    ("healthOfDatabase", "monitoring asks it"),
    ("healthOfStorage", "monitoring asks it"),
    ("healthOfCache", "monitoring asks it"),
    ("ready", "balancers ask it"),
    ("metrics", "monitoring asks it"),
    ("openapi", "it says how to log in"),
    ("docs", "it says how to log in"),
    ("limits", "clients ask it before they log in"),
    ("register", "whoever registers has no account yet"),
    ("login", "whoever logs in has no credential yet"),
    ("requestPasswordReset", "whoever has forgotten the password cannot log in"),
    ("confirmPasswordReset", "whoever has forgotten the password cannot log in"),
    ("exchangeIdToken", "the ID token is the credential"),
    ("verifyEmail", "the token of a mail is the credential"),
    ("registerPage", "whoever is invited has no account yet"),
    ("reportTokens", "a scanner that has found a token has no account"),
    ("verifyEmailPage", "it is opened from a mail"),
    ("resetPasswordPage", "whoever has forgotten the password cannot log in"),
];

/// A site of a registry that answers only callers it knows, with `greet-kit`
/// 1.0.0 of ada's, and her bearer token.
async fn closed() -> (Site, String) {
    let policy = Policy::default().with_read_access(ReadAccess::Authenticated);
    let cached = CachedMetadata::builder(MemoryMetadata::new()).start();
    let world = World::with(|builder, _, _| builder.policy(policy).database(cached.clone()));
    filled(Site::with(world, "", |builder| builder.freshness(cached.freshness()))).await
}

async fn filled(site: Site) -> (Site, String) {
    let token = site.user("ada").await;
    let by = site.principal(&token).await;
    site.world.publish(&by, archive("greet-kit", "1.0.0")).await.expect("published");
    (site, token)
}

/// Every operation of the document: its id, its method and a path of something that exists.
pub(super) fn operations() -> Vec<(String, Method, String)> {
    let paths = document()["paths"].as_object().expect("paths");
    let mut all = Vec::new();
    for (pattern, item) in paths {
        for (method, operation) in item.as_object().expect("operations") {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            let id = operation["operationId"].as_str().expect("an id").to_owned();
            all.push((id, method, existing(pattern)));
        }
    }
    all
}

fn existing(pattern: &str) -> String {
    let query = if pattern.ends_with("/diff") { "?from=1.0.0&to=1.0.0" } else { "" };
    let path = pattern
        .replace("{package}", "greet-kit")
        .replace("{version}", "1.0.0")
        .replace("{tag}", "latest")
        .replace("{scope}", "ada")
        .replace("{username}", "ada")
        .replace("{path}", "aam.yaml")
        .replace("{metric}", "version")
        .replace("{sha256}", &"0".repeat(64))
        .replace("{id}", "0190d9f0-0000-7000-8000-000000000000")
        .replace("{delivery}", "0190d9f0-0000-7000-8000-000000000000");
    path + query
}

fn missing(path: &str) -> String {
    path.replace("greet-kit", "no-such-kit").replace("ada", "nobody")
}

/// All of an answer but the id of its request.
fn told(reply: &Reply) -> (StatusCode, Vec<(String, Vec<u8>)>, String) {
    let id = reply.header("x-request-id").to_owned();
    let mut headers: Vec<_> = reply
        .headers
        .iter()
        .filter(|(name, _)| *name != "x-request-id")
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    headers.sort();
    (reply.status, headers, String::from_utf8_lossy(&reply.body).replace(&id, "ID"))
}

fn is_private(reply: &Reply) -> bool {
    let kept = reply.header("cache-control");
    kept.split(',').any(|word| word.trim() == "private") && !kept.contains("public")
}

#[tokio::test]
async fn every_route_but_the_open_ones_refuses_whoever_is_not_known() {
    let (site, _) = closed().await;
    let mut open = Vec::new();
    for (id, method, path) in operations() {
        let reply = site.send(request(method.clone(), &path, &[], "")).await;
        assert!(is_private(&reply), "{method} {path}: {:?}", reply.headers);
        if reply.status == StatusCode::UNAUTHORIZED {
            assert_eq!(reply.header("www-authenticate"), "Bearer", "{id}");
            assert_eq!(reply.json()["error"], "unauthorized", "{id}");
        } else {
            open.push(id);
        }
    }
    open.sort();
    let mut wanted: Vec<_> = OPEN.iter().map(|(id, _)| *id).collect();
    wanted.sort_unstable();
    assert_eq!(open, wanted);
}

#[tokio::test]
async fn what_exists_and_what_does_not_are_refused_alike() {
    let (site, _) = closed().await;
    let conditions: [&[(&str, &str)]; 4] =
        [&[], &[("if-none-match", "*")], &[("range", "bytes=0-3")], &[("accept-encoding", "br")]];
    for (id, method, path) in operations().into_iter().filter(|(id, _, _)| OPEN.iter().all(|(open, _)| open != id)) {
        for headers in conditions {
            let exists = site.send(request(method.clone(), &path, headers, "")).await;
            let other = site.send(request(method.clone(), &missing(&path), headers, "")).await;
            assert_eq!(exists.status, StatusCode::UNAUTHORIZED, "{id}");
            assert_eq!(told(&exists), told(&other), "{method} {path} {headers:?}");
            if method == Method::GET {
                let head = site.send(request(Method::HEAD, &path, headers, "")).await;
                assert_eq!(head.status, StatusCode::UNAUTHORIZED, "HEAD {path}");
            }
        }
    }
    for (path, other) in [("/api/v1/packages/greet-kit", "/api/v1/packages/Not%20a%20name"), ("/", "/?x=1")] {
        assert_eq!(told(&site.get(path).await), told(&site.get(other).await), "{other}");
    }
}

#[tokio::test]
async fn what_members_read_is_not_kept_for_others() {
    let (site, token) = closed().await;
    let bearer = format!("Bearer {token}");
    let read = |headers: &[(&'static str, &'static str)], path: &str, method: Method, known: bool| {
        let mut headers = headers.to_vec();
        let bearer = known.then_some(("authorization", bearer.as_str()));
        headers.retain(|(name, _)| *name != "authorization");
        let headers: Vec<(&str, &str)> = headers.into_iter().chain(bearer).collect();
        request(method, path, &headers, "")
    };
    let reads = operations().into_iter().filter(|(id, method, _)| {
        *method == Method::GET
            && OPEN.iter().all(|(open, _)| open != id)
            && !id.ends_with("AuditLog")
            && !["listApprovals", "listReports", "listInvitations", "listUsers", "listTokensOfUser"]
                .contains(&id.as_str())
    });
    for (id, _, path) in reads {
        for _ in 0..3 {
            let warm = site.send(read(&[], &path, Method::GET, true)).await;
            let missing =
                ["downloadArchiveByDigest", "getReadme", "getWebhook", "listDeliveries"].contains(&id.as_str());
            assert!(warm.status.is_success() || missing, "{id}: {}", warm.status);
            assert!(is_private(&warm), "{id}: {:?}", warm.headers);
            for coding in ["gzip", "br", "zstd"] {
                site.send(read(&[("accept-encoding", coding)], &path, Method::GET, true)).await;
            }
        }
        for method in [Method::GET, Method::HEAD] {
            for headers in [&[][..], &[("accept-encoding", "br")], &[("if-none-match", "*")], &[("range", "bytes=0-1")]]
            {
                let reply = site.send(read(headers, &path, method.clone(), false)).await;
                assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{method} {path} {headers:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_member_is_answered_with_what_was_kept_for_members() {
    let (site, token) = closed().await;
    let bearer = format!("Bearer {token}");
    let read = async |path: &str| site.get_with(path, &[("authorization", &bearer)]).await;
    for path in ["/api/v1/packages/greet-kit", "/api/v1/packages/greet-kit/1.0.0/download"] {
        let (first, second) = (read(path).await, read(path).await);
        assert_eq!(first.status, StatusCode::OK);
        assert_eq!(told(&first), told(&second), "{path}");
        assert_eq!(first.header("cache-control"), "private, max-age=0, must-revalidate", "{path}");
        let etag = first.header("etag").to_owned();
        let unchanged = site.get_with(path, &[("authorization", &bearer), ("if-none-match", &etag)]).await;
        assert_eq!(unchanged.status, StatusCode::NOT_MODIFIED, "{path}");
        assert!(is_private(&unchanged), "{path}");
    }
    // A credential that ended reads nothing of it.
    let ended = site.act(Method::POST, "/api/v1/users/logout", &token).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    for path in ["/api/v1/packages/greet-kit", "/api/v1/packages/greet-kit/1.0.0/download"] {
        assert_eq!(read(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn any_token_reads_and_use_cases_ask_the_same_gate() -> Result<()> {
    let (site, token) = closed().await;
    let by = site.principal(&token).await;
    let reader = site.world.token(&by, &["read"], &[]).await;
    let registry = &site.world.registry;
    let (kit, one) = (name("greet-kit"), version("1.0.0"));
    registry.view(&Viewer::from(reader))?.locate(&kit, &one).await?;
    assert_eq!(registry.view(&Viewer::Anonymous).expect_err("refused").code().status(), 401);
    Ok(())
}

#[tokio::test]
async fn behind_the_login_of_a_host_nothing_is_for_shared_caches() {
    let world = World::new();
    let (site, token) = filled(Site::with(world, "", |builder| builder.read_access(ReadAccess::BehindLogin))).await;
    for (id, method, path) in operations().into_iter().filter(|(_, method, _)| *method == Method::GET) {
        let reply = site.send(request(method, &path, &[], "")).await;
        assert!(is_private(&reply), "{id}: {:?}", reply.headers);
        let known = site.get_with(&path, &[("authorization", &format!("Bearer {token}"))]).await;
        assert!(is_private(&known), "{id}: {:?}", known.headers);
    }
    assert_eq!(site.get("/api/v1/packages/greet-kit").await.status, StatusCode::OK, "the host has let it through");
}

#[tokio::test]
async fn a_service_lets_no_more_read_than_its_registry() {
    let policy = Policy::default().with_read_access(ReadAccess::Authenticated);
    let site = Site::with(World::with_policy(policy), "", |builder| builder.read_access(ReadAccess::Everyone));
    assert_eq!(site.get("/api/v1/packages").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_cdn_is_for_what_everybody_may_read() {
    for (access, status) in [(ReadAccess::Everyone, 302), (ReadAccess::Authenticated, 200)] {
        let world = World::with(|builder, _, archives| {
            let cdn = CdnArchives::new(archives.clone(), "https://cdn.example.com").expect("an address");
            builder.archives(cdn).policy(Policy::default().with_read_access(access))
        });
        let (site, token) = filled(Site::of(world)).await;
        let reply = site.act(Method::GET, "/api/v1/packages/greet-kit/1.0.0/download", &token).await;
        assert_eq!(reply.status.as_u16(), status, "{access:?}");
    }
}

#[tokio::test]
async fn a_browser_may_ask_first_what_it_may_ask() {
    let policy = Policy::default().with_read_access(ReadAccess::Authenticated);
    let site = Site::with(World::with_policy(policy), "", |builder| builder.cors(["https://app.example.com"]));
    let asked = [
        ("origin", "https://app.example.com"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    let path = "/api/v1/packages/greet-kit";
    let preflight = site.respond(request(Method::OPTIONS, path, &asked, "")).await;
    assert_eq!(preflight.status(), StatusCode::OK);
    let refused = site.get_with(path, &asked[..1]).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.header("access-control-allow-origin"), "https://app.example.com");
}

#[tokio::test]
async fn the_document_says_which_routes_need_a_credential() {
    let policy = Policy::default().with_read_access(ReadAccess::Authenticated);
    let Ok(response) = tower::ServiceExt::oneshot(
        RegistryService::new(World::with_policy(policy).registry),
        request(Method::GET, "/api/openapi.json", &[], ""),
    )
    .await;
    let described: Value = Reply::of(response).await.json();
    let about = described["info"]["description"].as_str().expect("a description");
    assert!(about.starts_with("This registry answers only callers that it knows."), "{about}");
    assert!(!about.contains("{{") && !about.contains("public, max-age"), "{about}");
    for item in described["paths"].as_object().expect("paths").values() {
        for operation in item.as_object().expect("operations").values() {
            let id = operation["operationId"].as_str().expect("an id");
            let needs = operation["security"] == json!([{"bearer": []}]);
            assert_eq!(needs, OPEN.iter().all(|(open, _)| *open != id), "{id}");
        }
    }
}

/// A host makes principals of its own users, who read as those with a credential do.
#[tokio::test]
async fn a_user_of_the_host_may_read() {
    let (site, _) = closed().await;
    let user: User = site.world.registry.find_user(&"ada".parse().expect("a name")).await.expect("read").expect("ada");
    let by = Principal { scopes: TokenScopes::from_iter([]), ..Principal::of_host(&user) };
    let viewer = Viewer::from(by);
    let view = site.world.registry.view(&viewer).expect("may read");
    assert_eq!(view.audience(), Audience::Members);
}
