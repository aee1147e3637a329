//! What stands between a server and its stores, and can fail at will.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{Notify, watch},
    task::JoinHandle,
    time,
};

/// What becomes of the bytes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// They pass.
    Passes,
    /// They pass, every chunk of up to 16 KiB so much later than the one before.
    Slow(Duration),
    /// They stay where they are, and nobody is told: a server that hangs, or
    /// a network that has lost its way. What was sent arrives once it passes.
    Silent,
    /// Connections are reset, new ones at once.
    Cut,
}

/// A TCP proxy of this process, before one server.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    links: Arc<watch::Sender<Links>>,
    open: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug)]
struct Links {
    all: Link,
    /// Of those connections that have sent the mark.
    marked: Option<Link>,
}

impl Proxy {
    /// Starts one before the server at `upstream`.
    pub async fn start(upstream: SocketAddr) -> Self {
        Self::start_with_mark(upstream, "").await
    }

    /// Starts one that tells the connections apart whose client has sent `mark`.
    pub async fn start_with_mark(upstream: SocketAddr, mark: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let links = Arc::new(watch::Sender::new(Links { all: Link::Passes, marked: None }));
        let open = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(accept(listener, upstream, mark, Arc::clone(&links), Arc::clone(&open)));
        Self { address, links, open, task }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Turns all connections, those to come included.
    pub fn set(&self, link: Link) {
        self.links.send_replace(Links { all: link, marked: None });
    }

    /// Turns only the connections that have sent the mark, or will.
    pub fn set_marked(&self, link: Link) {
        self.links.send_modify(|links| links.marked = Some(link));
    }

    /// How many connections there are.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        // Its connections end with it.
        self.set(Link::Cut);
    }
}

async fn accept(
    listener: TcpListener,
    upstream: SocketAddr,
    mark: &'static str,
    links: Arc<watch::Sender<Links>>,
    open: Arc<AtomicUsize>,
) {
    loop {
        // A client that was gone before it was accepted.
        let Ok((client, _)) = listener.accept().await else { continue };
        let connection = Connection { links: links.subscribe(), mark, marked: Arc::default() };
        let open = Arc::clone(&open);
        tokio::spawn(async move {
            open.fetch_add(1, Ordering::AcqRel);
            // Either side may go away; the other is told by the end of its connection.
            let _ = connection.pass(client, upstream).await;
            open.fetch_sub(1, Ordering::AcqRel);
        });
    }
}

#[derive(Clone, Debug)]
struct Connection {
    links: watch::Receiver<Links>,
    mark: &'static str,
    marked: Arc<Marked>,
}

/// Whether the client has sent the mark.
#[derive(Debug, Default)]
struct Marked {
    is: AtomicBool,
    has_become: Notify,
}

impl Connection {
    async fn pass(mut self, mut client: TcpStream, upstream: SocketAddr) -> io::Result<()> {
        client.set_nodelay(true)?;
        self.until(|link| link != Link::Silent).await;
        if self.link() == Link::Cut {
            return client.set_zero_linger();
        }
        let Ok(mut server) = TcpStream::connect(upstream).await else { return client.set_zero_linger() };
        server.set_nodelay(true)?;
        let mut watched = self.clone();
        let is_cut = {
            let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
            let there = self.clone().pump(from_client, to_server, true);
            let back = self.pump(from_server, to_client, false);
            tokio::select! {
                // A half-closed connection still carries the other half.
                _ = async { tokio::join!(there, back) } => false,
                () = watched.until_cut() => true,
            }
        };
        if is_cut {
            client.set_zero_linger()?;
            server.set_zero_linger()?;
        }
        Ok(())
    }

    async fn pump(mut self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, is_clients: bool) -> io::Result<()> {
        let mut chunk = vec![0; 16 * 1024];
        loop {
            // One that was reset has ended, too.
            let len = from.read(&mut chunk).await.unwrap_or(0);
            // Short enough to be sent in one piece.
            if is_clients && !self.mark.is_empty() && contains(&chunk[..len], self.mark.as_bytes()) {
                self.marked.is.store(true, Ordering::Release);
                self.marked.has_become.notify_one();
            }
            self.until(|link| link != Link::Silent).await;
            if len == 0 {
                return to.shutdown().await;
            }
            if let Link::Slow(delay) = self.link() {
                time::sleep(delay).await;
            }
            to.write_all(&chunk[..len]).await?;
        }
    }

    fn link(&self) -> Link {
        self.link_of(*self.links.borrow())
    }

    fn link_of(&self, links: Links) -> Link {
        links.marked.filter(|_| self.marked.is.load(Ordering::Acquire)).unwrap_or(links.all)
    }

    async fn until_cut(&mut self) {
        let marked = Arc::clone(&self.marked);
        loop {
            tokio::select! {
                () = self.until(|link| link == Link::Cut) => return,
                // Another rule holds for it from now on.
                () = marked.has_become.notified() => {}
            }
        }
    }

    async fn until(&mut self, is_meant: impl Fn(Link) -> bool) {
        let this = self.clone();
        // Where the proxy is gone its connections were cut.
        let _ = self.links.wait_for(|links| is_meant(this.link_of(*links))).await;
    }
}

fn contains(bytes: &[u8], mark: &[u8]) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark)
}
