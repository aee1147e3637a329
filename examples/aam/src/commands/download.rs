//! `aam download`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::{
    api::Expected,
    atomic_file::{self, Mode},
    failure::Result,
    progress::Progress,
    session::Session,
    spec::PackageSpec,
};

/// Download an archive, verified
#[derive(Debug, Args)]
#[command(long_about = "Download the archive of a version and verify its SHA-256; nothing is installed.\n\n  \
    aam download greet-kit\n  \
    aam download @acme/review-suite@^2 --output /tmp")]
pub(crate) struct Download {
    /// The package, with a version, tag or constraint where wanted
    #[arg(value_name = "PACKAGE[@VERSION]")]
    package: PackageSpec,
    /// The file, or the folder, to write to; a relative path leads through no symbolic link
    #[arg(long, short, default_value = ".")]
    output: PathBuf,
}

impl Download {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let name = &self.package.name;
        let client = session.client(&session.registry()?)?;
        let found = client.resolve(name, &self.package.selector()).await?;
        let ceilings = session.patience.ceilings();
        ceilings.admit_download(found.archive_size)?;
        let path = if self.output.is_dir() {
            self.output.join(crate::package::archive_name(name, &found.version))
        } else {
            self.output.clone()
        };
        let mut file = atomic_file::begin(&path, Mode::Plain)?;
        let bar = Progress::new(session.out).bytes(format!("{name} {}", *found.version), found.archive_size);
        let expected = Expected { sha256: *found.checksum.sha256, size: found.archive_size };
        let download =
            client.download(name, &found.version, expected, file.file(), |received| bar.set_position(received));
        ceilings.in_transfer_time(download).await?;
        bar.finish_and_clear();
        file.finish()?;
        let value = json!({
            "name": name.as_str(),
            "version": found.version,
            "path": path,
            "sha256": found.checksum.sha256,
            "size": found.archive_size,
        });
        session.out.done(&value, || vec![format!("{} {name} {}", path.display(), *found.version)])
    }
}
