//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{commands, config, failure::Result, output::Output, session::Session};

const AFTER_HELP: &str = "\
Environment:
  AAM_REGISTRY                 the registry to use: a name or an address
  AAM_TOKEN                    a token for that registry (or the default one); never sent elsewhere
  AAM_REGISTRY_TOKEN_<NAME>    a token for the registry called NAME, in capitals, `-` as `_`
  AAM_ID_TOKEN                 in CI, an ID token to publish with as a trusted publisher; GitHub Actions needs none
  AAM_HOME                     the folder of config.yaml and credentials.yaml (default ~/.aam)
  HTTPS_PROXY, HTTP_PROXY      proxies on the way to registries: http://, https://, socks4://, socks5://, socks5h://
  ALL_PROXY, NO_PROXY          one for both; the hosts that are reached without
  SSL_CERT_FILE                on Linux, the root certificates to trust (PEM) in place of the system's
  NO_COLOR                     no colours

Which registry: --registry, AAM_REGISTRY, the default one, the only one, http://localhost:8000.
Which token: AAM_REGISTRY_TOKEN_<NAME>, AAM_TOKEN, what `aam login` stored for that address.

The most that a command takes, whatever a registry says; set it with --max, or under `max` in config.yaml:
  download=4GiB   all archives that one command downloads
  unpacked=8GiB, files=1000000   what it unpacks
  answer=5m       how long an answer may take to arrive whole
  transfer=1h     how long all downloads of a command, or an upload, may take
  slow=1m         how long a download may bring less than 1 KiB a second

Exit codes:
  0 done   1 failed   2 wrong usage or configuration   3 not logged in or not allowed
  4 not found   5 conflict   6 registry unreachable or busy   7 wrong checksum   8 invalid package
  9 `aam audit` found something, or a version is in quarantine   130 stopped with Ctrl-C";

const EXAMPLES: &str = "\
Install and share packages of skills, agents, prompts and instructions for AI coding tools.

  aam registry add local http://localhost:8000 --default
  aam register
  aam install @my_org/style-guide --platform claude,cursor
  aam pkg init my-skills && cd my-skills && aam pkg publish";

/// The client of the AAM registry.
#[derive(Debug, Parser)]
#[command(name = "aam", version, about = "Install and share packages for AI coding tools", long_about = EXAMPLES,
    after_long_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// The registry to use: a name of `aam registry list`, or an address
    #[arg(long, global = true, value_name = "NAME|URL")]
    registry: Option<String>,

    /// The project to work in, instead of the current folder
    #[arg(long, short = 'C', global = true, value_name = "FOLDER", default_value = ".", hide_default_value = true)]
    project: PathBuf,

    /// Print results and errors as JSON
    #[arg(long, global = true)]
    json: bool,

    /// Print results and errors only
    #[arg(long, short, global = true)]
    quiet: bool,

    /// Allow a command more, or less, than usual, whatever the registry says: download=4GiB, unpacked=8GiB,
    /// files=1000000, answer=5m, transfer=1h, slow=1m
    #[arg(long = "max", global = true, value_name = "NAME=VALUE", value_delimiter = ',', value_parser = config::max)]
    max: Vec<(String, String)>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(subcommand)]
    Registry(commands::registry::Registry),
    Register(commands::register::Register),
    Login(commands::login::Login),
    Logout(commands::logout::Logout),
    Whoami(commands::whoami::Whoami),
    Passwd(commands::passwd::Passwd),
    VerifyEmail(commands::verify_email::VerifyEmail),
    #[command(subcommand)]
    Otp(commands::otp::Otp),
    Sessions(commands::sessions::Sessions),
    #[command(subcommand)]
    Account(commands::account::Account),
    #[command(subcommand)]
    User(commands::user::User),
    Invite(commands::invite::Invite),
    #[command(subcommand)]
    Token(commands::token::Token),
    #[command(subcommand)]
    Scope(commands::scope::Scope),
    #[command(subcommand)]
    Webhook(commands::webhook::Webhook),
    #[command(subcommand)]
    Pkg(commands::pkg::Pkg),
    Install(commands::install::Install),
    Update(commands::update::Update),
    #[command(aliases = ["remove", "rm"])]
    Uninstall(commands::uninstall::Uninstall),
    #[command(alias = "ls")]
    List(commands::list::List),
    Search(commands::search::Search),
    Info(commands::info::Info),
    Download(commands::download::Download),
    Yank(commands::yank::Yank),
    Unyank(commands::unyank::Unyank),
    Deprecate(commands::deprecate::Deprecate),
    #[command(subcommand)]
    DistTag(commands::dist_tag::DistTag),
    #[command(subcommand)]
    Owner(commands::owner::Owner),
    #[command(subcommand)]
    TrustedPublisher(commands::trusted_publisher::TrustedPublisher),
    Visibility(commands::visibility::Visibility),
    Approve(commands::approve::Approve),
    Reject(commands::approve::Reject),
    Approvals(commands::approvals::Approvals),
    Quarantine(commands::quarantine::Quarantine),
    Release(commands::quarantine::Release),
    Audit(commands::audit::Audit),
    AuditLog(commands::audit_log::AuditLog),
    #[command(subcommand)]
    Eval(commands::eval::Eval),
    #[command(subcommand)]
    Gate(commands::gate::Gate),
    Report(commands::report::Report),
    Reports(commands::reports::Reports),
}

