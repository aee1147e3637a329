use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
    sync::Arc,
};

use tempfile::TempDir;

use crate::{
    error::{Failure, Result},
    install,
    load::{H2load, Tool, Wrk},
    measure::Plan,
    options::Options,
    scale::Size,
    server::{Launcher, Registry, Setup},
};

/// What every row needs: the binaries, a folder, the number and length of measurements.
#[derive(Debug)]
pub(crate) struct Bench {
    plan: Plan,
    scale: Size,
    launcher: Arc<Launcher>,
    peers: PathBuf,
    folder: PathBuf,
    certificate: Certificate,
    run: RunFolder,
}

/// The files of this run, removed when it ends.
#[derive(Debug)]
struct RunFolder(PathBuf);

/// A certificate created for this run, in PEM.
#[derive(Debug)]
pub(crate) struct Certificate {
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
    _folder: TempDir,
}

impl Bench {
    pub(crate) fn new(options: &Options, server: PathBuf, peers: PathBuf) -> Result<Self> {
        let server = std::path::absolute(server).map_err(Failure::io("the server's binary"))?;
        let folder = install::folder();
        let run = RunFolder::make(&folder.join("run")).map_err(Failure::io("the folder of benchmarks"))?;
        let certificate = Certificate::make(&run.0)?;
        let launcher = Arc::new(Launcher::new(server, run.0.clone()));
        Ok(Self { plan: options.plan(), scale: options.size(), launcher, peers, folder, certificate, run })
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The largest registry that is measured.
    pub(crate) fn scale(&self) -> Size {
        self.scale
    }

    /// The binary of the registry.
    pub(crate) fn server(&self) -> &Path {
        self.launcher.binary()
    }

    /// Starts servers with that binary.
    pub(crate) fn launcher(&self) -> Arc<Launcher> {
        Arc::clone(&self.launcher)
    }

    /// Starts a server with that binary.
    pub(crate) async fn start(&self, setup: &Setup) -> Result<Registry> {
        self.launcher.start(setup).await
    }

    /// The binary of the peers.
    pub(crate) fn peers(&self) -> &Path {
        &self.peers
    }

    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// A new folder that is removed with the value. It is in the build folder on a disk, because the
    /// folder for temporary files may be in memory, where nothing is durable.
    pub(crate) fn folder(&self, name: &str) -> Result<TempDir> {
        let made = TempDir::with_prefix_in(format!("{name}-"), &self.run.0);
        made.map_err(Failure::io("no folder can be made"))
    }

    /// A folder that stays for the next run.
    pub(crate) fn kept_folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The path of an installed program.
    ///
    /// # Errors
    /// [`Failure::Absent`] if it is not installed, with the name of its package.
    #[expect(clippy::unused_self, reason = "rows get everything from this value")]
    pub(crate) fn program(&self, name: &str, package: &str) -> Result<PathBuf> {
        install::find(name).ok_or_else(|| Failure::Absent(format!("{name} is not installed ({package})")))
    }

    pub(crate) fn wrk(&self) -> Result<Tool> {
        Ok(Tool::Wrk(Wrk(self.program("wrk", "Debian: wrk")?)))
    }

    pub(crate) fn h2load(&self) -> Result<Tool> {
        Ok(Tool::H2load(H2load(self.program("h2load", "Debian: nghttp2-client")?)))
    }

    /// The script that starts verdaccio.
    #[expect(clippy::unused_self, reason = "rows get everything from this value")]
    pub(crate) fn verdaccio(&self) -> Result<PathBuf> {
        let script = install::verdaccio();
        if script.is_file() { Ok(script) } else { Err(Failure::Absent("verdaccio is not installed (npm)".to_owned())) }
    }
}

impl RunFolder {
    /// Creates a folder named after this process, and removes those of processes that were killed.
    fn make(all: &Path) -> io::Result<Self> {
        let own = all.join(process::id().to_string());
        fs::create_dir_all(&own)?;
        for other in fs::read_dir(all)? {
            let other = other?;
            if !Path::new("/proc").join(other.file_name()).exists() {
                fs::remove_dir_all(other.path())?;
            }
        }
        Ok(Self(own))
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        // The next run removes the rest.
        fs::remove_dir_all(&self.0).ok();
    }
}

impl Certificate {
    fn make(folder: &Path) -> Result<Self> {
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names)
            .map_err(|error| Failure::Other(format!("no certificate can be made: {error}")))?;
        let folder = TempDir::with_prefix_in("certificate-", folder).map_err(Failure::io("no folder can be made"))?;
        let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
        fs::write(&chain, made.cert.pem()).map_err(Failure::io("the certificate"))?;
        fs::write(&key, made.signing_key.serialize_pem()).map_err(Failure::io("the certificate's key"))?;
        Ok(Self { chain, key, _folder: folder })
    }
}
