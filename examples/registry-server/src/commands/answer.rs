//! What a command prints and how it ends.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use serde::Serialize;

use crate::config::Faults;

/// What a command says that ran to its end, or that found something before it failed.
#[derive(Debug)]
pub(super) struct Answer {
    text: String,
    good: bool,
    /// Why the command could not do the rest.
    broke_off: Option<Failed>,
}

impl Answer {
    /// Says `text`, or `json` where JSON was asked for.
    pub(super) fn new(as_json: bool, text: impl Display, json: &impl Serialize) -> Self {
        let text = if as_json {
            serde_json::to_string_pretty(json).unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"))
        } else {
            text.to_string()
        };
        Self { text, good: true, broke_off: None }
    }

    /// Says nothing.
    pub(super) fn silent() -> Self {
        Self { text: String::new(), good: true, broke_off: None }
    }

    /// Says the same, and that it is bad.
    pub(super) fn bad_unless(mut self, good: bool) -> Self {
        self.good = good;
        self
    }

    /// Says the same, and what kept the command from running to its end.
    pub(super) fn broken_off_by(mut self, failed: Failed) -> Self {
        self.broke_off = Some(failed);
        self
    }
}

/// Why a command could not run to its end.
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
        Ok(Answer { text, good, broke_off }) => {
            let text = text.trim_end();
            let printed = if text.is_empty() { Ok(()) } else { writeln!(io::stdout().lock(), "{text}") };
            match broke_off {
                Some(failed) => failure(&failed),
                None if good && printed.is_ok() => ExitCode::SUCCESS,
                None => ExitCode::FAILURE,
            }
        }
        Err(failed) => failure(&failed),
    }
}

fn failure(failed: &Failed) -> ExitCode {
    let _ = writeln!(io::stderr().lock(), "error: {failed}");
    ExitCode::FAILURE
}

/// Prints a warning beside the answer.
pub(super) fn warn(warning: &str) {
    let _ = writeln!(io::stderr().lock(), "warning: {warning}");
}
