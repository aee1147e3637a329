use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Stdio,
};

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::process::Command;
use tokio_postgres::{Client, NoTls};

use crate::{
    bench::Bench,
    error::{Failure, Result},
    process::{Running, free_port, is_root},
};

const USER: &str = "aam";

/// A PostgreSQL server with a cluster of its own and its default settings.
#[derive(Debug)]
pub(crate) struct Postgres {
    _process: Running,
    port: u16,
    _folder: TempDir,
}

impl Postgres {
    /// Makes a cluster in a folder that ends with it, and starts its server.
    pub(crate) async fn start(bench: &Bench) -> Result<Self> {
        let folder = bench.folder("postgres")?;
        let (initdb, postgres) = (program("initdb")?, program("postgres")?);
        let (user, group) = owner()?;
        let data = folder.path().join("data");
        if is_root() {
            chown(folder.path(), Some(user), Some(group)).map_err(Failure::io("the folder for PostgreSQL"))?;
        }
        let mut command = Command::new(initdb);
        command.arg("--pgdata").arg(&data).args(["--username", USER, "--auth=trust", "--encoding=UTF8", "--no-locale"]);
        let made = as_owner(&mut command, user, group).output().await.map_err(Failure::io("initdb does not start"))?;
        if !made.status.success() {
            let complaint = String::from_utf8_lossy(&made.stderr);
            return Err(Failure::Absent(format!("PostgreSQL makes no cluster: {}", complaint.trim())));
        }
        let port = free_port()?;
        let mut command = Command::new(postgres);
        command.arg("-D").arg(&data).arg("-k").arg(folder.path());
        command.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        as_owner(&mut command, user, group).stdout(Stdio::null()).stderr(Stdio::null());
        // The fast shutdown: clients are cut off, processes of its own end, too.
        let mut process = Running::start("PostgreSQL", command)?.that_ends_by(Signal::INT);
        process.listens(port).await?;
        Ok(Self { _process: process, port, _folder: folder })
    }

    /// Makes a database, and gives its URL.
    pub(crate) async fn database(&self, name: &str) -> Result<String> {
        let client = connect(&self.url("postgres")).await?;
        client.batch_execute(&format!("CREATE DATABASE \"{name}\"")).await?;
        Ok(self.url(name))
    }

    fn url(&self, database: &str) -> String {
        format!("postgresql://{USER}@127.0.0.1:{}/{database}", self.port)
    }
}

/// Connects, waiting for a server that is still starting.
async fn connect(url: &str) -> Result<Client> {
    let mut tries = 0;
    let (client, connection) = loop {
        match tokio_postgres::connect(url, NoTls).await {
            Ok(connected) => break connected,
            Err(error) if tries == 100 || error.as_db_error().is_none() && tries > 20 => return Err(error.into()),
            Err(_) => tries += 1,
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    // It ends with the client, and what goes wrong on it the client is told.
    tokio::spawn(async move { connection.await.ok() });
    Ok(client)
}

/// The newest program of that name on the path or where Debian puts them.
fn program(name: &str) -> Result<PathBuf> {
    if let Some(found) = crate::install::find(name) {
        return Ok(found);
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = versions.map(|version| version.path().join("bin").join(name)).collect();
    found.retain(|path| path.is_file());
    found.sort();
    found.pop().ok_or_else(|| Failure::Absent("PostgreSQL is not installed (Debian: postgresql)".to_owned()))
}

/// As whom it runs: it refuses to be root.
fn owner() -> Result<(u32, u32)> {
    if !is_root() {
        return Ok((0, 0));
    }
    let users = fs::read_to_string("/etc/passwd").map_err(Failure::io("the users"))?;
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    ids("postgres").or_else(|| ids("nobody")).ok_or_else(|| {
        Failure::Absent("PostgreSQL cannot run as root, and there is no user `postgres` or `nobody`".to_owned())
    })
}

fn as_owner(command: &mut Command, user: u32, group: u32) -> &mut Command {
    command.stdin(Stdio::null()).current_dir(Path::new("/")).env_remove("PGDATA").env("LC_ALL", "C");
    if is_root() { command.uid(user).gid(group) } else { command }
}
