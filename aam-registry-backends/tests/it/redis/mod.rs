//! Redis with the suites of the ports it implements, and its further guarantees; also while it fails.
//!
//! `AAM_TEST_REDIS_URL` names a Redis 6 or newer that others may use at the same time. Tests that would
//! disturb them start their own servers with the `redis-server` on the `PATH`.

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
