//! Searches, in the memory of this process.
//!
//! The database knows which packages are listed; the process keeps an index of
//! them, so that a search takes microseconds however much it matches, and finds
//! the same on every database. The index is never stale: each search first
//! reads from the database what changed since the last search, which is usually
//! nothing, and reads the rows of its page from the database too.

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
