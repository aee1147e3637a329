//! The registry as its users meet it: a real server process over HTTP.

mod api;
mod kill;
mod races;
mod restarts;
