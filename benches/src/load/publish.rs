use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::{BufMut, Bytes, BytesMut};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

use super::{Observed, percentile};
use crate::error::{Failure, Result};

const BOUNDARY: &str = "----------------------------a-part-of-a-package";

/// The address and the credential for publishing.
#[derive(Clone, Debug)]
pub(crate) struct Publishing {
    pub(crate) port: u16,
    pub(crate) token: String,
    pub(crate) clients: usize,
}

/// Publishes archives, each client one after the other, until all are published or `time` is over. At
/// least one is published.
pub(crate) async fn publish_all(to: &Publishing, archives: &[Bytes], time: Duration) -> Result<Observed> {
    let forms: Arc<[Bytes]> = archives.iter().map(form).collect();
    let next = Arc::new(AtomicUsize::new(0));
    let mut connections = Vec::new();
    for _ in 0..to.clients.min(forms.len()) {
        connections.push(connect(to.port).await?);
    }
    let start = Instant::now();
    let mut clients = JoinSet::new();
    for connection in connections {
        clients.spawn(client(connection, to.clone(), Arc::clone(&forms), Arc::clone(&next), start + time));
    }
    let mut latencies = Vec::new();
    while let Some(ended) = clients.join_next().await {
        latencies.extend(ended.map_err(|error| Failure::Other(error.to_string()))??);
    }
    let elapsed = start.elapsed();
    latencies.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 archives")]
    let requests = latencies.len() as f64;
    Ok(Observed {
        requests,
        requests_per_second: requests / elapsed.as_secs_f64(),
        p50: percentile(&latencies, 50),
        p99: percentile(&latencies, 99),
    })
}

async fn client(
    mut connection: SendRequest<Full<Bytes>>,
    to: Publishing,
    forms: Arc<[Bytes]>,
    next: Arc<AtomicUsize>,
    until: Instant,
) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    while latencies.is_empty() || Instant::now() < until {
        let Some(form) = forms.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
        connection.ready().await?;
        let start = Instant::now();
        publish(&mut connection, &to, form.clone()).await?;
        latencies.push(start.elapsed());
    }
    Ok(latencies)
}

async fn publish(connection: &mut SendRequest<Full<Bytes>>, to: &Publishing, form: Bytes) -> Result<()> {
    let request = Request::post("/api/v1/packages")
        .header("host", format!("127.0.0.1:{}", to.port))
        .header("authorization", format!("Bearer {}", to.token))
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(Full::new(form))
        .map_err(|error| Failure::Other(error.to_string()))?;
    let response = connection.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    if status == StatusCode::CREATED {
        return Ok(());
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    Err(Failure::Refused { what: "a publish", status: status.as_u16(), body })
}

async fn connect(port: u16) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.map_err(Failure::io("no connection"))?;
    stream.set_nodelay(true).map_err(Failure::io("no connection"))?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the sender, which reports its errors.
    tokio::spawn(async move { connection.await.ok() });
    Ok(sender)
}

/// The body of the request that publishes an archive (RFC 7578).
fn form(archive: &Bytes) -> Bytes {
    let mut form = BytesMut::with_capacity(archive.len() + 512);
    form.put_slice(format!("--{BOUNDARY}\r\n").as_bytes());
    form.put_slice(b"content-disposition: form-data; name=\"archive\"; filename=\"package.aam\"\r\n");
    form.put_slice(b"content-type: application/gzip\r\n\r\n");
    form.put_slice(archive);
    form.put_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    form.freeze()
}
