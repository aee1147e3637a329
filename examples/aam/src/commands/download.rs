//! `aam download`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::{
    api::Expected,
    failure::{Failure, Result},
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
    /// The file, or the folder, to write to
    #[arg(long, short, default_value = ".")]
    output: PathBuf,
}

impl Download {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let name = &self.package.name;
        let client = session.client(&session.registry()?)?;
        let found = client.resolve(name, &self.package.selector()).await?;
        let path = if self.output.is_dir() {
            self.output.join(crate::package::archive_name(name, &found.version))
        } else {
            self.output.clone()
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(".".as_ref());
        let failed = |error: std::io::Error| Failure::io("write", &path, &error);
        let mut file = tempfile::Builder::new().prefix(".aam-").tempfile_in(folder).map_err(failed)?;
        let bar = Progress::new(session.out).bytes(format!("{name} {}", *found.version), found.archive_size);
        let expected = Expected { sha256: *found.checksum.sha256, size: found.archive_size };
        client
            .download(name, &found.version, expected, file.as_file_mut(), |received| bar.set_position(received))
            .await?;
        bar.finish_and_clear();
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
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
