use std::{
    convert::Infallible,
    io,
    net::Ipv4Addr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Either, Full};
use hyper::{
    body::{Body, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use s3s::{
    S3Result,
    access::{S3Access, S3AccessContext},
    auth::SimpleAuth,
    service::{S3Service, S3ServiceBuilder},
};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;

/// The credentials of the object store.
pub(super) const ACCESS_KEY: &str = "a-benchmark";
pub(super) const SECRET_KEY: &str = "its-secret-key";
/// The path that returns how many bytes of objects were sent; no bucket can have this name.
pub(super) const SENT: &str = "/_sent";

/// Serves S3 from a folder on a port of the loopback interface, and counts the bytes sent.
#[derive(Debug, clap::Args)]
pub(crate) struct ObjectServer {
    /// The port of 127.0.0.1 to listen on
    #[arg(long)]
    pub(super) port: u16,
    /// The folder of the buckets
    #[arg(long)]
    pub(super) root: PathBuf,
}

/// Allows anonymous reads, as for a public bucket, so that it can be accessed directly.
struct Public;

#[async_trait::async_trait]
impl S3Access for Public {
    async fn check(&self, _: &mut S3AccessContext<'_>) -> S3Result<()> {
        Ok(())
    }
}

/// Serves until the process ends.
pub(crate) async fn serve(options: ObjectServer) -> io::Result<()> {
    let files = FileSystem::new(&options.root).map_err(|error| io::Error::other(format!("{error:?}")))?;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    builder.set_access(Public);
    let service = builder.build();
    let sent = Arc::new(AtomicU64::new(0));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (service, sent) = (service.clone(), Arc::clone(&sent));
        let answer = service_fn(move |request| answer(service.clone(), Arc::clone(&sent), request));
        // The client notices errors on its connection.
        tokio::spawn(async move { http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await.ok() });
    }
}

async fn answer(
    service: S3Service,
    sent: Arc<AtomicU64>,
    request: Request<Incoming>,
) -> Result<Response<impl Body<Data = Bytes, Error = s3s::StdError>>, Infallible> {
    if request.uri().path() == SENT {
        let count = sent.load(Ordering::Relaxed).to_string();
        let body = Full::new(Bytes::from(count)).map_err(|never: Infallible| match never {});
        return Ok(Response::new(Either::Left(body)));
    }
    let response = service.call(request.map(s3s::Body::from)).await.unwrap_or_else(|_| {
        let mut failed = Response::new(s3s::Body::empty());
        *failed.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        failed
    });
    Ok(response.map(|body| {
        Either::Right(body.map_frame(move |frame: Frame<Bytes>| {
            if let Some(data) = frame.data_ref() {
                sent.fetch_add(data.len() as u64, Ordering::Relaxed);
            }
            frame
        }))
    }))
}
