//! PostgreSQL against the suite of the metadata ports, and what it promises beyond it.

mod conformance;
mod lost;
mod processes;
#[expect(dead_code, reason = "it can do more than is asked of it so far")]
mod proxy;
mod races;
mod searches;
mod world;
