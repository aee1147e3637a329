//! Searches, in the memory of this process.
//!
//! A database says what is listed; an index of it is kept here, so that a
//! search takes microseconds whatever it matches, and finds the same on every
//! database. The index is no cache that may be stale: each search first reads
//! from the database what changed since the last one, which is mostly nothing,
//! and takes the rows it shows from there.

mod bit_set;
mod index;
mod listed;
mod matching;
mod spelling;
mod words;

pub(crate) use index::{Listing, SearchIndex};
pub(crate) use listed::Listed;
#[cfg(feature = "postgres")]
pub(crate) use matching::Found;
