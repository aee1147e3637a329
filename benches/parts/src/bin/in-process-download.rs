//! Makes downloads within one process, for a profiler to count.

use std::hint::black_box;

use aam_registry_parts::InProcess;
use clap::Parser;

/// Publishes an archive of 12 KB within the process and downloads it repeatedly.
///
/// The cost of one download is the difference between two runs divided by the difference in their
/// downloads: see `benches/callgrind`.
#[derive(Debug, Parser)]
struct Options {
    /// The number of downloads
    #[arg(long, default_value_t = 1000)]
    downloads: u64,
}

fn main() {
    let options = Options::parse();
    let registry = InProcess::start();
    for _ in 0..options.downloads {
        black_box(registry.get(InProcess::DOWNLOAD, &[]));
    }
}
