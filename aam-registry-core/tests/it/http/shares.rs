//! Work of which one address may have only a share: it asks for more at once than that, and another address is served
//! meanwhile.

use std::{
    net::SocketAddr,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use aam_registry_core::{
    Result,
    http::PeerAddr,
    memory::{MemoryArchives, MemoryMetadata},
    ports::{ArchiveContent, ArchiveSource, ArchiveStore},
    types::ArchiveLocation,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, FuturesUnordered},
};
use http::{Method, Request};
use http_body::{Body, Frame};
use http_body_util::{Full, StreamBody};

use super::{
    reply::Reply,
    site::{Site, form, from, request},
};
use crate::registry::{
    watched::Watched,
    world::{World, archive},
};

const GREEDY: &str = "192.0.2.1:4711";
const OTHER: &str = "192.0.2.2:4711";

fn peer<B>(mut request: Request<B>, address: &str) -> Request<B> {
    request.extensions_mut().insert(PeerAddr(address.parse::<SocketAddr>().expect("an address")));
    request
}

/// More requests than one address may have under way and waiting, where its share depends on the processors.
fn many() -> usize {
    40 + 20 * thread::available_parallelism().map_or(2, usize::from)
}

/// Sends requests from one address that end only when their answer is a refusal. Gives the first answer, and the rest
/// of the requests, which go on.
async fn greedy<B>(
    site: &Site,
    count: usize,
    make: impl Fn(usize) -> Request<B>,
) -> (Reply, FuturesUnordered<impl Future<Output = Reply>>)
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut asking: FuturesUnordered<_> = (0..count).map(|at| site.send(peer(make(at), GREEDY))).collect();
    let first = asking.next().await.expect("an answer");
    (first, asking)
}

#[track_caller]
fn assert_refused(reply: &Reply) {
    reply.assert_error(429, "rate_limited");
    assert!(reply.text().to_lowercase().contains("your address"), "{reply:?}");
}

#[tokio::test]
async fn one_address_cannot_take_every_place_for_resolutions() {
    let site = Site::of(World::with(|builder, database, _| builder.packages(Watched::new(database))));
    let token = site.user("ada").await;
    assert_eq!(site.publish(&token, "greet-kit", "1.0.0").await.status, 201);
    let resolve = |name: &str| {
        let body = format!("{{\"dependencies\": {{\"{name}\": \"*\"}}}}");
        request(Method::POST, "/api/v1/resolve", &[("content-type", "application/json")], body)
    };
    let (refused, held) = greedy(&site, many(), |_| resolve("held")).await;
    assert_refused(&refused);
    let other = site.send(peer(resolve("greet-kit"), OTHER)).await;
    assert_eq!(other.status, 200, "{other:?}");
    drop(held);
    let again = site.send(peer(resolve("greet-kit"), GREEDY)).await;
    assert_eq!(again.status, 200, "its share is free again: {again:?}");
}

/// Archives that never open while they are held.
#[derive(Clone, Debug)]
struct Slow {
    archives: MemoryArchives,
    is_held: Arc<AtomicBool>,
}

