use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

use crate::canned::Canned;

/// More bytes than a request of any load generator used here.
const REQUEST: usize = 16 * 1024;
const EVENTS: usize = 256;

/// Answers everything that arrives with the same bytes. There is an epoll loop for each processor, and
/// connections are assigned to them in turn.
///
/// A request must arrive in one piece, and after the answer to the previous one.
pub(crate) fn serve(address: SocketAddr, canned: &Canned) -> io::Result<()> {
    let answer: Arc<[u8]> = canned.to_http1().into();
    let listener = TcpListener::bind(address)?;
    let cores = thread::available_parallelism()?.get();
    let mut loops = Vec::new();
    for _ in 0..cores {
        let shared = Arc::new(Loop { epoll: epoll::create(CreateFlags::CLOEXEC)?, arrived: Mutex::default() });
        let (own, answer) = (Arc::clone(&shared), Arc::clone(&answer));
        thread::spawn(move || own.run(&answer));
        loops.push(shared);
    }
    for (id, (stream, to)) in (0..).zip(listener.incoming().zip(loops.iter().cycle())) {
        // A connection that was closed before it was accepted is no reason to stop.
        if let Ok(stream) = stream {
            to.adopt(id, stream)?;
        }
    }
    Ok(())
}

struct Loop {
    epoll: OwnedFd,
    /// Connections that the loop has not seen yet, by the id in their events.
    arrived: Mutex<HashMap<u64, Connection>>,
}

struct Connection {
    stream: TcpStream,
    /// How many bytes of the current answer are sent; `None` while waiting for a request.
    sent: Option<usize>,
}

impl Loop {
    fn adopt(&self, id: u64, stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        // The loop may receive the first event before this is done, so it takes the same lock.
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = arrived.entry(id).insert_entry(Connection { stream, sent: None });
        epoll::add(&self.epoll, &connection.get().stream, EventData::new_u64(id), EventFlags::IN)?;
        Ok(())
    }

    fn run(&self, answer: &[u8]) {
        let mut connections = HashMap::new();
        let mut request = vec![0; REQUEST];
        let mut events: Vec<Event> = Vec::with_capacity(EVENTS);
        loop {
            events.clear();
            if epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), None).is_err() {
                continue;
            }
            for event in &events {
                let id = event.data.u64();
                let connection = connections.entry(id).or_insert_with(|| {
                    let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
                    arrived.remove(&id).expect("a connection arrives before its first event")
                });
                if connection.proceed(&self.epoll, id, &mut request, answer).is_err() {
                    connections.remove(&id);
                }
            }
        }
    }
}

impl Connection {
    /// Reads a request, or sends as many bytes as fit; an error if the connection has ended.
    fn proceed(&mut self, epoll: &OwnedFd, id: u64, request: &mut [u8], answer: &[u8]) -> io::Result<()> {
        let was_full = self.sent.is_some();
        if !was_full {
            match self.stream.read(request) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => self.sent = Some(0),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        while let Some(sent) = self.sent {
            match self.stream.write(&answer[sent..]) {
                Ok(written) if sent + written == answer.len() => self.sent = None,
                Ok(written) => self.sent = Some(sent + written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if was_full != self.sent.is_some() {
            let wanted = if self.sent.is_some() { EventFlags::OUT } else { EventFlags::IN };
            epoll::modify(epoll, &self.stream, EventData::new_u64(id), wanted)?;
        }
        Ok(())
    }
}
