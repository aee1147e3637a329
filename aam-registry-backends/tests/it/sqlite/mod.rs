//! SQLite against the suite of the metadata ports, and what it promises beyond it.

mod changes_feed;
mod conformance;
mod durability;
mod lost_commits;
mod migrations;
mod processes;
mod replaced;
mod searches;
mod tampering;
mod world;
