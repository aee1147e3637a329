//! Downloads within one process, to be counted by a profiler.

use std::hint::black_box;

use aam_registry_parts::InProcess;
use clap::Parser;

/// Publishes an archive of 12 KB within the process and downloads it again and again.
///
/// What one download costs is what a thousand more cost, by a thousand:
/// see `benches/callgrind`.
#[derive(Debug, Parser)]
struct Options {
    /// How many times
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
