use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::checkout::checkout;

/// The server's binary, built if it is missing or out of date.
pub(crate) fn server_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| env::var_os("AAM_REGISTRY_BIN").map_or_else(|| build("aam-registry"), PathBuf::from))
}

/// The client's binary, built if it is missing or out of date; `AAM_BIN` names another one.
pub fn client_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| env::var_os("AAM_BIN").map_or_else(|| build("aam"), PathBuf::from))
}

/// The binary of the package `name`, which is called like it.
fn build(name: &str) -> PathBuf {
    let test = env::current_exe().expect("the test's own path is known");
    // `<target>/<profile folder>/deps/<test>`
    let folder = test.parent().and_then(Path::parent).expect("cargo puts tests two folders deep");
    let profile = folder.file_name().and_then(|name| name.to_str()).expect("a profile folder");
    let target = folder.parent().expect("a target folder");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--package", name, "--bin", name, "--profile"])
        .arg(if profile == "debug" { "dev" } else { profile })
        .arg("--target-dir")
        .arg(target)
        .current_dir(checkout())
        .status()
        .expect("cargo runs");
    assert!(status.success(), "{name} does not build");
    folder.join(format!("{name}{}", env::consts::EXE_SUFFIX))
}
