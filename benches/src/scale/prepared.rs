use std::{
    fs,
    path::{Path, PathBuf},
};

use aam_registry_core::types::Sha256Digest;

use super::{Dataset, Size, archives::Stored, postgres, sqlite, tables::Source};
use crate::{
    bench::Bench,
    error::{Failure, Result},
    server::Setup,
    services::Postgres,
};

/// The file that says for which schema a kept database was generated; written last.
const MADE_FOR: &str = "made-for";
/// Change this when the generated data changes, so that older databases are not used.
const EDITION: &str = "1";

/// The data folder of a server with a registry of that size on SQLite. Generated if no earlier run has
/// left one, and kept for the next.
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

/// The URL of a PostgreSQL database with a registry of that size. Generated if no earlier run has left
/// one, and kept for the next.
pub(crate) async fn on_postgres(bench: &Bench, postgres: &Postgres, size: Size) -> Result<String> {
    let name = format!("scale_{}_{}", size.packages, size.versions);
    let wanted = {
        let url = postgres.new_database("schema_now").await?;
        migrate(bench, &url).await?;
        let schema = postgres::schema(&postgres.connect("schema_now").await?).await?;
        Sha256Digest::of(format!("{EDITION}\n{schema}").as_bytes()).to_string()
    };
    if postgres.comment(&name).await?.is_some_and(|made_for| made_for == wanted) {
        return Ok(postgres.url(&name));
    }
    eprintln!("  making a registry of {size} on PostgreSQL");
    let url = postgres.new_database(&name).await?;
    migrate(bench, &url).await?;
    let dataset = tokio::task::spawn_blocking(move || Dataset::new(size)).await;
    let dataset = dataset.map_err(|error| Failure::Other(error.to_string()))?;
    let stored = Stored::new()?;
    postgres::fill(&postgres.connect(&name).await?, &Source { dataset: &dataset, stored: &stored }).await?;
    postgres.set_comment(&name, &wanted).await?;
    Ok(url)
}

async fn migrate(bench: &Bench, url: &str) -> Result<()> {
    bench.launcher().run(&Setup::default().with("DATABASE_URL", url), &["migrate"]).await
}

/// Fills an empty data folder.
pub(super) async fn make(bench: &Bench, folder: &Path, size: Size) -> Result<()> {
    bench.launcher().run(&Setup::default().in_folder(folder), &["migrate"]).await?;
    let (database, archives) = (folder.join("registry.db"), folder.join("packages"));
    let filled = tokio::task::spawn_blocking(move || {
        let (dataset, stored) = (Dataset::new(size), Stored::new()?);
        stored.create_files(&dataset, &archives)?;
        sqlite::fill(&database, &Source { dataset: &dataset, stored: &stored })
    });
    filled.await.map_err(|error| Failure::Other(error.to_string()))?
}

/// The schema that the current server creates.
async fn schema_now(bench: &Bench) -> Result<String> {
    let folder = bench.folder("schema")?;
    bench.launcher().run(&Setup::default().in_folder(folder.path()), &["migrate"]).await?;
    Ok(format!("{EDITION}\n{}", sqlite::schema(&folder.path().join("registry.db"))?))
}
