#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod archive;
pub mod decide;
pub mod decorate;
pub mod error;
pub mod http;
pub mod jobs;
pub mod memory;
pub mod ports;
pub mod registry;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod types;

pub use error::{Error, ErrorCode, Result};
