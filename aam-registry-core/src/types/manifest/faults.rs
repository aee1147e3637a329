//! Collects the faults of a manifest.

use std::fmt::{self, Display, Write};

use super::ManifestFault;

/// The most faults that are reported: more would not help the author, and an answer must not grow with
/// the manifest.
const MAX_FAULTS: usize = 100;
/// The most characters of the author's own text that are quoted.
const MAX_QUOTE: usize = 200;
/// The most characters of the error text of a fault, which may quote the author too.
const MAX_ERROR: usize = 500;

/// The faults found so far.
#[derive(Default)]
pub(super) struct Faults {
    listed: Vec<ManifestFault>,
    unlisted: usize,
}

impl Faults {
    /// Adds a fault at `field`.
    pub(super) fn add(&mut self, field: impl Display, error: impl Display) {
        if self.listed.len() < MAX_FAULTS {
            let (field, error) = (line(&field, MAX_QUOTE), line(&error, MAX_ERROR));
            self.listed.push(ManifestFault { field, error });
        } else {
            self.unlisted += 1;
        }
    }

    /// All faults; empty if there are none.
    pub(super) fn into_vec(mut self) -> Vec<ManifestFault> {
        if self.unlisted > 0 {
            let error = format!("has {} more faults, which are not listed", self.unlisted);
            self.listed.push(ManifestFault { field: "aam.yaml".to_owned(), error });
        }
        self.listed
    }
}

/// The author's text on one line, cut if it is long.
pub(super) fn quoted(text: &str) -> String {
    line(&text, MAX_QUOTE)
}

/// Formats `text` on one line of at most `max` characters, and stops formatting there.
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
