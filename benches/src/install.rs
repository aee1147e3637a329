use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use crate::process::is_root;

/// The programs that rows use, each with its Debian package.
const PROGRAMS: [(&str, &str); 6] = [
    ("wrk", "wrk"),
    ("nginx", "nginx-light"),
    ("h2load", "nghttp2-client"),
    ("docker-registry", "docker-registry"),
    ("initdb", "postgresql"),
    ("npm", "npm"),
];

/// The npm package of verdaccio. One of its dependencies is selected by a tag that npm mirrors may
/// lack; the version here is what the tag names.
const VERDACCIO: &str =
    r#"{"private": true, "dependencies": {"verdaccio": "6"}, "overrides": {"node-fetch": "^2.6.7"}}"#;

/// Debian's folder for PostgreSQL, with a subfolder for each version.
pub(crate) const POSTGRES: &str = "/usr/lib/postgresql";

/// Finds a program on the path, or in Debian's folder for servers.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The folder for the files of the benchmarks: in the build folder.
pub(crate) fn folder() -> PathBuf {
    let binary = env::current_exe().ok();
    let target = binary.as_deref().and_then(|binary| binary.parent()?.parent());
    target.unwrap_or(Path::new("target")).join("benches")
}

/// The script that starts verdaccio, whether or not it is installed.
pub(crate) fn verdaccio() -> PathBuf {
    folder().join("verdaccio/node_modules/verdaccio/bin/verdaccio")
}

/// Installs what is missing, if possible: Debian packages with apt-get as root, and verdaccio in the
/// build folder with npm.
pub(crate) async fn missing() {
    let missing = PROGRAMS.iter().filter(|(program, _)| find(program).is_none() && !is_postgres_there(program));
    let packages: Vec<_> = missing.map(|(_, package)| *package).collect();
    if let (false, true, Some(apt)) = (packages.is_empty(), is_root(), find("apt-get")) {
        eprintln!("installing {} with apt-get", packages.join(", "));
        // The package lists may be empty, as in a new container.
        let installed = apt_get(&apt, &packages).await || (update(&apt).await && apt_get(&apt, &packages).await);
        if !installed {
            eprintln!("apt-get could not install all of {}", packages.join(", "));
        }
    }
    if let (false, Some(npm)) = (verdaccio().is_file(), find("npm")) {
        eprintln!("installing verdaccio with npm");
        if !install_verdaccio(&npm).await {
            eprintln!("npm could not install verdaccio");
        }
    }
}

async fn install_verdaccio(npm: &Path) -> bool {
    let prefix = folder().join("verdaccio");
    let written = fs::create_dir_all(&prefix).and_then(|()| fs::write(prefix.join("package.json"), VERDACCIO));
    let mut command = Command::new(npm);
    command.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(&prefix);
    written.is_ok() && succeeds(command).await
}

/// Debian does not add PostgreSQL's programs to the path.
fn is_postgres_there(program: &str) -> bool {
    program == "initdb" && Path::new(POSTGRES).is_dir()
}

async fn apt_get(apt: &Path, packages: &[&str]) -> bool {
    let mut command = Command::new(apt);
    command.args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages);
    succeeds(command).await
}

async fn update(apt: &Path) -> bool {
    let mut command = Command::new(apt);
    command.args(["update", "--quiet"]);
    succeeds(command).await
}

async fn succeeds(mut command: Command) -> bool {
    command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}
