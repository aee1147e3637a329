//! Archives cached in front of their store.

mod conformance;
mod fetching;
mod keeping;
mod store;
