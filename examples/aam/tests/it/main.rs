//! The real `aam` against a real registry, on in-memory ports, over HTTP.

mod accounts;
mod agents;
mod answers;
mod audit_log;
mod carry;
mod ceilings;
mod create;
mod deploy;
mod edited;
mod exposed;
#[cfg(target_os = "linux")]
mod full_disk;
mod golden;
mod governance;
mod hostile;
mod install;
#[cfg(unix)]
mod interrupted;
mod limits;
mod machine;
mod names;
mod pkg;
mod proxy;
mod publish;
mod recalls;
mod records;
mod registries;
mod server;
mod signs;
mod stage;
mod terminal;
mod tour;
mod trusted_publishing;
mod unseen;
mod words;
