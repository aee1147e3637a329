//! One command that measures the registry and its yardsticks in the same run.
//!
//! Speed varies from run to run, so every goal is a ratio to a yardstick that does the same work in
//! interleaved rounds. A figure never makes the command fail.

mod archive;
mod bench;
mod build;
mod error;
mod install;
mod load;
mod machine;
mod measure;
mod options;
mod process;
mod report;
mod rows;
mod scale;
mod server;
mod services;
mod yardsticks;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

use crate::{
    bench::Bench,
    error::{Failure, Result},
    measure::interleaved,
    options::{Command, Options},
    report::{Outcome, Report},
    rows::Spec,
};

/// The registry's name in the table.
const OURS: &str = "aam-registry";

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(mut options: Options) -> Result<()> {
    match options.command.take() {
        None if options.list => list(),
        None => return measure(&options).await,
        Some(Command::Scale(fill)) => {
            let server = if let Some(binary) = &fill.server_binary {
                binary.clone()
            } else {
                let [server] = build::binaries(&fill.profile, [build::SERVER]).await?;
                server
            };
            scale::fill(&Bench::new(&options, server, PathBuf::new())?, &fill).await?;
        }
        Some(Command::S3Server(server)) => services::serve(server).await.map_err(Failure::io("the S3 server"))?,
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the list of rows is the output of the command")]
fn list() {
    for Spec { name, what, .. } in rows::ALL {
        println!("{name:<26}{what}");
    }
}

async fn measure(options: &Options) -> Result<()> {
    let specs = options.rows();
    if specs.is_empty() {
        return Err(Failure::Other("no row is called so; `--list` prints those there are".to_owned()));
    }
    if !options.no_install {
        install::missing().await;
    }
    let [server, peers] = match &options.server_binary {
        None => build::binaries(&options.profile, [build::SERVER, build::PEERS]).await?,
        Some(server) => {
            let [peers] = build::binaries(&options.profile, [build::PEERS]).await?;
            [server.clone(), peers]
        }
    };
    process::raise_open_files();
    let bench = Bench::new(options, server, peers)?;
    let mut report = Report::new(bench.plan(), &options.profile);
    for spec in specs {
        eprintln!("{}", spec.name);
        report.add(outcome(&bench, spec).await);
    }
    report.conclude();
    let folder = match &options.results {
        Some(folder) => folder.clone(),
        None if options.is_whole() => concat!(env!("CARGO_MANIFEST_DIR"), "/results").into(),
        None => bench.kept_folder("results"),
    };
    let [json, svg] = report.write(&folder)?;
    eprintln!("written to {} and {}", json.display(), svg.display());
    Ok(())
}

/// Measures one row; if that fails, the outcome says why.
async fn outcome(bench: &Bench, spec: &Spec) -> Outcome {
    let measured = async {
        let mut row = (spec.prepare)(bench).await?;
        let rounds = interleaved(&mut row, bench.plan()).await?;
        Ok::<_, Failure>(Outcome::new(spec.name, &row, &rounds))
    };
    measured.await.unwrap_or_else(|failure| Outcome::none(spec.name, spec.what, failure.to_string()))
}
