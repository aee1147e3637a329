use std::{env, path::PathBuf, process::Stdio};

use serde::Deserialize;
use tokio::process::Command;

use crate::error::{Failure, Result};

const PACKAGE: &str = "aam-registry";

/// A line of cargo's `--message-format=json`, as far as it matters.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Builds the server and tells where it is.
pub(crate) async fn server(profile: &str) -> Result<PathBuf> {
    eprintln!("building {PACKAGE} with the profile {profile}");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--package", PACKAGE, "--bin", PACKAGE, "--profile", profile])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .await
        .map_err(Failure::io("cargo does not start"))?;
    if !output.status.success() {
        return Err(Failure::Other(format!("{PACKAGE} does not build")));
    }
    let messages =
        output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    messages
        .filter(|message| message.target.as_ref().is_some_and(|target| target.name == PACKAGE))
        .find_map(|message| message.executable)
        .ok_or_else(|| Failure::Other("cargo does not say where it put the server".to_owned()))
}
