use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

/// The program of that name on the path, or where Debian puts servers.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Installs the Debian packages of those programs that are missing, where that
/// is possible: as root, with apt-get.
pub(crate) async fn missing(programs: &[&str]) {
    let missing: Vec<_> = programs.iter().copied().filter(|program| find(program).is_none()).collect();
    // Only root may write there; where anybody may, apt-get says no by itself.
    let is_root =
        std::fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0);
    if missing.is_empty() || !is_root {
        return;
    }
    let Some(apt) = find("apt-get") else { return };
    eprintln!("installing {} with apt-get", missing.join(" and "));
    let installed = apt_get(&apt, &missing).await;
    if !installed {
        // The package lists may be empty, as in a fresh container.
        if !apt_get_update(&apt).await || !apt_get(&apt, &missing).await {
            eprintln!("apt-get could not install {}", missing.join(" and "));
        }
    }
}

async fn apt_get(apt: &Path, packages: &[&str]) -> bool {
    let mut command = Command::new(apt);
    command.args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages);
    succeeds(command).await
}

async fn apt_get_update(apt: &Path) -> bool {
    let mut command = Command::new(apt);
    command.args(["update", "--quiet"]);
    succeeds(command).await
}

async fn succeeds(mut command: Command) -> bool {
    command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}
