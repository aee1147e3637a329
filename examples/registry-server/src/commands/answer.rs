//! What a command prints, and its exit code.

use std::{
    fmt::Display,
    io::{self, BufWriter, Write},
    process::ExitCode,
};

use serde::Serialize;

use super::listed::{Listed, print_json, print_lines};
use crate::config::Faults;

/// What a command prints when it completed, or when it had results before it failed.
#[derive(Debug)]
pub(super) struct Answer {
    text: String,
    as_json: bool,
    /// Printed before the text, or as the first members of the JSON object.
    lists: Vec<(&'static str, Listed)>,
    good: bool,
    /// Why the command could not complete.
    broke_off: Option<Failed>,
}

impl Answer {
    /// An answer that prints `text`, or `json` if JSON was requested.
    pub(super) fn new(as_json: bool, text: impl Display, json: &impl Serialize) -> Self {
        let text = if as_json {
            serde_json::to_string_pretty(json).unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"))
        } else {
            text.to_string()
        };
        Self { text, as_json, lists: Vec::new(), good: true, broke_off: None }
    }

    /// An answer that prints nothing.
    pub(super) fn silent() -> Self {
        Self { text: String::new(), as_json: false, lists: Vec::new(), good: true, broke_off: None }
    }

    /// The same answer with a list of any length before it; in JSON a member of that name.
    pub(super) fn with_list(mut self, name: &'static str, list: Listed) -> Self {
        self.lists.push((name, list));
        self
    }

    /// The same answer with the exit code of a failure unless `good`.
    pub(super) fn bad_unless(mut self, good: bool) -> Self {
        self.good = good;
        self
    }

    /// The same answer with the reason why the command could not complete.
    pub(super) fn broken_off_by(mut self, failed: Failed) -> Self {
        self.broke_off = Some(failed);
        self
    }
}

/// Why a command could not complete.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Failed(pub(super) String);

impl From<Faults> for Failed {
    fn from(faults: Faults) -> Self {
        Self(faults.to_string())
    }
}

impl From<crate::assemble::AssembleError> for Failed {
    fn from(error: crate::assemble::AssembleError) -> Self {
        Self(error.to_string())
    }
}

impl From<aam_registry_core::Error> for Failed {
    fn from(error: aam_registry_core::Error) -> Self {
        Self(crate::assemble::refusal(&error))
    }
}

/// Prints the outcome: answers to the standard output, failures to the standard error.
pub(super) fn exit_code(outcome: Result<Answer, Failed>) -> ExitCode {
    match outcome {
        Ok(Answer { text, as_json, lists, good, broke_off }) => {
            let printed = print(text.trim_end(), as_json, lists);
            match broke_off {
                Some(failed) => failure(&failed),
                None if good && printed.is_ok() => ExitCode::SUCCESS,
                None => ExitCode::FAILURE,
            }
        }
        Err(failed) => failure(&failed),
    }
}

fn print(text: &str, as_json: bool, lists: Vec<(&'static str, Listed)>) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    if as_json && !lists.is_empty() {
        print_json(lists, text, &mut out)?;
    } else {
        print_lines(lists, &mut out)?;
        if !text.is_empty() {
            writeln!(out, "{text}")?;
        }
    }
    out.flush()
}

fn failure(failed: &Failed) -> ExitCode {
    let _ = writeln!(io::stderr().lock(), "error: {failed}");
    ExitCode::FAILURE
}

/// Prints a warning to the standard error.
pub(super) fn warn(warning: &str) {
    let _ = writeln!(io::stderr().lock(), "warning: {warning}");
}
