//! The faults of a configuration, reported all at once.

use std::fmt;

use serde::Serialize;

use super::{
    address::may_hold_secret,
    resolve::Found,
    setting::{Kind, Refusal, Spec},
};

/// One fault.
#[derive(Debug, Serialize)]
pub(crate) struct Fault {
    /// The setting, key or file.
    key: String,
    /// Where the value came from, if it was set.
    source: Option<String>,
    /// What is wrong with it.
    problem: String,
    /// The allowed values, if the problem does not make them clear.
    allowed: Option<String>,
}

impl Fault {
    /// A fault of `key`, which was set in `source`.
    pub(super) fn new(key: impl Into<String>, source: impl fmt::Display, problem: impl Into<String>) -> Self {
        Self { key: key.into(), source: Some(source.to_string()), problem: problem.into(), allowed: None }
    }

    /// A fault in the combination of settings that are each valid.
    pub(super) fn between(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { key: key.into(), source: None, problem: problem.into(), allowed: None }
    }

    /// The fault of a required setting that is not set.
    pub(super) fn missing(spec: &Spec) -> Self {
        Self { allowed: allowed(spec), ..Self::between(spec.name(), "is required and not set") }
    }

    /// The fault of a setting whose value is refused.
    pub(super) fn refused(spec: &Spec, found: &Found, refusal: Refusal) -> Self {
        let (problem, allowed) = match refusal {
            Refusal::NotAllowed if spec.is_secret() || may_hold_secret(&found.text) => {
                ("its value is not allowed".to_owned(), allowed(spec))
            }
            Refusal::NotAllowed => (format!("`{}` is not allowed", shortened(&found.text)), allowed(spec)),
            Refusal::Because(reason) => (reason, allowed(spec)),
        };
        Self { allowed, ..Self::new(spec.name(), &found.source, problem) }
    }
}

fn allowed(spec: &Spec) -> Option<String> {
    match &spec.kind {
        Kind::Built { allowed, .. } => Some(allowed()),
        Kind::Later(accepted) => accepted.first().map(|text| format!("`{text}`")),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if let Some(source) = &self.source {
            write!(f, " ({source})")?;
        }
        write!(f, ": {}", self.problem)?;
        if let Some(allowed) = &self.allowed {
            write!(f, "; allowed: {allowed}")?;
        }
        Ok(())
    }
}

/// All faults of a configuration.
#[derive(Debug, Serialize, thiserror::Error)]
#[serde(transparent)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "the configuration has {count} {}", if count == 1 { "fault" } else { "faults" })?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}
