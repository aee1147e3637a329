use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::process::Command;
use tokio_postgres::{Client, NoTls};

use crate::{
    bench::Bench,
    error::{Failure, Result},
    install,
    process::{Running, free_port, is_root},
};

const USER: &str = "aam";
const MAINTENANCE: &str = "postgres";

/// A PostgreSQL server with its own cluster and default settings.
#[derive(Debug)]
pub(crate) struct Postgres {
    _process: Running,
    port: u16,
    _folder: Option<TempDir>,
}

impl Postgres {
    /// Starts a server on a new cluster that is removed with it.
    pub(crate) async fn start(bench: &Bench) -> Result<Self> {
        let folder = bench.folder("postgres")?;
        let started = Self::start_in(folder.path()).await?;
        Ok(Self { _folder: Some(folder), ..started })
    }

    /// Starts a server on the cluster that earlier runs have left.
    pub(crate) async fn start_kept(bench: &Bench) -> Result<Self> {
        let folder = bench.kept_folder("postgres");
        fs::create_dir_all(&folder).map_err(Failure::io("the folder for PostgreSQL"))?;
        Self::start_in(&folder).await
    }

    async fn start_in(folder: &Path) -> Result<Self> {
        let (initdb, postgres) = (program("initdb")?, program("postgres")?);
        let owner = Owner::choose()?;
        owner.give(folder)?;
        let data = folder.join("data");
        if !data.join("PG_VERSION").is_file() {
            let mut command = owner.command(&initdb);
            command.arg("--pgdata").arg(&data);
            command.args(["--username", USER, "--auth=trust", "--encoding=UTF8", "--no-locale"]);
            let made = command.output().await.map_err(Failure::io("initdb does not start"))?;
            if !made.status.success() {
                let complaint = String::from_utf8_lossy(&made.stderr);
                return Err(Failure::Absent(format!("PostgreSQL makes no cluster: {}", complaint.trim())));
            }
        }
        let port = free_port()?;
        let mut command = owner.command(&postgres);
        command.arg("-D").arg(&data).arg("-k").arg(folder);
        command.args(["-h", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        // The fast shutdown: disconnects clients, and ends the server's child processes too.
        let mut process = Running::start("PostgreSQL", command)?.stopped_by(Signal::INT);
        process.listens(port).await?;
        Ok(Self { _process: process, port, _folder: None })
    }

    /// Creates an empty database, replacing one of that name, and returns its URL.
    pub(crate) async fn new_database(&self, name: &str) -> Result<String> {
        let client = self.connect(MAINTENANCE).await?;
        client.batch_execute(&format!("DROP DATABASE IF EXISTS {name}")).await?;
        client.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        Ok(self.url(name))
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgresql://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    /// The comment on a database; `None` if there is no database.
    pub(crate) async fn comment(&self, database: &str) -> Result<Option<String>> {
        let client = self.connect(MAINTENANCE).await?;
        let query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1";
        let row = client.query_opt(query, &[&database]).await?;
        Ok(row.map(|row| row.try_get::<_, Option<String>>(0)).transpose()?.flatten())
    }

    /// Sets the comment on a database; `comment` must not contain a quote.
    pub(crate) async fn set_comment(&self, database: &str, comment: &str) -> Result<()> {
        let client = self.connect(MAINTENANCE).await?;
        client.batch_execute(&format!("COMMENT ON DATABASE {database} IS '{comment}'")).await?;
        Ok(())
    }

    /// Connects, and waits while the server is still starting.
    pub(crate) async fn connect(&self, database: &str) -> Result<Client> {
        let url = self.url(database);
        let mut tries = 0;
        let (client, connection) = loop {
            match tokio_postgres::connect(&url, NoTls).await {
                Ok(connected) => break connected,
                // After a minute: a cluster that was killed has to recover first.
                Err(error) if tries == 600 => return Err(error.into()),
                Err(_) => tries += 1,
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        // It ends with the client, which reports its errors.
        tokio::spawn(async move { connection.await.ok() });
        Ok(client)
    }
}

/// The newest program of that name on the path or in Debian's folders.
fn program(name: &str) -> Result<PathBuf> {
    if let Some(found) = install::find(name) {
        return Ok(found);
    }
    let versions = fs::read_dir(install::POSTGRES).into_iter().flatten().flatten();
    let mut found: Vec<_> = versions.map(|version| version.path().join("bin").join(name)).collect();
    found.retain(|path| path.is_file());
    found.sort();
    found.pop().ok_or_else(|| Failure::Absent("PostgreSQL is not installed (Debian: postgresql)".to_owned()))
}

/// The user to run it as if this process runs as root, which PostgreSQL refuses.
#[derive(Clone, Copy)]
struct Owner(Option<(u32, u32)>);

impl Owner {
    fn choose() -> Result<Self> {
        if !is_root() {
            return Ok(Self(None));
        }
        let users = fs::read_to_string("/etc/passwd").map_err(Failure::io("the users"))?;
        let ids = |name: &str| {
            let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut fields = line.split(':').skip(2);
            Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
        };
        let owner = ids("postgres").or_else(|| ids("nobody")).ok_or_else(|| {
            Failure::Absent("PostgreSQL cannot be root, and there is no user `postgres` or `nobody`".to_owned())
        })?;
        Ok(Self(Some(owner)))
    }

    fn give(self, folder: &Path) -> Result<()> {
        let Some((user, group)) = self.0 else { return Ok(()) };
        chown(folder, Some(user), Some(group)).map_err(Failure::io("the folder for PostgreSQL"))
    }

    fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).current_dir("/").env_remove("PGDATA").env("LC_ALL", "C");
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command
    }
}
