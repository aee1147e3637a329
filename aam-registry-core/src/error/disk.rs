use std::{error::Error as StdError, fmt, io};

/// Why a disk cannot be written to. Only its operator can change that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiskTrouble {
    /// It is full, or a quota is used up.
    Full,
    /// The file system or the folder cannot be written to, or is not there.
    Unwritable,
}

impl DiskTrouble {
    /// The disk trouble that `error` or one of its causes reports, if any.
    pub fn behind(error: &(dyn StdError + 'static)) -> Option<Self> {
        std::iter::successors(Some(error), |error| (*error).source()).find_map(|cause| {
            let told = cause.downcast_ref::<DiskError>().map(|error| error.trouble);
            told.or_else(|| cause.downcast_ref::<io::Error>().and_then(Self::of))
        })
    }

    /// The disk trouble that `error`, from writing a file, reports, if any.
    pub fn of(error: &io::Error) -> Option<Self> {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Some(Self::Full),
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory => Some(Self::Unwritable),
            _ => None,
        }
    }
}

/// An error about a disk, as a cause for logs: it may contain a path.
#[derive(Debug)]
pub struct DiskError {
    trouble: DiskTrouble,
    reason: String,
}

impl DiskError {
    /// An error of that kind with this reason.
    pub fn new(trouble: DiskTrouble, reason: impl Into<String>) -> Self {
        Self { trouble, reason: reason.into() }
    }
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl StdError for DiskError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_takes_nothing_is_told_from_other_trouble() {
        // The errno(3) numbers, which are the same on every Unix.
        for (number, trouble) in
            [(28, Some(DiskTrouble::Full)), (27, Some(DiskTrouble::Full)), (13, Some(DiskTrouble::Unwritable))]
        {
            assert_eq!(DiskTrouble::behind(&io::Error::from_raw_os_error(number)), trouble, "{number}");
        }
        assert_eq!(DiskTrouble::behind(&io::Error::from(io::ErrorKind::ConnectionReset)), None);
        let behind = crate::Error::storage(DiskError::new(DiskTrouble::Full, "/srv: full"), false);
        assert_eq!(DiskTrouble::behind(&behind), Some(DiskTrouble::Full));
    }
}
