//! A server that plays a part: of a registry, or of what stands in front of one.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use crate::machine::Machine;

/// A server that answers each request as `answer` says, and notes what it was sent.
pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    pub(crate) fn start(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&heard);
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let (notes, answer) = (Arc::clone(&notes), Arc::clone(&answer));
                thread::spawn(move || {
                    if let Some((first, whole)) = read(&client) {
                        notes.lock().expect("a lock").push(whole);
                        answer(&first, &mut client);
                    }
                });
            }
        });
        Self { address, heard }
    }

    pub(crate) fn json(status: &'static str, body: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::start(move |first, client| say(client, status, "", &body(first)))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn heard(&self) -> String {
        self.heard.lock().expect("a lock").join("\n")
    }

    pub(crate) fn machine(&self) -> Machine {
        let machine = Machine::new();
        machine.ok(&["registry", "add", &self.url(), "test", "--default"]);
        machine
    }
}

/// The first line and the whole of a request.
fn read(client: &TcpStream) -> Option<(String, String)> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let (mut whole, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        whole.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    whole.push_str(&String::from_utf8_lossy(&body));
    Some((whole.lines().next()?.to_owned(), whole))
}

pub(crate) fn say(client: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    // The client may have heard enough.
    let _ = client.write_all(format!("{head}{body}").as_bytes());
}
