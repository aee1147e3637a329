//! What each command does.

mod answer;
mod config;
mod create_admin;
mod healthcheck;
mod migrate;
mod serve;

use std::process::ExitCode;

use crate::{
    cli::{Cli, Command, ConfigAction},
    config::{Flags, Loaded, Surroundings, load},
};
use answer::{Answer, Failed};

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let Cli { flags: before, command } = cli;
    let outcome = match command {
        None => serve::run(before),
        Some(Command::Serve(serve)) => serve::run(before.then(serve.flags)),
        Some(Command::Migrate(migrate)) => migrate::run(&migrate, surroundings(before.then(migrate.flags.clone()))),
        Some(Command::CreateAdmin(create)) => {
            let flags = before.then(create.flags.clone());
            create_admin::run(create, surroundings(flags))
        }
        Some(Command::Healthcheck(check)) => {
            let flags = before.then(check.flags.clone());
            healthcheck::run(&check, surroundings(flags))
        }
        Some(Command::Config(config)) => match config.action {
            ConfigAction::Check(args) => config::check(args.json, surroundings(before.then(args.flags))),
            ConfigAction::Show(args) => config::show(args.json, surroundings(before.then(args.flags))),
        },
    };
    answer::exit_code(outcome)
}

fn surroundings<const SHOWN: bool>(flags: Flags<SHOWN>) -> Surroundings {
    Surroundings::of_process(flags.values, flags.config)
}

/// The configuration of a command that only needs it to work.
fn configuration(surroundings: Surroundings) -> Result<Loaded, Failed> {
    let loaded = load(surroundings)?;
    for warning in &loaded.warnings {
        answer::warn(warning);
    }
    Ok(loaded)
}
