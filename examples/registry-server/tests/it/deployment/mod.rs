//! What operators deploy the server with, judged against the server itself.

mod compose;
mod documents;
mod files;
mod image;
mod kubernetes;
mod monitoring;
mod proxies;
mod server;
mod systemd;
