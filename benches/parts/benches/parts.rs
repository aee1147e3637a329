//! Benchmarks of single parts of the registry, with the allocations each makes.

use std::{
    convert::Infallible,
    hint::black_box,
    task::{Context, Poll, Waker},
};

use aam_registry_core::{
    archive::{ArchiveLimits, judge},
    http::layers::MatchRouteLayer,
    types::{Constraint, PackageName, Version},
};
use aam_registry_parts::{InProcess, archive};
use divan::{AllocProfiler, Bencher, counter::BytesCount};
use http::{Request, Response};
use tower::{Layer, Service, service_fn};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// Parsing text into domain types.
mod parse {
    use super::{Constraint, PackageName, Version, black_box};

    #[divan::bench(args = ["review-kit", "@acme/review-suite"])]
    fn name(text: &str) -> PackageName {
        black_box(text).parse().expect("a name")
    }

    #[divan::bench(args = ["1.2.3", "2.0.0-rc.1+build.7"])]
    fn version(text: &str) -> Version {
        black_box(text).parse().expect("a version")
    }

    #[divan::bench(args = ["1.2.3", "^1.2", ">=1.2.0,<2.0.0"])]
    fn constraint(text: &str) -> Constraint {
        black_box(text).parse().expect("a constraint")
    }
}

/// Reads an archive to its end: unpacks, checks and hashes it.
#[divan::bench(args = [12_000, 1_000_000])]
fn judge_archive(bencher: Bencher<'_, '_>, size: usize) {
    let archive = archive("@acme/review-suite", size);
    let limits = ArchiveLimits::default();
    bencher
        .counter(BytesCount::of_slice(&archive[..]))
        .bench(|| judge(black_box(&archive[..]), &limits, |_| Ok(())).expect("a valid archive"));
}

/// Finding the route of a path and adding it to the request's extensions.
#[divan::bench(args = [
    "/api/v1/packages/review-kit/1.2.3/download",
    "/api/v1/packages/%40acme%2freview-suite/1.2.3/download",
    "/api/v1/packages?q=review",
    "/no/such/path",
])]
fn route(bencher: Bencher<'_, '_>, path: &str) {
    let inner = service_fn(async |request: Request<()>| {
        black_box(request.extensions());
        Ok::<_, Infallible>(Response::new(()))
    });
    let mut service = MatchRouteLayer::new("").layer(inner);
    bencher.with_inputs(|| Request::get(path).body(()).expect("a request")).bench_local_values(|request| {
        let mut answer = Box::pin(service.call(request));
        let Poll::Ready(answered) = answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            unreachable!("nothing waits here");
        };
        answered
    });
}

/// The whole service, from the request to the last byte of the body.
mod serve {
    use super::{Bencher, InProcess, black_box};

    #[divan::bench]
    fn download_12_kb(bencher: Bencher<'_, '_>) {
        let registry = InProcess::start();
        bencher.bench_local(|| registry.get(black_box(InProcess::DOWNLOAD), &[]));
    }

    #[divan::bench]
    fn download_not_modified(bencher: Bencher<'_, '_>) {
        let registry = InProcess::start();
        let whole = registry.get(InProcess::DOWNLOAD, &[]);
        let etag = whole.headers["etag"].to_str().expect("an entity tag");
        bencher.bench_local(|| registry.get(black_box(InProcess::DOWNLOAD), &[("if-none-match", etag)]));
    }

    #[divan::bench]
    fn version_json(bencher: Bencher<'_, '_>) {
        let registry = InProcess::start();
        bencher.bench_local(|| registry.get(black_box(InProcess::VERSION), &[]));
    }

    #[divan::bench]
    fn nothing_there(bencher: Bencher<'_, '_>) {
        let registry = InProcess::start();
        bencher.bench_local(|| registry.get(black_box("/api/v1/packages/nothing/1.0.0/download"), &[]));
    }
}
