use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Dataset, Size, archives::Stored, sqlite, tables::Source};
use crate::{
    bench::Bench,
    error::{Failure, Result},
    server::Setup,
};

/// What says for which schema a kept database was made; written last.
const MADE_FOR: &str = "made-for";
/// Changes with what is written, so that no older registry is used.
const EDITION: &str = "1";

/// A data folder of the server with a registry of that size on SQLite; made
/// where no earlier run has left one, and used by the next.
pub(crate) async fn on_sqlite(bench: &Bench, size: Size) -> Result<PathBuf> {
    let folder = bench.kept_folder(&format!("scale-{}-{}", size.packages, size.versions));
    let wanted = schema_now(bench).await?;
    if fs::read_to_string(folder.join(MADE_FOR)).is_ok_and(|made_for| made_for == wanted) {
        return Ok(folder);
    }
    eprintln!("  making a registry of {size}");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Failure::io("the last registry"))?;
    }
    make(bench, &folder, size).await?;
    fs::write(folder.join(MADE_FOR), wanted).map_err(Failure::io("the new registry"))?;
    Ok(folder)
}

/// Fills an empty data folder.
pub(super) async fn make(bench: &Bench, folder: &Path, size: Size) -> Result<()> {
    bench.launcher().run(&Setup::default().in_folder(folder), &["migrate"]).await?;
    let (database, archives) = (folder.join("registry.db"), folder.join("packages"));
    let filled = tokio::task::spawn_blocking(move || {
        let (dataset, stored) = (Dataset::new(size), Stored::new()?);
        stored.lay_down(&dataset, &archives)?;
        sqlite::fill(&database, &Source { dataset: &dataset, stored: &stored })
    });
    filled.await.map_err(|error| Failure::Other(error.to_string()))?
}

/// The schema that the server makes today.
async fn schema_now(bench: &Bench) -> Result<String> {
    let folder = bench.folder("schema")?;
    bench.launcher().run(&Setup::default().in_folder(folder.path()), &["migrate"]).await?;
    Ok(format!("{EDITION}\n{}", sqlite::schema(&folder.path().join("registry.db"))?))
}
