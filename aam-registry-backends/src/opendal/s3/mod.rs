//! S3 and compatible stores.

mod config;
mod connect;
mod credentials;
mod uploads;

pub use config::S3Config;
pub(super) use connect::connect;
pub(super) use uploads::Uploads;