#[async_trait]
impl ArchiveSource for Slow {
    async fn open(&self, archive: &ArchiveLocation, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>> {
        if self.is_held.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.archives.open(&archive.archive, range).await
    }
}

/// A site with so many versions of `greet-kit` whose archives are held, and what holds them.
async fn slow(versions: usize) -> (Site, Arc<AtomicBool>) {
    let is_held = Arc::new(AtomicBool::new(true));
    let world = World::with(|builder, _, archives| {
        builder.archive_source(Slow { archives: archives.clone(), is_held: is_held.clone() })
    });
    let site = Site::of(world);
    let token = site.user("ada").await;
    let ada = site.principal(&token).await;
    for minor in 0..versions {
        site.world.published(&ada, "greet-kit", &format!("1.{minor}.0")).await;
    }
    (site, is_held)
}

#[tokio::test]
async fn one_address_cannot_take_every_place_for_diffs() {
    // As many different pairs as requests: equal ones are compared once.
    let versions = many().isqrt() + 1;
    let (site, is_held) = slow(versions).await;
    let diff = |at: usize| {
        let (from, to) = (at / versions, at % versions);
        let path = format!("/api/v1/packages/greet-kit/diff?from=1.{from}.0&to=1.{to}.0");
        request(Method::GET, &path, &[], "")
    };
    let (refused, _held) = greedy(&site, many(), diff).await;
    assert_refused(&refused);
    is_held.store(false, Ordering::SeqCst);
    let other = site.send(peer(diff(versions * versions - 1), OTHER)).await;
    assert_eq!(other.status, 200, "{other:?}");
}

#[tokio::test]
async fn one_address_cannot_take_every_place_for_files_of_versions() {
    let (site, is_held) = slow(1).await;
    let path = "/api/v1/packages/greet-kit/1.0.0/files/README.md";
    let (refused, _held) = greedy(&site, many(), |_| request(Method::GET, path, &[], "")).await;
    assert_refused(&refused);
    is_held.store(false, Ordering::SeqCst);
    let other = from(&site, "192.0.2.2", Method::GET, path, &[]).await;
    assert_eq!(other.status, 200, "{other:?}");
}

#[tokio::test]
async fn one_address_cannot_take_every_place_for_uploads() {
    let site = Site::new();
    let tokens = [site.user("ada").await, site.user("bob").await, site.user("cyd").await];
    // The beginning of a form with an archive, and nothing more.
    let whole = form(&[("archive", &archive("greet-kit", "1.0.0"))]);
    let beginning = Bytes::copy_from_slice(&whole[..150]);
    let dripping = |at: usize| {
        let begun = Frame::data(beginning.clone());
        let body = stream::iter([Ok::<_, std::io::Error>(begun)]).chain(stream::pending());
        Request::builder()
            .method(Method::POST)
            .uri("/api/v1/packages")
            .header("authorization", format!("Bearer {}", tokens[at % tokens.len()]))
            .header("content-type", "multipart/form-data; boundary=edge")
            .body(StreamBody::new(body))
            .expect("a request")
    };
    let (refused, _held) = greedy(&site, 200, dripping).await;
    assert_refused(&refused);
    let authorization = format!("Bearer {}", site.user("dan").await);
    let headers = [("authorization", &*authorization), ("content-type", "multipart/form-data; boundary=edge")];
    let whole: Request<Full<Bytes>> =
        request(Method::POST, "/api/v1/packages", &headers, form(&[("archive", &archive("other-kit", "1.0.0"))]));
    let other = site.send(peer(whole, OTHER)).await;
    assert_eq!(other.status, 201, "{other:?}");
}

#[tokio::test]
async fn of_many_documents_for_one_address_a_few_are_read_at_a_time() {
    let mut store = Watched::new(&MemoryMetadata::new());
    let site = Site::of(World::with(|builder, database, _| {
        store = Watched::new(database);
        builder.packages(store.clone())
    }));
    let token = site.user("ada").await;
    assert_eq!(site.publish(&token, "greet-kit", "1.0.0").await.status, 201);
    store.reads();
    let read = |name: &str| request(Method::GET, &format!("/api/v1/packages/{name}/1.0.0"), &[], "");
    let mut held: FuturesUnordered<_> = (0..many()).map(|_| site.send(peer(read("held"), GREEDY))).collect();
    assert!(futures_util::poll!(held.next()).is_pending());
    let share = 2 * thread::available_parallelism().map_or(2, usize::from).max(2);
    assert_eq!(store.reads().len(), share, "the others wait for their turn");
    let other = site.send(peer(read("greet-kit"), OTHER)).await;
    assert_eq!(other.status, 200, "{other:?}");
}
