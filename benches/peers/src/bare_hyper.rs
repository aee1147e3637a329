use std::{convert::Infallible, io, net::SocketAddr};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use crate::canned::Canned;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// Answers with hyper from memory, with a task for each connection and a thread for each processor.
#[tokio::main]
pub(crate) async fn serve(address: SocketAddr, canned: &Canned, protocol: Protocol) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let canned = canned.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |request: Request<Incoming>| {
                drop(request);
                let response = respond(&canned);
                async move { Ok::<_, Infallible>(response) }
            });
            let stream = TokioIo::new(stream);
            // The client notices errors on its connection.
            match protocol {
                Protocol::Http1 => http1::Builder::new().serve_connection(stream, answer).await.ok(),
                Protocol::Http2 => {
                    http2::Builder::new(TokioExecutor::new()).serve_connection(stream, answer).await.ok()
                }
            }
        });
    }
}

fn respond(canned: &Canned) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(canned.body.clone()));
    *response.status_mut() = canned.status;
    *response.headers_mut() = canned.headers.clone();
    response
}
