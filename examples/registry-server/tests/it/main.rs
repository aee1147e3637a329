//! The server binary as an operator uses it: a process with flags, an environment, files, signals and a
//! log.

mod admin;
mod audit;
mod backup;
mod config;
mod connections;
mod crowd;
mod db;
mod deployment;
mod disk;
mod documents;
mod exchange;
mod http2;
mod jobs;
mod logs;
mod metrics;
mod old_versions;
mod process;
mod read_only;
mod slow;
mod start;
mod stop;
mod tls;
mod users;
mod web;
mod webhooks;
