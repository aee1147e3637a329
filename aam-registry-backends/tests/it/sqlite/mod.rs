//! SQLite against the suite of the metadata ports, and what it promises beyond it.

mod changes_feed;
mod conformance;
mod durability;
mod migrations;
mod processes;
mod searches;
mod world;
