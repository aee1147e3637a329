use std::io;

use super::client::Client;

/// The most bytes of a client of HTTP/2 that may be of no use one after another: more than the bytes of bodies that it
/// may send ahead, and than any head.
const MOST_FRUITLESS: usize = 4 * 1024 * 1024;
/// A client that reads answers sends a frame now and then to say so: far less than this part of what it reads.
const PART_OF_ANSWERS: usize = 8;

/// Bounds what a client of HTTP/2 sends beside requests: settings, pings, priorities, empty frames. Each costs little and
/// is answered or ignored by the library, so without a bound a client could keep a thread busy for ever.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// Bytes since the last that were of use.
    fruitless: usize,
    progress: usize,
    written: usize,
}

impl Frames {
    /// Counts `bytes` that were read from the client.
    ///
    /// # Errors
    /// If too many were of no use.
    pub(super) fn read(&mut self, bytes: usize, client: &Client) -> io::Result<()> {
        let progress = client.progress();
        if std::mem::replace(&mut self.progress, progress) != progress {
            self.fruitless = 0;
        }
        let written = client.written();
        let sent = written.wrapping_sub(std::mem::replace(&mut self.written, written));
        self.fruitless = self.fruitless.saturating_sub(sent / PART_OF_ANSWERS).saturating_add(bytes);
        if self.fruitless <= MOST_FRUITLESS {
            return Ok(());
        }
        metrics::counter!("aam_http2_floods_total").increment(1);
        Err(io::Error::new(io::ErrorKind::InvalidData, "too many frames that belong to no request"))
    }
}
