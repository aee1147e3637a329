//! `aam pkg pack`

use std::{fs::File, io, path::PathBuf};

use clap::Args;
use serde_json::json;

use super::inspected::inspected;
use crate::{
    atomic_file::{self, Mode},
    failure::{Failure, Result},
    package::archive_name,
    session::Session,
};

/// Pack a package into an .aam archive
#[derive(Debug, Args)]
#[command(
    long_about = "Pack a folder into an .aam archive. The same files make the same bytes, on every machine.\n\n  \
    aam pkg pack\n  aam pkg pack my-skills --output dist\n\n\
    What .gitignore and .aamignore leave out stays out, and so does what commonly holds secrets (.env, .npmrc, .ssh/, \
    *.pem and the like) unless .aamignore names it. .git, .aam, *.aam and what operating systems leave about always do."
)]
pub(crate) struct Pack {
    /// The package's folder; the current one where not given
    folder: Option<PathBuf>,
    /// The file, or the folder, to write to; a relative path leads through no symbolic link
    #[arg(long, short, default_value = ".")]
    output: PathBuf,
}

impl Pack {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let folder = self.folder.unwrap_or_else(|| session.folder.clone());
        if !folder.is_dir() {
            return Err(Failure::usage(format!("{} is not a folder", folder.display())));
        }
        let (packed, _) = inspected(session, &folder).await?;
        let manifest = &packed.judged.manifest;
        let path = match self.output.extension() {
            Some(extension) if extension == "aam" && !self.output.is_dir() => self.output,
            _ => self.output.join(archive_name(&manifest.name, &manifest.version)),
        };
        let mut bytes = File::open(packed.path()).map_err(|error| Failure::io("read", packed.path(), &error))?;
        let mut file = atomic_file::begin(&path, Mode::Plain)?;
        io::copy(&mut bytes, file.file()).map_err(|error| file.failed(&error))?;
        file.finish()?;
        let value = json!({
            "name": manifest.name.as_str(),
            "version": manifest.version.to_string(),
            "path": path,
            "sha256": packed.sha256.to_string(),
            "size": packed.size,
            "files": packed.judged.files.iter().map(|file| &file.path).collect::<Vec<_>>(),
        });
        session.out.done(&value, || {
            vec![
                format!("{} ({} files, {} bytes)", path.display(), packed.judged.files.len(), packed.size),
                format!("sha256 {}", packed.sha256),
            ]
        })
    }
}
