//! Archives in a folder and in an object store.

mod folder;
mod s3;
