//! PostgreSQL against the suite of the metadata ports, and what it promises beyond it.

mod conformance;
mod lost;
mod processes;
mod proxy;
mod races;
mod searches;
mod world;
