//! PostgreSQL against the suite of the metadata ports, and what it promises beyond it.

mod changes_feed;
mod clocks;
mod conformance;
mod connecting;
mod isolation;
mod locked;
mod lost;
mod maintenance;
mod metrics;
mod migrations;
mod plans;
mod processes;
mod proxy;
mod races;
mod replica;
mod round_trips;
mod rows;
mod searches;
mod silent;
mod standing;
mod tampering;
mod texts;
mod tls;
mod world;
