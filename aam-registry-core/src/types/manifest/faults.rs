//! Collecting what is wrong with a manifest.

use std::fmt::Display;

use super::ManifestFault;

/// More than this many faults help nobody, and an answer must not grow with the manifest.
const MAX_FAULTS: usize = 100;
/// The most characters of the author's own text that a fault repeats.
const MAX_QUOTE: usize = 200;

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
            self.listed.push(ManifestFault { field: quoted(&field.to_string()), error: error.to_string() });
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
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_QUOTE).collect();
    if text.chars().nth(MAX_QUOTE).is_some() {
        line.push('…');
    }
    line
}
