//! Tells the server which commit it is built from: `AAM_COMMIT`, empty where that is not known, and `AAM_VERSION`,
//! what `--version` prints.
//!
//! The commit is the value of the variable of this name, for builds outside a clone; else what git says. Builds of the
//! profile `dev` do not ask git, so that a commit does not make them compile the server again.

use std::{env, path::Path, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=AAM_COMMIT");
    let commit = env::var("AAM_COMMIT").ok().filter(|commit| !commit.is_empty());
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = commit.or_else(|| is_release.then(checked_out).flatten());
    let version = env!("CARGO_PKG_VERSION");
    match &commit {
        Some(commit) => println!("cargo::rustc-env=AAM_VERSION={version} (commit {commit})"),
        None => println!("cargo::rustc-env=AAM_VERSION={version}"),
    }
    println!("cargo::rustc-env=AAM_COMMIT={}", commit.unwrap_or_default());
}

/// The commit that is checked out; `None` outside a clone, or without git.
fn checked_out() -> Option<String> {
    // Git appends a line there for each commit and each checkout.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    if Path::new(&log).exists() {
        println!("cargo::rerun-if-changed={log}");
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| output.status.success() && !text.is_empty())
}
