use crate::{
    bench::Bench,
    error::Result,
    load::{Loaded, Request},
    measure::{Goal, Metric, Row},
    scale::{self, Dataset, SAMPLE, Size},
    server::Setup,
};

const CONNECTIONS: u32 = 32;
/// The largest allowed difference between the smallest and the largest registry.
const TOLERANCE: f64 = 0.1;

#[derive(Clone, Copy)]
enum Read {
    Download,
    Version,
    Package,
}

pub(super) async fn download(bench: &Bench) -> Result<Row> {
    growth(bench, "downloads of 12 KB", Read::Download).await
}

pub(super) async fn version(bench: &Bench) -> Result<Row> {
    growth(bench, "JSON of a version", Read::Version).await
}

pub(super) async fn package(bench: &Bench) -> Result<Row> {
    growth(bench, "JSON of a package with 10 versions", Read::Package).await
}

/// Reads the same ten versions on registries of every size, and on the largest also versions from all
/// parts of it.
async fn growth(bench: &Bench, what: &str, read: Read) -> Result<Row> {
    let tool = bench.wrk()?;
    let mut row = Row::new(format!("{what} from registries of every size, {CONNECTIONS} connections"));
    let largest = bench.scale();
    let sizes = sizes(largest);
    let first = sizes[0].to_string();
    for size in sizes {
        let data = scale::on_sqlite(bench, size).await?;
        let registry = bench.start(&Setup::default().in_folder(data)).await?;
        let mut compete = |name: String, paths: Vec<String>| {
            let request = Request::new(registry.base(), "/", CONNECTIONS).with_paths(paths);
            row.contenders.push(Box::new(Loaded { name, pid: registry.pid(), tool: tool.clone(), request }));
        };
        let versions = (0..10).map(|minor| (SAMPLE.to_owned(), format!("1.{minor}.0")));
        compete(size.to_string(), versions.map(|(name, version)| read.path(&name, &version)).collect());
        if size == largest {
            let everywhere = tokio::task::spawn_blocking(move || Dataset::new(size).spread()).await;
            let everywhere = everywhere.map_err(|error| crate::error::Failure::Other(error.to_string()))?;
            let paths = everywhere.iter().map(|(name, version)| read.path(name, version)).collect();
            // Those packages have more than ten versions.
            if !matches!(read, Read::Package) {
                compete(format!("{size}, all over"), paths);
            }
            for metric in [Metric::RequestsPerSecond, Metric::CpuMicroseconds] {
                row.goals.push(Goal::within(metric, &size.to_string(), TOLERANCE).times(&first));
            }
        }
        row.keep(registry);
    }
    Ok(row)
}

/// From ten versions to the largest size, in factors of a hundred.
pub(super) fn sizes(largest: Size) -> Vec<Size> {
    let steps = [10, 1_000, 100_000].into_iter().filter(|versions| *versions < largest.versions);
    steps.map(Size::of_versions).chain([largest]).collect()
}

impl Read {
    fn path(self, name: &str, version: &str) -> String {
        match self {
            Self::Download => format!("/api/v1/packages/{name}/{version}/download"),
            Self::Version => format!("/api/v1/packages/{name}/{version}"),
            Self::Package => format!("/api/v1/packages/{name}"),
        }
    }
}
