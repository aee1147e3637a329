//! Collecting what is wrong with a manifest.

use std::fmt::{self, Display, Write};

use super::ManifestFault;

/// More than this many faults help nobody, and an answer must not grow with the manifest.
const MAX_FAULTS: usize = 100;
/// The most characters of the author's own text that a fault repeats.
const MAX_QUOTE: usize = 200;
/// The most characters of what is said of it, which may quote the author too.
const MAX_ERROR: usize = 500;

/// The faults found so far.
#[derive(Default)]
pub(super) struct Faults {
    listed: Vec<ManifestFault>,
    unlisted: usize,
}

impl Faults {
    /// Adds a fault of `field`.
    pub(super) fn add(&mut self, field: impl Display, error: impl Display) {
        if self.listed.len() < MAX_FAULTS {
            let (field, error) = (line(&field, MAX_QUOTE), line(&error, MAX_ERROR));
            self.listed.push(ManifestFault { field, error });
        } else {
            self.unlisted += 1;
        }
    }

    /// All of them; empty where nothing is wrong.
    pub(super) fn into_vec(mut self) -> Vec<ManifestFault> {
        if self.unlisted > 0 {
            let error = format!("has {} more faults, which are not listed", self.unlisted);
            self.listed.push(ManifestFault { field: "aam.yaml".to_owned(), error });
        }
        self.listed
    }
}

/// The author's text on one line, cut where it is long.
pub(super) fn quoted(text: &str) -> String {
    line(&text, MAX_QUOTE)
}

/// What `text` says on one line of at most `max` characters, of which no more
/// is made than is taken.
fn line(text: &impl Display, max: usize) -> String {
    let mut line = Line { text: String::new(), room: max };
    if write!(line, "{text}").is_err() {
        line.text.push('…');
    }
    line.text
}

struct Line {
    text: String,
    room: usize,
}

impl Write for Line {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        for c in piece.chars() {
            self.room = self.room.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(if c.is_control() { ' ' } else { c });
        }
        Ok(())
    }
}
