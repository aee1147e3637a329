use std::{fs, path::PathBuf};

use clap::Args;

use super::{Size, prepared};
use crate::{
    bench::Bench,
    error::{Failure, Result},
};

/// What to generate.
#[derive(Clone, Debug, Args)]
pub(crate) struct Fill {
    /// The data folder of the server, new or empty: SQLite and the archives
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The number of packages
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    packages: u64,
    /// The number of versions
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    versions: u64,
    /// The cargo profile of the server whose schema is used
    #[arg(long, default_value = "release")]
    pub(crate) profile: String,
    /// Uses the schema of this server instead of building one
    #[arg(long, value_name = "PATH")]
    pub(crate) server_binary: Option<PathBuf>,
}

/// Fills a new data folder.
pub(crate) async fn fill(bench: &Bench, options: &Fill) -> Result<()> {
    let folder = std::path::absolute(&options.data_dir).map_err(Failure::io("the data folder"))?;
    if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::Other(format!("{} is not empty", options.data_dir.display())));
    }
    let size = Size::new(options.packages, options.versions);
    eprintln!("filling {} with {} packages of {size}", options.data_dir.display(), size.packages);
    prepared::make(bench, &folder, size).await
}