impl Cli {
    /// How to speak.
    pub(crate) fn output(&self) -> Output {
        Output::new(self.json, self.quiet)
    }

    /// Runs the command.
    pub(crate) async fn run(self) -> Result<()> {
        let session = Session::open(self.output(), self.registry, self.project, &self.max)?;
        match self.command {
            Command::Registry(command) => command.run(session).await,
            Command::Register(command) => command.run(&session).await,
            Command::Login(command) => command.run(&session).await,
            Command::Logout(command) => command.run(&session).await,
            Command::Whoami(command) => command.run(&session).await,
            Command::Passwd(command) => command.run(&session).await,
            Command::VerifyEmail(command) => command.run(&session).await,
            Command::Otp(command) => command.run(&session).await,
            Command::Sessions(command) => command.run(&session).await,
            Command::Account(command) => command.run(&session).await,
            Command::User(command) => command.run(&session).await,
            Command::Invite(command) => command.run(&session).await,
            Command::Token(command) => command.run(&session).await,
            Command::Scope(command) => command.run(&session).await,
            Command::Webhook(command) => command.run(&session).await,
            Command::Pkg(command) => command.run(&session).await,
            Command::Install(command) => command.run(session).await,
            Command::Update(command) => command.run(session).await,
            Command::Uninstall(command) => command.run(session).await,
            Command::List(command) => command.run(&session),
            Command::Search(command) => command.run(&session).await,
            Command::Info(command) => command.run(&session).await,
            Command::Download(command) => command.run(&session).await,
            Command::Yank(command) => command.run(&session).await,
            Command::Unyank(command) => command.run(&session).await,
            Command::Deprecate(command) => command.run(&session).await,
            Command::DistTag(command) => command.run(&session).await,
            Command::Owner(command) => command.run(&session).await,
            Command::TrustedPublisher(command) => command.run(&session).await,
            Command::Visibility(command) => command.run(&session).await,
            Command::Approve(command) => command.run(&session).await,
            Command::Reject(command) => command.run(&session).await,
            Command::Approvals(command) => command.run(&session).await,
            Command::Quarantine(command) => command.run(&session).await,
            Command::Release(command) => command.run(&session).await,
            Command::Audit(command) => command.run(session).await,
            Command::AuditLog(command) => command.run(&session).await,
            Command::Eval(command) => command.run(&session).await,
            Command::Gate(command) => command.run(&session).await,
            Command::Report(command) => command.run(&session).await,
            Command::Reports(command) => command.run(&session).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_does() {
        fn check(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{} says nothing", command.get_name());
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
