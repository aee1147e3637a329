//! The commands.

mod answer;
mod audit;
mod backup;
mod config;
mod create_admin;
mod db;
mod export;
mod healthcheck;
mod import;
mod jobs;
mod listed;
mod migrate;
mod old_versions;
mod password;
mod progress;
mod read_only;
mod restore;
mod serve;
mod storage;
mod token;
mod user;
mod version;
mod webhook;

use std::process::ExitCode;

use crate::{
    cli::{
        AuditAction, BackupAction, Cli, Command, ConfigAction, DbAction, JobsAction, ReadOnlyAction, StorageAction,
        TokenAction, UserAction, VersionAction, WebhookAction,
    },
    config::{Flags, Loaded, Surroundings, load},
};
use answer::{Answer, Failed};

/// Runs the command of the command line.
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
        Some(Command::User(user)) => match user.action {
            UserAction::Create(create) => {
                let flags = before.then(create.flags.clone());
                user::create(create, surroundings(flags))
            }
            UserAction::List(list) => user::list(&list, surroundings(before.then(list.flags.clone()))),
            UserAction::Show(show) => user::show(&show, surroundings(before.then(show.flags.clone()))),
            UserAction::Disable(of) => user::set_disabled(&of, true, surroundings(before.then(of.flags.clone()))),
            UserAction::Enable(of) => user::set_disabled(&of, false, surroundings(before.then(of.flags.clone()))),
            UserAction::GrantRole(of) => user::set_role(&of, true, surroundings(before.then(of.flags.clone()))),
            UserAction::RevokeRole(of) => user::set_role(&of, false, surroundings(before.then(of.flags.clone()))),
            UserAction::Delete(of) => user::delete(&of, surroundings(before.then(of.flags.clone()))),
            UserAction::Invite(invite) => {
                let flags = before.then(invite.flags.clone());
                user::invite(invite, surroundings(flags))
            }
            UserAction::ResetOtp(of) => user::reset_otp(&of, surroundings(before.then(of.flags.clone()))),
            UserAction::ResetPassword(reset) => {
                let flags = before.then(reset.flags.clone());
                user::reset_password(reset, surroundings(flags))
            }
        },
        Some(Command::Token(token)) => match token.action {
            TokenAction::Revoke(revoke) => token::revoke(&revoke, surroundings(before.then(revoke.flags.clone()))),
        },
        Some(Command::Version(version)) => match version.action {
            VersionAction::Quarantine(of) => version::quarantine(&of, surroundings(before.then(of.of.flags.clone()))),
            VersionAction::Release(of) => version::release(&of, surroundings(before.then(of.flags.clone()))),
            VersionAction::Remove(of) => version::remove(&of, surroundings(before.then(of.flags.clone()))),
        },
        Some(Command::Webhook(webhook)) => match webhook.action {
            WebhookAction::List(list) => webhook::list(&list, surroundings(before.then(list.flags.clone()))),
            WebhookAction::Enable(enable) => webhook::enable(&enable, surroundings(before.then(enable.flags.clone()))),
        },
        Some(Command::Jobs(jobs)) => match jobs.action {
            JobsAction::List(list) => jobs::list(&list, surroundings(before.then(list.flags.clone()))),
            JobsAction::Retry(retry) => jobs::retry(&retry, surroundings(before.then(retry.flags.clone()))),
            JobsAction::Drop(drop) => jobs::drop(&drop, surroundings(before.then(drop.flags.clone()))),
        },
        Some(Command::ReadOnly(command)) => match command.action {
            ReadOnlyAction::On(on) => read_only::on(&on, surroundings(before.then(on.args.flags.clone()))),
            ReadOnlyAction::Off(args) => read_only::off(&args, surroundings(before.then(args.flags.clone()))),
            ReadOnlyAction::Status(args) => read_only::status(&args, surroundings(before.then(args.flags.clone()))),
        },
        Some(Command::Storage(storage)) => match storage.action {
            StorageAction::Cleanup(cleanup) => {
                storage::cleanup(&cleanup, surroundings(before.then(cleanup.flags.clone())))
            }
            StorageAction::Adopt(adopt) => storage::adopt(&adopt, surroundings(before.then(adopt.flags.clone()))),
            StorageAction::Verify(verify) => storage::verify(&verify, surroundings(before.then(verify.flags.clone()))),
        },
        Some(Command::CleanupOldVersions(cleanup)) => {
            old_versions::run(&cleanup, surroundings(before.then(cleanup.flags.clone())))
        }
        Some(Command::Audit(audit)) => match audit.action {
            AuditAction::Verify(verify) => audit::verify(&verify, surroundings(before.then(verify.flags.clone()))),
            AuditAction::Export(export) => audit::export(&export, surroundings(before.then(export.flags.clone()))),
            AuditAction::Prune(prune) => audit::prune(&prune, surroundings(before.then(prune.flags.clone()))),
        },
        Some(Command::Db(db)) => {
            let (DbAction::Stats(args) | DbAction::Vacuum(args) | DbAction::Check(args)) = &db.action;
            db::run(&db.action, args, surroundings(before.then(args.flags.clone())))
        }
        Some(Command::Backup(backup)) => match &backup.action {
            None => backup::run(&backup, surroundings(before.then(backup.flags.clone()))),
            Some(BackupAction::Verify(verify)) => {
                backup::verify(verify, surroundings(before.then(verify.flags.clone())))
            }
            Some(BackupAction::Ls(list)) => backup::list(list, surroundings(before.then(list.flags.clone()))),
        },
        Some(Command::Restore(restore)) => restore::run(&restore, surroundings(before.then(restore.flags.clone()))),
        Some(Command::Export(export)) => export::run(&export, surroundings(before.then(export.flags.clone()))),
        Some(Command::Import(import)) => import::run(&import, surroundings(before.then(import.flags.clone()))),
        Some(Command::Healthcheck(check)) => {
            let flags = before.then(check.flags.clone());
            healthcheck::run(&check, surroundings(flags))
        }
        Some(Command::Config(config)) => match config.action {
            ConfigAction::Check(args) => config::check(args.json, surroundings(before.then(args.flags))),
            ConfigAction::Show(args) => config::show(args.json, surroundings(before.then(args.flags))),
            ConfigAction::Reference => Ok(config::reference()),
        },
    };
    answer::exit_code(outcome)
}

fn surroundings<const SHOWN: bool>(flags: Flags<SHOWN>) -> Surroundings {
    Surroundings::of_process(flags.values, flags.config)
}

/// The runtime for a command.
fn runtime() -> Result<tokio::runtime::Runtime, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| Failed(format!("no threads can be started: {error}")))
}

/// Loads the configuration for a command other than `config`.
fn configuration(surroundings: Surroundings) -> Result<Loaded, Failed> {
    let loaded = load(surroundings)?;
    for warning in &loaded.warnings {
        answer::warn(warning);
    }
    Ok(loaded)
}
