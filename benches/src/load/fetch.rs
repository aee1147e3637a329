use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::error::{Failure, Result};

/// A keep-alive connection that downloads one body at a time and measures the time.
#[derive(Debug)]
pub(crate) struct Fetcher {
    sender: SendRequest<Empty<Bytes>>,
    host: String,
}

/// How long a download took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fetched {
    /// From the request to the first bytes of the body.
    pub(crate) first_byte: Duration,
    /// From the request to the last byte.
    pub(crate) whole: Duration,
    pub(crate) bytes: u64,
}

impl Fetcher {
    /// Connects to a port of the loopback interface.
    pub(crate) async fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.map_err(Failure::io("no connection"))?;
        stream.set_nodelay(true).map_err(Failure::io("no connection"))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the sender, which reports its errors.
        tokio::spawn(async move { connection.await.ok() });
        Ok(Self { sender, host: format!("127.0.0.1:{port}") })
    }

    /// Downloads `path` and discards it.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Fetched> {
        let request = Request::get(path)
            .header("host", &self.host)
            .body(Empty::new())
            .map_err(|error| Failure::Other(format!("{path}: {error}")))?;
        self.sender.ready().await?;
        let start = Instant::now();
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let mut body = response.into_body();
        let (mut first_byte, mut bytes) = (None, 0);
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                first_byte.get_or_insert_with(|| start.elapsed());
                bytes += data.len() as u64;
            }
        }
        let whole = start.elapsed();
        if !status.is_success() {
            return Err(Failure::Other(format!("GET {path} was answered {status}")));
        }
        Ok(Fetched { first_byte: first_byte.unwrap_or(whole), whole, bytes })
    }
}
