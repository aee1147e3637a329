//! The errors of reading an archive.

use std::{fmt::Display, io};

use crate::error::Error;

/// The most characters of a name from the archive that a message repeats.
const MAX_NAME: usize = 120;

/// An error that refuses the archive.
pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::InvalidArchive(message.into())
}

/// An error that refuses the entry with that name.
pub(super) fn invalid_entry(name: &[u8], why: impl Display) -> Error {
    invalid(format!("The archive's entry `{}` {why}", line(name)))
}

/// Converts an [`io::Error`] of a reader below the walk: the error of the source if it carries one,
/// else a damaged archive.
pub(super) fn from_io(error: io::Error) -> Error {
    error.downcast::<Error>().unwrap_or_else(|error| {
        invalid(format!("The archive is not a whole gzip tar: {}", line(error.to_string().as_bytes())))
    })
}

/// Text from the archive on one line, cut if it is long.
fn line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut line: String = text.chars().take(MAX_NAME).flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX_NAME).is_some() {
        line.push('…');
    }
    line
}
