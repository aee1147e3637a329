//! The registry mounted under `/registry` of an axum application, beside the
//! application's own routes.
//!
//! Everything is kept in memory here; a real host takes the adapters of
//! `aam-registry-backends`, or its own.

use std::{error::Error, net::SocketAddr};

use aam_registry_core::{
    http::{PeerAddr, RegistryService},
    memory::{InsecurePasswords, MemoryArchives, MemoryLimiter, MemoryMetadata, MemorySessions},
    registry::{BuildError, Registry},
};
use axum::{
    Router,
    extract::{ConnectInfo, Request},
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};
use tokio::{net::TcpListener, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let registry = registry()?;
    let app = app(&registry)?.into_make_service_with_connect_info::<SocketAddr>();
    // Download counts, audit order and the sweep of dead uploads are nobody's request.
    let work = tokio::spawn(async move { registry.run_background(interrupt()).await });
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    eprintln!("the application is at http://{0}, its registry at http://{0}/registry", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(interrupt()).await?;
    work.await?;
    Ok(())
}

async fn interrupt() {
    // Without a signal handler there is no graceful end to wait for.
    signal::ctrl_c().await.ok();
}

fn registry() -> Result<Registry, BuildError> {
    Registry::builder()
        .database(MemoryMetadata::new())
        .archives(MemoryArchives::new())
        .rate_limiter(MemoryLimiter::unlimited())
        .passwords(InsecurePasswords)
        .sessions(MemorySessions::new())
        .build()
}

/// The host's routes and, below one of them, the registry.
fn app(registry: &Registry) -> Result<Router, Box<dyn Error>> {
    let registry = RegistryService::builder(registry.clone()).prefix("/registry").build()?;
    // Not `nest_service`: that takes the prefix off, which the registry matches itself, for its links hold it.
    let mounted = Router::new()
        .route_service("/registry", registry.clone())
        .route_service("/registry/{*path}", registry)
        .layer(from_fn(name_peer));
    Ok(Router::new().route("/", get(|| async { "The host's own page" })).merge(mounted))
}

/// Tells the registry whom to limit, by the address that axum knows.
async fn name_peer(mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() {
        request.extensions_mut().insert(PeerAddr(peer));
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Method, StatusCode, header};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn send(app: &Router, method: Method, path: &str, body: &'static str) -> (StatusCode, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .expect("a request");
        let response = app.clone().oneshot(request).await.expect("infallible");
        let status = response.status();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn the_host_and_its_registry_answer_side_by_side() {
        let app = app(&registry().expect("a registry")).expect("an app");

        let host = send(&app, Method::GET, "/", "").await;
        assert_eq!(host, (StatusCode::OK, "The host's own page".to_owned()));

        let (status, body) = send(&app, Method::GET, "/registry/health", "").await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let (status, body) = send(&app, Method::GET, "/registry/api/v1/packages", "").await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert!(body.contains(r#""total":0"#), "{body}");

        let ada = r#"{"username": "ada", "email": "ada@example.com", "password": "a long enough passphrase of mine"}"#;
        let (status, body) = send(&app, Method::POST, "/registry/api/v1/users/register", ada).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
    }

    #[tokio::test]
    async fn each_answers_what_is_not_there_in_its_own_way() {
        let app = app(&registry().expect("a registry")).expect("an app");
        let (status, body) = send(&app, Method::GET, "/registry/api/v1/packages/nothing", "").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(body.contains("package_not_found"), "{body}");
        let (status, body) = send(&app, Method::GET, "/api/v1/packages", "").await;
        assert_eq!((status, body.as_str()), (StatusCode::NOT_FOUND, ""), "outside of the prefix it is the host's");
        let (status, body) = send(&app, Method::GET, "/registry-of-others", "").await;
        assert_eq!((status, body.as_str()), (StatusCode::NOT_FOUND, ""));
    }
}
