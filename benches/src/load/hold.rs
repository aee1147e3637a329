use std::{io, net::Ipv4Addr, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};

use crate::error::{Failure, Result};

/// How many connections are opened at a time: fewer than the queue of a listener.
const AT_ONCE: usize = 64;
const CHUNK: usize = 64 * 1024;
/// How long a slow client waits between two chunks: 1.3 MB/s.
const SLOW: Duration = Duration::from_millis(50);

/// Keep-alive connections that made one request and are now idle.
#[derive(Debug)]
pub(crate) struct Connections {
    _streams: Vec<TcpStream>,
}

impl Connections {
    /// Opens `count` connections to a port of the loopback interface.
    pub(crate) async fn open(port: u16, path: &str, count: usize) -> Result<Self> {
        let opening = stream::iter(0..count).map(|_| ask(port, path)).buffer_unordered(AT_ONCE);
        let streams = opening.try_collect().await.map_err(Failure::io("a connection cannot be opened"))?;
        Ok(Self { _streams: streams })
    }
}

async fn ask(port: u16, path: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.write_all(request(port, path).as_bytes()).await?;
    let mut answer = [0; 4096];
    if stream.read(&mut answer).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(stream)
}

fn request(port: u16, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n")
}

/// Clients that download the same archive repeatedly, half of them slowly, until this is dropped.
#[derive(Debug)]
pub(crate) struct Downloads {
    clients: JoinSet<io::Result<()>>,
}

impl Downloads {
    pub(crate) fn start(port: u16, path: &str, clients: usize) -> Self {
        let mut started = JoinSet::new();
        for client in 0..clients {
            let request = request(port, path);
            started.spawn(download(port, request, client % 2 == 1));
        }
        Self { clients: started }
    }

    /// Lets them continue for `time`; fails if one of them cannot.
    pub(crate) async fn go_on(&mut self, time: Duration) -> Result<()> {
        let Ok(ended) = timeout(time, self.clients.join_next()).await else { return Ok(()) };
        let why = match ended {
            None => "no client downloads".to_owned(),
            Some(Ok(Ok(()))) => "the server closed it".to_owned(),
            Some(Ok(Err(error))) => error.to_string(),
            Some(Err(error)) => error.to_string(),
        };
        Err(Failure::Other(format!("a download ended: {why}")))
    }
}

async fn download(port: u16, request: String, is_slow: bool) -> io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let mut chunk = vec![0; CHUNK];
    loop {
        stream.write_all(request.as_bytes()).await?;
        let mut left = None;
        while left != Some(0) {
            let read = stream.read(&mut chunk).await?;
            if read == 0 {
                return Ok(());
            }
            left = Some(match left {
                Some(left) => u64::saturating_sub(left, read as u64),
                None => body_left(&chunk[..read])?,
            });
            if is_slow {
                tokio::time::sleep(SLOW).await;
            }
        }
    }
}

/// How many bytes of the body follow after the head and the bytes that came with it.
fn body_left(start: &[u8]) -> io::Result<u64> {
    let strange = || io::Error::new(io::ErrorKind::InvalidData, "not the answer to a download");
    let head = start.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(strange)?;
    let text = std::str::from_utf8(&start[..head]).map_err(|_| strange())?;
    if !text.starts_with("HTTP/1.1 200") {
        return Err(strange());
    }
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    let mut length = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: u64 =
        length.next().map(|(_, value)| value.trim()).and_then(|value| value.parse().ok()).ok_or_else(strange)?;
    Ok(length - (start.len() - head - 4) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_begins_behind_the_head() {
        let start = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc";
        assert_eq!(body_left(start).expect("an answer"), 7);
        assert!(body_left(b"HTTP/1.1 404 Not Found\r\ncontent-length: 10\r\n\r\n").is_err());
        assert!(body_left(b"HTTP/1.1 200 OK\r\n").is_err());
    }
}
