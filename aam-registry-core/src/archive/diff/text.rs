//! Unified diffs, limited in size and time.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use similar::TextDiff;

/// The most bytes of the diff of one file; it is cut after a complete line.
pub const MAX_DIFF: usize = 64 * 1024;
/// The most bytes of all diffs of two archives together.
pub const MAX_DIFFS: usize = 1024 * 1024;
/// How long one file may take before its diff becomes coarser.
const TIME: Duration = Duration::from_millis(200);
/// How long all files may take before the rest get no diff.
const ALL_TIME: Duration = Duration::from_secs(2);

/// Writes the diffs of one comparison.
pub(super) struct Writer {
    until: Instant,
    room: usize,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self { until: Instant::now() + ALL_TIME, room: MAX_DIFFS }
    }

    /// The diff of a text file after the lines of `head`, and whether a part of it is missing.
    pub(super) fn diff(
        &mut self,
        path: &str,
        head: &str,
        before: Option<&str>,
        after: Option<&str>,
    ) -> (Option<String>, bool) {
        let now = Instant::now();
        if self.room == 0 || now >= self.until {
            return (None, true);
        }
        let mut cut = Cut { text: head.as_bytes().to_vec(), room: self.room.min(MAX_DIFF), full: false };
        let differing = TextDiff::configure()
            .deadline(self.until.min(now + TIME))
            .diff_lines(before.unwrap_or(""), after.unwrap_or(""));
        let name =
            |side: Option<&str>, prefix: &str| side.map_or("/dev/null".to_owned(), |_| format!("{prefix}/{path}"));
        // Writing fails only if the buffer is full.
        let _ = differing.unified_diff().header(&name(before, "a"), &name(after, "b")).to_writer(&mut cut);
        let truncated = cut.full;
        let text = cut.into_text();
        self.room = self.room.saturating_sub(text.len());
        (Some(text), truncated)
    }
}

/// The lines with which git shows a change of mode; empty if the mode did not change.
pub(super) fn mode_lines(before: bool, after: bool) -> String {
    let mode = |executable| if executable { "100755" } else { "100644" };
    if before == after { String::new() } else { format!("old mode {}\nnew mode {}\n", mode(before), mode(after)) }
}

/// A text with a maximum length.
struct Cut {
    text: Vec<u8>,
    room: usize,
    full: bool,
}

impl Cut {
    /// The text up to its last complete line, or all of it if it has no line end.
    fn into_text(mut self) -> String {
        if self.full
            && let Some(last) = self.text.iter().rposition(|b| *b == b'\n')
        {
            self.text.truncate(last + 1);
        }
        String::from_utf8_lossy(&self.text).into_owned()
    }
}

impl Write for Cut {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.room.saturating_sub(self.text.len());
        self.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.full |= bytes.len() > room;
        if self.full { Err(io::ErrorKind::WriteZero.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
