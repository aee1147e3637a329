//! Redis is down, slow or unreachable: nothing hangs, and it is used again when it is back.

mod cache;
mod changes;
mod limiter;
