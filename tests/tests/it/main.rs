//! The registry as its users meet it: a real server process over HTTP.

mod api;
mod kill;
mod object_store;
mod races;
mod restarts;
