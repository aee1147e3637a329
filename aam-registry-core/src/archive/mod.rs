//! Reads, checks and packs `.aam` archives: a gzip-compressed tar with `aam.yaml` at its root.
//!
//! Everything here blocks, and uses a limited amount of memory whatever the archive contains. [`judge`]
//! and [`unpack`] share one walk over the archive that enforces all rules, so [`unpack`] accepts
//! exactly what [`judge`] accepts:
//!
//! - One gzip member, read to its verified end, and nothing after it. Inside,
//!   a tar with its end-of-archive marker, and only zeros after that.
//! - Limits are enforced while reading: an entry that would exceed them ends the reading before its
//!   contents are unpacked. Long names and PAX records count as unpacked bytes and have at most 1 MiB
//!   per entry; at most 1 MiB may follow the end marker.
//! - Paths are relative and plain, with at most 1,024 bytes and 32 segments of at most 255 bytes each,
//!   and at most 256 bytes on average for the allowed number of entries. No two paths differ only in
//!   case, and no path is both a file and a folder.
//! - Only files, folders and links. A link, symbolic or hard, must name a
//!   regular file of the same archive and counts as a copy of it; all others,
//!   devices and sparse files among them, are refused.
//! - Entries that different readers would read differently are refused: a PAX size that contradicts the
//!   header, a path that occurs twice, sizes in base 256.

mod copy;
mod diff;
mod failure;
pub mod front_matter;
mod judge;
mod limits;
mod link;
mod member;
mod names;
mod pack;
mod pax;
mod source;
mod texts;
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
pub use texts::ArtifactFinding;
pub use unpack::unpack;
