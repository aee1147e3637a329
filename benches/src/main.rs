//! One command that measures the registry beside a yardstick in the same run.
//!
//! Machines are noisy, so every figure is a ratio against nginx serving the
//! same bytes with the same headers, in interleaved rounds. Nothing here fails
//! because of a figure.

mod archive;
mod build;
mod error;
mod install;
mod load;
mod measure;
mod nginx;
mod process;
mod registry;
mod report;

use std::{path::PathBuf, time::Duration};

use clap::Parser;

use crate::{
    error::{Failure, Result},
    measure::{Contestant, Plan},
    nginx::Nginx,
    registry::RegistryServer,
    report::Report,
};

/// Measures the download of a 12 KB archive, with nginx as the yardstick.
///
/// Builds the server, starts it and nginx on the loopback, and lets wrk load
/// each in turn. Takes about a minute after the build.
#[derive(Debug, Parser)]
#[command(name = "aam-registry-benches")]
struct Options {
    /// How many times each server is measured
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How long one measurement takes, in seconds
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// How many keep-alive connections load a server
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1000))]
    connections: u32,
    /// The cargo profile to build the server with; `dist` is that of shipped binaries
    #[arg(long, default_value = "release")]
    profile: String,
    /// Measures this server binary instead of building one
    #[arg(long)]
    server: Option<PathBuf>,
    /// Installs nothing: what is missing is only told
    #[arg(long)]
    no_install: bool,
    /// Where the results go as JSON
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/results"))]
    results: PathBuf,
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    match run(Options::parse()).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<()> {
    if !options.no_install {
        install::missing(&["wrk", "nginx"]).await;
    }
    let wrk =
        install::find("wrk").ok_or(Failure::Missing("wrk, the load generator, is not installed (Debian: wrk)"))?;
    let binary = match options.server {
        Some(binary) => binary,
        None => build::server(&options.profile).await?,
    };

    let archive = archive::of_12_kb()?;
    let registry = RegistryServer::start(&binary).await?;
    let download = registry.publish(archive).await?;
    let nginx = if let Some(nginx) = install::find("nginx") {
        Some(Nginx::start(&nginx, &download).await?)
    } else {
        eprintln!("nginx is not installed (Debian: nginx), so there is no yardstick and no ratio");
        None
    };
    let yardstick =
        nginx.as_ref().map(|nginx| Contestant { name: "nginx", pid: nginx.pid(), url: nginx.url(&download) });
    let ours = Contestant { name: "aam-registry", pid: registry.pid(), url: download.url.clone() };
    let contestants: Vec<_> = yardstick.into_iter().chain([ours]).collect();

    let plan = Plan {
        rounds: options.rounds,
        warm_up: Duration::from_secs(1),
        duration: Duration::from_secs(options.seconds),
        connections: options.connections,
    };
    let rounds = measure::interleaved(&wrk, &contestants, &plan).await?;
    let report = Report::new(&plan, &contestants, &rounds, download.body.len());
    report.print();
    let path = report.write(&options.results)?;
    eprintln!("written to {}", path.display());
    Ok(())
}
