//! The real `aam` against a real registry, on in-memory ports, over HTTP.

mod accounts;
mod agents;
mod answers;
mod audit_log;
mod carry;
mod create;
mod deploy;
mod golden;
mod hostile;
mod install;
mod limits;
mod machine;
mod pkg;
mod proxy;
mod publish;
mod records;
mod registries;
mod server;
mod stage;
mod tour;
mod trusted_publishing;
mod unseen;
mod words;
