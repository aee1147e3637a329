//! A network between client and registry that misbehaves where it is told to.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// What happens to the answers of some requests.
#[derive(Clone, Copy)]
pub(crate) enum Mischief {
    /// The connection breaks when the answer arrives.
    Cut,
    /// One bit of the body is flipped.
    Flip,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    left: Arc<AtomicUsize>,
}

impl Proxy {
    /// Does `mischief` to the first `times` answers to requests that contain `mark` in their first line.
    pub(crate) fn start(to: SocketAddr, mark: &'static str, mischief: Mischief, times: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let left = Arc::new(AtomicUsize::new(times));
        let counter = Arc::clone(&left);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                thread::spawn(move || carry(client, to, mark, mischief, &counter));
            }
        });
        Self { address, left }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many answers are still to be spoilt.
    pub(crate) fn left(&self) -> usize {
        self.left.load(Ordering::SeqCst)
    }
}

fn carry(client: TcpStream, to: SocketAddr, mark: &'static str, mischief: Mischief, left: &Arc<AtomicUsize>) {
    let Ok(server) = TcpStream::connect(to) else { return };
    let marked = Arc::new(AtomicUsize::new(0));
    let (mut up_from, mut up_to) = (client.try_clone().expect("socket"), server.try_clone().expect("socket"));
    let seen = Arc::clone(&marked);
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = up_from.read(&mut buffer) {
            let first = String::from_utf8_lossy(&buffer[..read.min(200)]).lines().next().unwrap_or_default().to_owned();
            // A chunk that starts a request starts with its request line.
            if first.ends_with("HTTP/1.1") {
                seen.store(usize::from(first.contains(mark)), Ordering::SeqCst);
            }
            if up_to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = up_to.shutdown(Shutdown::Write);
    });
    let (mut down_from, mut down_to) = (server, client);
    let mut buffer = vec![0; 64 * 1024];
    let mut head: Vec<u8> = Vec::new();
    let mut spoiling = false;
    while let Ok(read @ 1..) = down_from.read(&mut buffer) {
        let chunk = &mut buffer[..read];
        if marked.load(Ordering::SeqCst) == 1 && !spoiling {
            spoiling = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
            marked.store(0, Ordering::SeqCst);
            head.clear();
        }
        if spoiling {
            match mischief {
                Mischief::Cut => break,
                Mischief::Flip => {
                    let before = head.len();
                    head.extend_from_slice(chunk);
                    if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
                        && head.len() > end
                    {
                        chunk[end.max(before) - before] ^= 1;
                        spoiling = false;
                    }
                }
            }
        }
        if down_to.write_all(chunk).is_err() {
            break;
        }
    }
    let _ = down_to.shutdown(Shutdown::Both);
}
