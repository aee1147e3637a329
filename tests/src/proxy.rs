//! A proxy between a server and its stores that can fail on demand.

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

/// What happens to the bytes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// They are forwarded.
    Passes,
    /// They are forwarded, every chunk of up to 16 KiB after this delay.
    Slow(Duration),
    /// They are held back without closing the connection, like a server that hangs or a broken network.
    /// They are forwarded when the state changes back.
    Silent,
    /// Connections are reset, new ones immediately.
    Cut,
}

/// A TCP proxy in this process, in front of one server.
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
    /// The state of connections that have sent the mark.
    marked: Option<Link>,
}

impl Proxy {
    /// Starts one in front of the server at `upstream`.
    pub async fn start(upstream: SocketAddr) -> Self {
        Self::start_with_mark(upstream, "").await
    }

    /// Starts one that treats connections separately whose client has sent `mark`.
    pub async fn start_with_mark(upstream: SocketAddr, mark: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let links = Arc::new(watch::Sender::new(Links { all: Link::Passes, marked: None }));
        let open = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(accept(listener, upstream, mark, Arc::clone(&links), Arc::clone(&open)));
        Self { address, links, open, task }
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the state of all connections, including future ones.
    pub fn set(&self, link: Link) {
        self.links.send_replace(Links { all: link, marked: None });
    }

    /// Sets the state of the connections that have sent the mark, or will.
    pub fn set_marked(&self, link: Link) {
        self.links.send_modify(|links| links.marked = Some(link));
    }

    /// How many connections are open.
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
        // The client closed the connection before it was accepted.
        let Ok((client, _)) = listener.accept().await else { continue };
        let connection = Connection { links: links.subscribe(), mark, marked: Arc::default() };
        let open = Arc::clone(&open);
        tokio::spawn(async move {
            open.fetch_add(1, Ordering::AcqRel);
            // Either side may close the connection; the other one sees it end.
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
                // A half-closed connection still forwards the other half.
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
            // A reset connection has ended too.
            let len = from.read(&mut chunk).await.unwrap_or(0);
            // The mark is so short that it arrives in one chunk.
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
                // Another state applies to the connection from now on.
                () = marked.has_become.notified() => {}
            }
        }
    }

    async fn until(&mut self, is_meant: impl Fn(Link) -> bool) {
        let this = self.clone();
        // When the proxy is dropped its connections are cut.
        let _ = self.links.wait_for(|links| is_meant(this.link_of(*links))).await;
    }
}

fn contains(bytes: &[u8], mark: &[u8]) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark)
}
