use std::{
    env, fs,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Debian's folder for the programs of each release.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Users to run PostgreSQL as if this process runs as root, which PostgreSQL refuses.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// The folder of the server programs of the newest installed release.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let found = folders().find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file());
        found.expect("PostgreSQL's initdb and postgres are installed; on Debian: apt-get install postgresql")
    })
}

/// The folders that may contain PostgreSQL's programs: those of `PATH`, then those of the releases, the
/// newest first.
fn folders() -> impl Iterator<Item = PathBuf> {
    let on_path = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let mut releases: Vec<_> = fs::read_dir(DEBIAN).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    releases.sort_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    let releases = releases.into_iter().rev().map(|release| release.join("bin"));
    on_path.into_iter().chain(releases)
}

/// A client program of PostgreSQL, such as `pg_dump`.
pub(super) fn client(name: &str) -> Command {
    let found = folders().map(|folder| folder.join(name)).find(|program| program.is_file());
    Command::new(
        found.unwrap_or_else(|| panic!("PostgreSQL's {name} is installed; on Debian: apt-get install postgresql")),
    )
}

/// A server program of PostgreSQL, run as a suitable user.
pub(super) fn program(name: &str) -> Command {
    let mut command = Command::new(folder().join(name));
    if let Some((user, group)) = other_user() {
        command.uid(user).gid(group);
    }
    command
}

/// The ids of the user that runs PostgreSQL, if that is not the user of this process.
pub(super) fn other_user() -> Option<(u32, u32)> {
    static USER: OnceLock<Option<(u32, u32)>> = OnceLock::new();
    *USER.get_or_init(|| {
        let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        is_root.then(|| {
            let accounts = fs::read_to_string("/etc/passwd").expect("accounts can be read");
            let found = USERS.iter().find_map(|user| ids(&accounts, user));
            found.expect("a user that PostgreSQL may run as: postgres or nobody")
        })
    })
}

fn ids(accounts: &str, user: &str) -> Option<(u32, u32)> {
    let line = accounts.lines().find(|line| line.split(':').next() == Some(user))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}
