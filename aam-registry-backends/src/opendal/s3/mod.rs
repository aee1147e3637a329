//! S3, and what speaks it.

mod config;
mod connect;
mod uploads;

pub use config::S3Config;
pub(super) use connect::connect;
pub(super) use uploads::Uploads;
