//! Reading, judging and making an `.aam`: a gzip-compressed tar with
//! `aam.yaml` at its root.
//!
//! Everything here blocks and holds a bounded amount of memory whatever the
//! archive holds. One walk over the archive keeps all the rules, so what
//! [`judge`] accepts is what [`unpack`] writes:
//!
//! - One gzip member, read to its verified end, and nothing after it. Inside,
//!   a tar with its end-of-archive marker, and only zeros after that.
//! - Limits are counted while reading: an entry that would go beyond them ends
//!   the reading before its contents are unpacked. Long names and PAX records
//!   count as unpacked bytes and have at most 1 MiB an entry; what may follow
//!   the end marker has at most 1 MiB.
//! - Paths are relative and plain, of at most 1,024 bytes and 32 segments of at
//!   most 255 bytes, and all together of at most 256 bytes for each entry allowed. No two differ only in case, and no file is a folder too.
//! - Only files, folders and links. A link, symbolic or hard, must name a
//!   regular file of the same archive and counts as a copy of it; all others,
//!   devices and sparse files among them, are refused.
//! - What different readers would read differently is refused: a PAX size that
//!   contradicts the header, a path given twice, sizes in base 256.

mod copy;
mod diff;
mod failure;
mod judge;
mod limits;
mod link;
mod member;
mod names;
mod pack;
mod pax;
mod source;
mod tree;
mod unpack;
mod walk;

pub use copy::copy_file;
pub use diff::{
    FileDiff, FileStatus, MAX_DIFF, MAX_DIFFED_FILE, MAX_DIFFS, MAX_FILE_DIFFS, MAX_MANIFEST_CHANGES,
    MAX_MANIFEST_DIFF, MAX_MANIFEST_VALUE, ManifestChange, PackageDiff, diff,
};
pub use judge::{JudgedArchive, MAX_README, judge};
pub use limits::ArchiveLimits;
pub use names::NameRule;
pub use pack::{PackContents, PackEntry, pack};
pub use unpack::unpack;
