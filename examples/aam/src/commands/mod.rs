//! The commands, one a file.

pub(crate) mod audit_log;
pub(crate) mod deprecate;
pub(crate) mod dist_tag;
pub(crate) mod download;
pub(crate) mod info;
pub(crate) mod install;
pub(crate) mod list;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod owner;
pub(crate) mod passwd;
pub(crate) mod pkg;
pub(crate) mod register;
pub(crate) mod registry;
pub(crate) mod scope;
pub(crate) mod search;
pub(crate) mod sessions;
pub(crate) mod token;
pub(crate) mod trusted_publisher;
pub(crate) mod uninstall;
pub(crate) mod unyank;
pub(crate) mod update;
pub(crate) mod verify_email;
pub(crate) mod webhook;
pub(crate) mod whoami;
pub(crate) mod yank;
