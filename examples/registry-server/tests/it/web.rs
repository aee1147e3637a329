//! A minimal HTTP client.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

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

/// A connection for one request.
pub(crate) fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    Ok(stream)
}

/// Reads the answer on a connection that the server closes afterwards.
pub(crate) fn read(stream: &mut TcpStream) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").ok_or_else(|| cut_off(&bytes))?;
    let (head, body) = (String::from_utf8_lossy(&bytes[..end]), &bytes[end + 4..]);
    let status = head.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(|| cut_off(&bytes))?;
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    if length.is_some_and(|length: usize| length != body.len()) {
        return Err(cut_off(&bytes));
    }
    Ok(Answer { status, head: head.into_owned(), body: String::from_utf8_lossy(body).into_owned() })
}

/// Requests `path` on a kept connection.
pub(crate) fn ask(stream: &mut TcpStream, path: &str) -> io::Result<Answer> {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    read_one(stream)
}

/// Reads exactly one answer.
pub(crate) fn read_one(stream: &mut TcpStream) -> io::Result<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte)? == 0 {
            return Err(cut_off(&head));
        }
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head[..head.len() - 4]).into_owned();
    let status = head.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(|| cut_off(head.as_bytes()))?;
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body)?;
    Ok(Answer { status, head, body: String::from_utf8_lossy(&body).into_owned() })
}

/// Whether the server closes or resets the connection without sending anything.
pub(crate) fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => true,
        Err(error) => panic!("the connection is still open: {error}"),
    }
}

/// A value of `/metrics`; 0 if it is absent.
#[track_caller]
pub(crate) fn metric(port: u16, name: &str) -> u64 {
    let text = get(port, "/metrics").expect("answered").body;
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok()).unwrap_or(0)
}

fn cut_off(bytes: &[u8]) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("cut off: {:?}", String::from_utf8_lossy(bytes)))
}

pub(crate) fn get(port: u16, path: &str) -> io::Result<Answer> {
    let mut stream = connect(port)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    read(&mut stream)
}

/// Requests `path` with additional header lines.
pub(crate) fn get_with(port: u16, path: &str, head: &str) -> io::Result<Answer> {
    let mut stream = connect(port)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n{head}Connection: close\r\n\r\n")?;
    read(&mut stream)
}

pub(crate) fn post(port: u16, path: &str, authorization: &str, body: &Value) -> Answer {
    send(port, path, authorization, "application/json", body.to_string().as_bytes())
}

/// Publishes an archive.
pub(crate) fn publish(port: u16, authorization: &str, archive: &[u8]) -> Answer {
    let head = "--boundary\r\nContent-Disposition: form-data; name=\"archive\"; filename=\"package.aam\"\r\n\r\n";
    let body = [head.as_bytes(), archive, b"\r\n--boundary--\r\n"].concat();
    send(port, "/api/v1/packages", authorization, "multipart/form-data; boundary=boundary", &body)
}

fn send(port: u16, path: &str, authorization: &str, content_type: &str, body: &[u8]) -> Answer {
    let mut stream = connect(port).expect("connected");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{authorization}Content-Type: \
         {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).expect("sent");
    read(&mut stream).expect("answered")
}

/// Sends a `DELETE` of `path`.
pub(crate) fn delete(port: u16, path: &str, authorization: &str) -> Answer {
    let mut stream = connect(port).expect("connected");
    write!(stream, "DELETE {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{authorization}\r\n")
        .expect("sent");
    read(&mut stream).expect("answered")
}

/// The password of accounts that [`sign_up`] creates.
pub(crate) const PASSWORD: &str = "a sentence that is long enough";

/// Creates an account and logs in; returns the `Authorization` header.
pub(crate) fn sign_up(port: u16, username: &str) -> String {
    let account = json!({ "username": username, "email": format!("{username}@example.com"), "password": PASSWORD });
    assert_eq!(post(port, "/api/v1/users/register", "", &account).status, 201);
    let login = post(port, "/api/v1/users/login", "", &account).json();
    format!("Authorization: Bearer {}\r\n", login["access_token"].as_str().expect("a token"))
}
