use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};

use crate::{
    measure::Plan,
    rows::{self, Spec},
    scale::{self, Size},
    services::ObjectServer,
};

/// Measures the registry and what it is compared with, in the same run.
///
/// Builds the server with the profile that is deployed, starts it and every installed yardstick on the
/// loopback interface, gives each the same work in turn, round after round, and prints a table:
/// figures, ratios to each yardstick as the median of the rounds and their extremes, and whether the
/// goals are met. A missed goal is only shown; the command fails only if it cannot measure.
#[derive(Debug, Parser)]
#[command(name = "aam-registry-benches", after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Prints all rows and what they measure
    #[arg(long)]
    pub(crate) list: bool,
    /// Only the row of that name, or those whose name contains the text; several are separated by
    /// commas
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) rows: Vec<String>,
    /// How many times each contender is measured (7; with --quick 2)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
    /// How long one measurement takes, in seconds (5; with --quick 1)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: Option<u64>,
    /// A few short rounds on small registries: checks that everything works, but gives no usable
    /// figures
    #[arg(long)]
    pub(crate) quick: bool,
    /// Packages of the largest registry (100000; with --quick 1000)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    packages: Option<u64>,
    /// Versions of the largest registry (1000000; with --quick 10000)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    versions: Option<u64>,
    /// The cargo profile to build the server and the peers with
    #[arg(long, default_value = "dist")]
    pub(crate) profile: String,
    /// Measures this server instead of building one; the peers are still built
    #[arg(long, value_name = "PATH")]
    pub(crate) server_binary: Option<PathBuf>,
    /// Installs nothing, and only reports what is missing
    #[arg(long)]
    pub(crate) no_install: bool,
    /// The folder for the table as JSON and as a picture; by default in the build folder for a part or
    /// a quick run
    #[arg(long, value_name = "DIR")]
    pub(crate) results: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fills a database with a registry of many packages
    Scale(scale::Fill),
    #[command(hide = true)]
    S3Server(ObjectServer),
}

const EXAMPLES: &str = "\
Everything, as the README shows it (about an hour; the machine should do nothing else):
  cargo run --release -p aam-registry-benches

Does it work at all? (a few minutes after the build)
  cargo run --release -p aam-registry-benches -- --quick

One kind of work, while changing it:
  cargo run --release -p aam-registry-benches -- --rows download-12-kb --rounds 3 --seconds 2
  cargo run --release -p aam-registry-benches -- --rows search,growth

Another build of the server, such as the one before a change:
  cargo run --release -p aam-registry-benches -- --server-binary ../before/aam-registry

A large registry to try things on:
  cargo run --release -p aam-registry-benches -- scale --data-dir ./data --packages 100000 --versions 1000000

Needs wrk. Takes nginx, h2load, PostgreSQL, verdaccio and docker-registry where they are
installed, and installs them where it can (as root on Debian; verdaccio by npm).
Micro-benchmarks: cargo bench -p aam-registry-parts. Instructions and flame graphs:
benches/callgrind, benches/flamegraph.";

impl Options {
    pub(crate) fn plan(&self) -> Plan {
        let (rounds, seconds) = if self.quick { (2, 1) } else { (7, 5) };
        Plan {
            rounds: self.rounds.unwrap_or(rounds),
            warm_up: Duration::from_secs(1),
            duration: Duration::from_secs(self.seconds.unwrap_or(seconds)),
        }
    }

    /// The largest registry.
    pub(crate) fn size(&self) -> Size {
        let (packages, versions) = if self.quick { (1_000, 10_000) } else { (100_000, 1_000_000) };
        Size::new(self.packages.unwrap_or(packages), self.versions.unwrap_or(versions))
    }

    /// The selected rows.
    pub(crate) fn rows(&self) -> Vec<&'static Spec> {
        let is_wanted = |spec: &&Spec| {
            self.rows.iter().any(|pattern| {
                let is_name = rows::ALL.iter().any(|other| other.name == pattern);
                if is_name { spec.name == pattern } else { spec.name.contains(pattern.as_str()) }
            })
        };
        rows::ALL.iter().filter(|spec| self.rows.is_empty() || is_wanted(spec)).collect()
    }

    /// Whether the results are complete, as those in the README.
    pub(crate) fn is_whole(&self) -> bool {
        self.rows.is_empty() && !self.quick && self.packages.is_none() && self.versions.is_none()
    }
}
