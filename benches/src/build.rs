use std::{env, path::PathBuf, process::Stdio};

use serde::Deserialize;
use tokio::process::Command;

use crate::error::{Failure, Result};

/// The package and the binary of the registry.
pub(crate) const SERVER: &str = "aam-registry";
/// The package and the binary of the peers.
pub(crate) const PEERS: &str = "aam-registry-peers";

/// A line of cargo's `--message-format=json`, with the fields used here.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Builds packages with a profile, and returns the paths of their binaries.
pub(crate) async fn binaries<const N: usize>(profile: &str, packages: [&str; N]) -> Result<[PathBuf; N]> {
    eprintln!("building {} with the profile {profile}", packages.join(" and "));
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--profile", profile, "--message-format=json-render-diagnostics"]);
    for package in packages {
        command.args(["--package", package, "--bin", package]);
    }
    let output = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .await
        .map_err(Failure::io("cargo does not start"))?;
    if !output.status.success() {
        return Err(Failure::Other(format!("{} does not build", packages.join(" or "))));
    }
    let lines = output.stdout.split(|byte| *byte == b'\n');
    let messages: Vec<Message> = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let mut found = Vec::new();
    for package in packages {
        let of_package = |message: &&Message| message.target.as_ref().is_some_and(|target| target.name == package);
        let executable = messages.iter().filter(of_package).find_map(|message| message.executable.clone());
        found.push(executable.ok_or_else(|| Failure::Other(format!("cargo does not say where it put {package}")))?);
    }
    Ok(found.try_into().expect("one for each package"))
}
