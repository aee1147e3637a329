//! Redis against the suites of the ports it serves, and what it promises
//! beyond them; also while it fails.
//!
//! `AAM_TEST_REDIS_URL` names a Redis 6 or newer that others may use at the
//! same time. What would disturb them runs on servers that the tests start
//! themselves, from the `redis-server` on the `PATH`.

mod cache;
mod changes;
mod faults;
mod limiter;
mod link;
mod losses;
mod proxy;
mod registries;
mod server;
mod world;
