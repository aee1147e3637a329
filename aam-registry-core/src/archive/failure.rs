//! The errors of reading an archive.

use std::{fmt::Display, io};

use crate::error::Error;

/// The most characters of a name from the archive that a message repeats.
const MAX_NAME: usize = 120;

/// The archive is refused.
pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::InvalidArchive(message.into())
}

/// The entry of that name is refused.
pub(super) fn invalid_entry(name: &[u8], why: impl Display) -> Error {
    invalid(format!("The archive's entry `{}` {why}", line(name)))
}

/// What an [`io::Error`] from below the walk means: the failure of the source
/// where it carries one, else an archive that is damaged.
pub(super) fn from_io(error: io::Error) -> Error {
    error.downcast::<Error>().unwrap_or_else(|error| {
        invalid(format!("The archive is not a whole gzip tar: {}", line(error.to_string().as_bytes())))
    })
}

/// Text from the archive on one line, cut where it is long.
fn line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut line: String = text.chars().take(MAX_NAME).flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX_NAME).is_some() {
        line.push('…');
    }
    line
}
