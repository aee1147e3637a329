//! The real `aam` against a real registry, on in-memory ports, over HTTP.

mod accounts;
mod deploy;
mod hostile;
mod install;
mod machine;
mod pkg;
mod proxy;
mod publish;
mod registries;
mod server;
mod tour;
