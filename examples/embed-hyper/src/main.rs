//! The registry mounted under `/registry` of a bare hyper server, beside the
//! server's own answers.
//!
//! Everything is stored in memory here; a real host uses the adapters of `aam-registry-backends`, or
//! its own.

use std::{convert::Infallible, error::Error, net::SocketAddr};

use aam_registry_core::{
    http::{PeerAddr, RegistryBody, RegistryService},
    memory::{InsecurePasswords, MemoryArchives, MemoryLimiter, MemoryMetadata, MemorySessions},
    registry::{BuildError, Registry},
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{net::TcpListener, signal};
use tower::ServiceExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let registry = registry()?;
    let service = mount(&registry)?;
    // Background jobs that belong to no request: storing download counts, ordering the audit log,
    // deleting abandoned uploads.
    let work = tokio::spawn(async move { registry.run_background(interrupt()).await });
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    eprintln!("the server is at http://{0}, its registry at http://{0}/registry", listener.local_addr()?);
    serve(listener, service, interrupt()).await;
    work.await?;
    Ok(())
}

async fn interrupt() {
    // Without a signal handler there is no graceful shutdown to wait for.
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

fn mount(registry: &Registry) -> Result<RegistryService, Box<dyn Error>> {
    Ok(RegistryService::builder(registry.clone()).prefix("/registry").build()?)
}

/// Accepts connections until `end`, and lets the running requests finish.
async fn serve(listener: TcpListener, registry: RegistryService, end: impl Future<Output = ()>) {
    let mut http = auto::Builder::new(TokioExecutor::new());
    // Without a timer hyper has no time-out for clients that send headers slowly.
    http.http1().timer(TokioTimer::new());
    http.http2().timer(TokioTimer::new());
    let connections = GracefulShutdown::new();
    let mut end = std::pin::pin!(end);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                // A connection that was closed before it was accepted is no reason to stop.
                Err(_) => continue,
            },
            () = &mut end => break,
        };
        let registry = registry.clone();
        let service = service_fn(move |request| answer(registry.clone(), peer, request));
        let connection = http.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = connections.watch(connection);
        // The client notices errors on its connection.
        tokio::spawn(async move { connection.await.ok() });
    }
    connections.shutdown().await;
}

/// Passes requests below `/registry` to the registry, and answers all others itself.
async fn answer(
    registry: RegistryService,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response<Either<RegistryBody, Full<Bytes>>>, Infallible> {
    let below = request.uri().path().strip_prefix("/registry");
    if !below.is_some_and(|path| path.is_empty() || path.starts_with('/')) {
        return Ok(host(&request).map(Either::Right));
    }
    // The address by which the registry limits requests.
    request.extensions_mut().insert(PeerAddr(peer));
    Ok(registry.oneshot(request).await?.map(Either::Left))
}

fn host<B>(request: &Request<B>) -> Response<Full<Bytes>> {
    if request.uri().path() == "/" {
        return Response::new(Full::from("The host's own page"));
    }
    let mut response = Response::new(Full::from("The host has no such page"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        sync::oneshot,
    };

    use super::*;

    /// The status line and the body of `GET path`.
    async fn get(address: SocketAddr, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(address).await.expect("connect");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("send");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("receive");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        (head.lines().next().expect("a status line").to_owned(), body.to_owned())
    }

    #[tokio::test]
    async fn the_host_and_its_registry_answer_side_by_side() {
        let registry = registry().expect("a registry");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (end, ended) = oneshot::channel::<()>();
        let serving = tokio::spawn(serve(listener, mount(&registry).expect("a service"), async {
            ended.await.ok();
        }));

        let (status, body) = get(address, "/").await;
        assert_eq!((status.as_str(), body.as_str()), ("HTTP/1.1 200 OK", "The host's own page"));
        let (status, body) = get(address, "/registry/health").await;
        assert_eq!(status, "HTTP/1.1 200 OK", "{body}");
        let (status, body) = get(address, "/registry/api/v1/packages").await;
        assert_eq!(status, "HTTP/1.1 200 OK", "{body}");
        assert!(body.contains(r#""total":0"#), "{body}");

        let (status, body) = get(address, "/registry/api/v1/packages/nothing").await;
        assert_eq!(status, "HTTP/1.1 404 Not Found");
        assert!(body.contains("package_not_found"), "{body}");
        for path in ["/api/v1/packages", "/registry-of-others"] {
            let (status, body) = get(address, path).await;
            assert_eq!((status.as_str(), body.as_str()), ("HTTP/1.1 404 Not Found", "The host has no such page"));
        }

        end.send(()).expect("the server still runs");
        serving.await.expect("a clean end");
    }
}
