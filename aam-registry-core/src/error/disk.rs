use std::{error::Error as StdError, fmt, io};

/// Why a disk takes nothing. Nothing heals it but what its operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskTrouble {
    /// It is full, or what may be taken of it is.
    Full,
    /// The file system or the folder cannot be written to, or is not there.
    Unwritable,
}

impl DiskTrouble {
    /// What is wrong with a disk, where `error` or one of its causes is about that.
    pub fn behind(error: &(dyn StdError + 'static)) -> Option<Self> {
        std::iter::successors(Some(error), |error| (*error).source()).find_map(|cause| {
            let told = cause.downcast_ref::<DiskError>().map(|error| error.trouble);
            told.or_else(|| cause.downcast_ref::<io::Error>().and_then(Self::of))
        })
    }

    /// What is wrong with a disk, where `error`, met when writing a file, is about that.
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

/// That a disk takes nothing, as a cause for logs: it may name a path.
#[derive(Debug)]
pub struct DiskError {
    trouble: DiskTrouble,
    reason: String,
}

impl DiskError {
    /// An error of that kind, for that reason.
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
        // As errno(3) numbers them on every Unix.
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
