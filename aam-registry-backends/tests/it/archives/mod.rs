//! Archives stored with OpenDAL.

mod folder;
mod memory;
mod s3;
