//! Archives through OpenDAL.

mod folder;
mod memory;
mod s3;
