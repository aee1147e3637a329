//! The registry mounted under `/registry` of an axum application, beside the
//! application's own routes and with its own logins.
//!
//! Everything is stored in memory here; a real host uses the adapters of `aam-registry-backends`, or
//! its own.

mod sessions;

use std::{error::Error, net::SocketAddr, sync::Arc};

use aam_registry_core::{
    Result,
    http::{PeerAddr, RegistryService, RouteGroup},
    memory,
    registry::Registry,
};
use axum::{
    Router,
    extract::{ConnectInfo, Path, Request, State},
    http::{StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::{net::TcpListener, signal};

use crate::sessions::Sessions;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let registry = memory::registry().build()?;
    let app = app(&registry)?.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(tell_events(registry.clone()));
    // Background jobs that belong to no request: storing download counts, ordering the audit log,
    // deleting abandoned uploads.
    let work = tokio::spawn(async move { registry.run_background(interrupt()).await });
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    eprintln!("the application is at http://{0}, its registry at http://{0}/registry", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(interrupt()).await?;
    work.await?;
    Ok(())
}

async fn interrupt() {
    // Without a signal handler there is no graceful shutdown to wait for.
    signal::ctrl_c().await.ok();
}

/// Prints the events of the registry.
async fn tell_events(registry: Registry) -> Result<()> {
    let mut events = registry.events().await?;
    loop {
        let entry = events.next().await?.entry;
        eprintln!("{} by {}", entry.event.as_str(), entry.actor.as_deref().unwrap_or("nobody known"));
    }
}

/// The host's routes and, below one of them, the registry.
fn app(registry: &Registry) -> Result<Router, Box<dyn Error>> {
    let sessions = Arc::new(Sessions::new(registry.clone()));
    let registry = RegistryService::builder(registry.clone())
        .prefix("/registry")
        // The registry's API tokens are accepted too, for its command-line client.
        .authenticate_first(Arc::clone(&sessions))
        .without([RouteGroup::Registration, RouteGroup::Login])
        .build()?;
    // Not `nest_service`: it strips the prefix, which the registry expects, because its links contain
    // it.
    let mounted = Router::new()
        .route_service("/registry", registry.clone())
        .route_service("/registry/", registry.clone())
        .route_service("/registry/{*path}", registry)
        .layer(from_fn(name_peer));
    let own = Router::new()
        .route("/", get(|| async { "The host's own page" }))
        .route("/login/{name}", post(log_in))
        .with_state(sessions);
    Ok(own.merge(mounted))
}

async fn log_in(State(sessions): State<Arc<Sessions>>, Path(name): Path<String>, password: String) -> Response {
    match sessions.log_in(&name, &password).await {
        Ok(Some(cookie)) => [(header::SET_COOKIE, cookie)].into_response(),
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Gives the registry the client's address, by which it limits requests.
async fn name_peer(mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() {
        request.extensions_mut().insert(PeerAddr(peer));
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    fn host() -> (Registry, Router) {
        let registry = memory::registry().build().expect("a registry");
        let app = app(&registry).expect("an app");
        (registry, app)
    }

    async fn send(app: &Router, request: axum::http::request::Builder, body: &'static str) -> (StatusCode, String) {
        let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body));
        let response = app.clone().oneshot(request.expect("a request")).await.expect("infallible");
        let (status, cookie) = (response.status(), response.headers().get(header::SET_COOKIE).cloned());
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        let body = String::from_utf8(body.to_vec()).expect("text");
        (status, cookie.map_or(body, |cookie| cookie.to_str().expect("text").to_owned()))
    }

    /// Logs in to the application; returns the cookie that a browser sends from then on.
    async fn log_in(app: &Router) -> String {
        let (status, cookie) = send(app, Request::post("/login/ada"), "the password of ada").await;
        assert_eq!(status, StatusCode::OK, "{cookie}");
        cookie.split(';').next().expect("a cookie").to_owned()
    }

    #[tokio::test]
    async fn the_host_and_its_registry_answer_side_by_side() {
        let (_, app) = host();
        assert_eq!(send(&app, Request::get("/"), "").await, (StatusCode::OK, "The host's own page".to_owned()));
        for path in ["/registry", "/registry/", "/registry/health", "/registry/api/v1/packages"] {
            let (status, body) = send(&app, Request::get(path), "").await;
            assert_eq!(status, StatusCode::OK, "{path}: {body}");
        }
    }

    #[tokio::test]
    async fn the_hosts_session_is_the_registrys() {
        let (registry, app) = host();
        let cookie = log_in(&app).await;
        let me = || Request::get("/registry/api/v1/users/me");
        let (status, body) = send(&app, me().header(header::COOKIE, &cookie), "").await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert!(body.contains(r#""username":"ada""#), "{body}");
        let scope = Request::post("/registry/api/v1/scopes").header(header::COOKIE, &cookie);
        assert_eq!(send(&app, scope, r#"{"name":"team"}"#).await.0, StatusCode::CREATED);
        assert_eq!(send(&app, me(), "").await.0, StatusCode::UNAUTHORIZED, "no cookie is anonymous");
        let forged = me().header(header::COOKIE, "host_session=forged");
        assert_eq!(send(&app, forged, "").await.0, StatusCode::UNAUTHORIZED);
        let on_a_public_path = Request::get("/registry/api/v1/packages").header(header::COOKIE, "host_session=forged");
        assert_eq!(send(&app, on_a_public_path, "").await.0, StatusCode::UNAUTHORIZED, "never a silent anonymous");
        let first = log_in(&app).await;
        assert_ne!(first, cookie, "another session of the same user");
        registry.sequence_audit().await.expect("sequenced");
        let mut events = registry.events_after(0);
        let made = events.next().await.expect("an event").entry;
        assert_eq!((made.event.as_str(), made.actor.as_deref()), ("user.register", Some("the application")));
        assert_eq!(events.next().await.expect("an event").entry.event.as_str(), "scope.create");
    }

    #[tokio::test]
    async fn an_api_token_made_in_a_session_counts_without_one() {
        let (_, app) = host();
        let cookie = log_in(&app).await;
        let create = Request::post("/registry/api/v1/users/tokens").header(header::COOKIE, &cookie);
        let (status, body) = send(&app, create, r#"{"name":"ci","scopes":["read"]}"#).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        let token = body.split('"').find(|part| part.starts_with("aam_")).expect("a token");
        let me = Request::get("/registry/api/v1/users/me").header(header::AUTHORIZATION, format!("Bearer {token}"));
        assert_eq!(send(&app, me, "").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn the_hosts_session_ends_at_the_host() {
        let (_, app) = host();
        let cookie = log_in(&app).await;
        let logout = Request::post("/registry/api/v1/users/logout").header(header::COOKIE, &cookie);
        assert_eq!(send(&app, logout, "").await.0, StatusCode::METHOD_NOT_ALLOWED, "that route was left out");
        let me = Request::get("/registry/api/v1/users/me").header(header::COOKIE, &cookie);
        assert_eq!(send(&app, me, "").await.0, StatusCode::OK);
        let login = Request::post("/registry/api/v1/users/login");
        assert_eq!(send(&app, login, r#"{"username":"ada","password":"x"}"#).await.0, StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test]
    async fn each_answers_what_is_not_there_in_its_own_way() {
        let (_, app) = host();
        let (status, body) = send(&app, Request::get("/registry/api/v1/packages/nothing"), "").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(body.contains("package_not_found"), "{body}");
        for outside in ["/api/v1/packages", "/registry-of-others"] {
            let (status, body) = send(&app, Request::get(outside), "").await;
            assert_eq!((status, body.as_str()), (StatusCode::NOT_FOUND, ""), "outside of the prefix it is the host's");
        }
    }
}
