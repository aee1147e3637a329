//! Checks the deployment files against the server.

mod compose;
mod documents;
mod files;
mod image;
mod kubernetes;
mod monitoring;
mod proxies;
mod server;
mod systemd;
