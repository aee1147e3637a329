//! The AAM registry server: configuration, commands and server process around [`aam_registry_core`].

mod assemble;
mod backup;
mod cli;
mod commands;
mod config;
mod disks;
mod file_registry;
mod generated_secret;
mod logs;
mod metrics;
mod remedy;
mod serve;
mod traces;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    commands::run(cli::Cli::parse())
}
