//! The server binary as an operator meets it: a process with flags, an
//! environment, files, signals and a log.

mod admin;
mod config;
mod deployment;
mod logs;
mod process;
mod start;
mod stop;
mod tls;
mod web;
