//! Why a command did not do what it was asked, and the exit code that says so.

use std::{fmt, io, path::Path};

use serde::Serialize;
use serde_json::Value;

/// The kind of a failure; each has an exit code of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Anything that has no code of its own.
    Other,
    /// The command line or a configuration file is wrong.
    Usage,
    /// Not logged in, or not allowed.
    Access,
    /// The registry has no such thing.
    NotFound,
    /// It clashes with what exists.
    Conflict,
    /// The registry cannot be reached, or cannot answer now.
    Unavailable,
    /// Bytes that are not what they should be.
    Integrity,
    /// A package that does not pass validation.
    Invalid,
    /// Something that is installed should not be used.
    Unsafe,
    /// Its user stopped it.
    Interrupted,
}

impl Kind {
    /// The exit code of the process; the table stands in `aam --help`.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::Usage => 2,
            Self::Access => 3,
            Self::NotFound => 4,
            Self::Conflict => 5,
            Self::Unavailable => 6,
            Self::Integrity => 7,
            Self::Invalid => 8,
            Self::Unsafe => 9,
            Self::Interrupted => 130,
        }
    }
}

/// One line of what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Detail {
    /// What it is about: a field, a file, a package.
    pub(crate) field: String,
    /// What is to be said of it.
    pub(crate) error: String,
}

/// A failed command, told to a person or, with `--json`, to a program.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    #[serde(skip)]
    pub(crate) kind: Kind,
    /// The registry's error code, or one of ours.
    #[serde(rename = "error")]
    pub(crate) code: Box<str>,
    pub(crate) message: Box<str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) details: Vec<Detail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<Box<str>>,
    /// What to do next.
    #[serde(rename = "help", skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<Box<str>>,
    /// What the command found out all the same, for programs.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) found: Option<Box<Value>>,
}

/// The result of most things here.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failure of `kind` with a stable `code`.
    pub(crate) fn new(kind: Kind, code: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: code.into(),
            message: message.into().into_boxed_str(),
            details: Vec::new(),
            request_id: None,
            hint: None,
            found: None,
        }
    }

    /// With what the command found out all the same: an object, whose keys stand beside those of the failure.
    pub(crate) fn with(self, found: Value) -> Self {
        Self { found: Some(Box::new(found)), ..self }
    }

    /// The command line or the configuration is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, "usage", message)
    }

    /// Bytes are not what they should be.
    pub(crate) fn integrity(message: impl Into<String>) -> Self {
        Self::new(Kind::Integrity, "integrity", message)
    }

    /// A package cannot be used as it is.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, "invalid_package", message)
    }

    /// A file or folder could not be worked with; `what` as in "read", "write".
    pub(crate) fn io(what: &str, path: &Path, error: &io::Error) -> Self {
        Self::system(&format!("Cannot {what} {}", path.display()), error)
    }

    /// `what` could not be done, since this machine does not do what it was asked.
    pub(crate) fn system(what: &str, error: &io::Error) -> Self {
        let failure = Self::new(Kind::Other, "io", format!("{what}: {error}"));
        match io_hint(error.kind()) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// As [`Self::io`], where `error` of the library is about this machine's disk and nothing else.
    pub(crate) fn disk(what: &str, path: &Path, error: &aam_registry_core::Error) -> Option<Self> {
        let aam_registry_core::Error::Backend(backend) = error else { return None };
        backend.source.downcast_ref::<io::Error>().map(|error| Self::io(what, path, error))
    }

    /// Says what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into().into_boxed_str());
        self
    }

    /// Says what to do next, where that is not said yet.
    pub(crate) fn or_hint(self, hint: impl Into<String>) -> Self {
        if self.hint.is_some() { self } else { self.hint(hint) }
    }

    /// Lists what there is to list.
    pub(crate) fn details(mut self, details: Vec<Detail>) -> Self {
        self.details = details;
        self
    }
}

/// What to do about a disk that does not do what it is asked.
fn io_hint(kind: io::ErrorKind) -> Option<&'static str> {
    Some(match kind {
        io::ErrorKind::StorageFull => {
            "the disk is full: make room and run the command again, which finishes what was begun; archives are \
             unpacked in TMPDIR first"
        }
        io::ErrorKind::QuotaExceeded => {
            "you have used up what you may store there: make room and run the command again, which finishes what was \
             begun; archives are unpacked in TMPDIR first"
        }
        io::ErrorKind::FileTooLarge => "the file is larger than this system lets you write; see `ulimit -f`",
        io::ErrorKind::ReadOnlyFilesystem => "the disk is mounted read-only; work on a copy elsewhere",
        io::ErrorKind::PermissionDenied => {
            "you may not; see with `ls -l` whose it is, for example after a command that was run with sudo"
        }
        _ => return None,
    })
}

impl Detail {
    /// A detail about `field`.
    pub(crate) fn new(field: impl Into<String>, error: impl Into<String>) -> Self {
        Self { field: field.into(), error: error.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<aam_registry_core::error::InvalidName> for Failure {
    fn from(error: aam_registry_core::error::InvalidName) -> Self {
        Self::usage(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_does_not_do_what_it_is_asked_is_told_with_what_to_do() {
        use std::fmt::Write;
        let mut told = String::new();
        for kind in [
            io::ErrorKind::StorageFull,
            io::ErrorKind::QuotaExceeded,
            io::ErrorKind::ReadOnlyFilesystem,
            io::ErrorKind::FileTooLarge,
            io::ErrorKind::PermissionDenied,
        ] {
            let failure = Failure::io("write", Path::new("/home/me/project/AGENTS.md"), &kind.into());
            let hint = failure.hint.as_deref().unwrap_or_default();
            let _ = writeln!(told, "error: {failure}\nhelp: {hint}\n");
        }
        insta::assert_snapshot!("disk", told);
    }
}
