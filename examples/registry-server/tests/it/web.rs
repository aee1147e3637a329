//! Just enough of HTTP to ask a server.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }
}

/// A connection on which one request is made.
pub(crate) fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    Ok(stream)
}

/// Reads the answer on a connection that the server closes behind it.
pub(crate) fn read(stream: &mut TcpStream) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| cut_off(&text))?;
    let status = head.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(|| cut_off(&text))?;
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    if length.is_some_and(|length: usize| length != body.len()) {
        return Err(cut_off(&text));
    }
    Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

fn cut_off(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("cut off: {text:?}"))
}

pub(crate) fn get(port: u16, path: &str) -> io::Result<Answer> {
    let mut stream = connect(port)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    read(&mut stream)
}

pub(crate) fn post(port: u16, path: &str, authorization: &str, body: &Value) -> Answer {
    let mut stream = connect(port).expect("connected");
    let body = body.to_string();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{authorization}Content-Type: \
         application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("sent");
    read(&mut stream).expect("answered")
}
