//! `aam`, the command-line client of the AAM registry.

mod api;
mod atomic_file;
mod ci_identity;
mod cli;
mod commands;
mod config;
mod confined;
mod deploy;
mod failure;
mod install;
mod interrupt;
mod output;
mod package;
mod progress;
mod project;
mod prompt;
mod session;
mod spec;
mod text;
mod yaml;

use std::{env, process::ExitCode};

use clap::Parser;

use crate::{cli::Cli, failure::Failure, output::Output};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && env::args_os().any(|argument| argument == "--json") => {
            let failure = Failure::usage(error.to_string().trim_end().to_owned());
            Output::new(true, false).failure(&failure);
            return failure.kind.exit_code().into();
        }
        Err(error) => error.exit(),
    };
    let out = cli.output();
    match cli.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out.failure(&failure);
            failure.kind.exit_code().into()
        }
    }
}
