//! Downloads whose answers are prepared except for the bytes.

mod ready;
mod table;

pub(crate) use ready::{ReadyDownload, Wanted};
pub(crate) use table::ReadyDownloads;
