use std::{
    future::ready,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use tokio::sync::OnceCell;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::compression::CompressionLayer;

use crate::{
    decide::Audience,
    decorate::Mark,
    http::{
        answer::ForItsCaller,
        body::RegistryBody,
        coding::{Coding, ask_for},
        entity_tag,
    },
};

/// How long a document is cached. Together with the time in the metadata cache, the `downloads` figures
/// in it are at most a minute old.
const LIFETIME: Duration = Duration::from_secs(10);
/// Smaller documents are sent uncompressed: compressing them would save no packet.
pub(crate) const COMPRESSED_FROM: u64 = 1024;

/// A finished document: uncompressed, and in each coding that was requested.
#[derive(Debug)]
pub(crate) struct Document {
    plain: Form,
    gzip: OnceCell<Option<Form>>,
    brotli: OnceCell<Option<Form>>,
    zstd: OnceCell<Option<Form>>,
    /// For whom it was made.
    pub(crate) audience: Audience,
    pub(crate) mark: Mark,
    read_at: Instant,
}

#[derive(Debug)]
struct Form {
    bytes: Bytes,
    entity_tag: Box<str>,
    headers: HeaderMap,
}

impl Document {
    /// The document in an answer to `audience`, for which `mark` was taken at `read_at` before reading; `None` if the
    /// answer has no entity tag by which it can be distinguished from a later one.
    pub(crate) fn of(
        response: &Response<RegistryBody>,
        audience: Audience,
        mark: Mark,
        read_at: Instant,
    ) -> Option<Self> {
        let headers = response.headers().clone();
        let is_for_others = response.extensions().get::<ForItsCaller>().is_none();
        if !is_for_others || response.status() != StatusCode::OK || headers.contains_key(header::CONTENT_ENCODING) {
            return None;
        }
        let entity_tag = headers.get(header::ETAG)?.to_str().ok()?.into();
        let plain = Form { bytes: response.body().as_bytes()?.clone(), entity_tag, headers };
        let [gzip, brotli, zstd] = [const { OnceCell::const_new() }; 3];
        Some(Self { plain, gzip, brotli, zstd, audience, mark, read_at })
    }

    pub(crate) fn is_young(&self) -> bool {
        self.read_at.elapsed() < LIFETIME
    }

    /// The memory it may take: all codings together are smaller than twice the uncompressed bytes.
    pub(crate) fn weight(&self) -> u64 {
        2048 + 3 * self.plain.bytes.len() as u64
    }

    /// The answer to a request, if its coding was requested before.
    pub(crate) fn answer_now(&self, asked: &HeaderMap) -> Option<Response<RegistryBody>> {
        let form = match self.coded(self.coding(asked)) {
            None => &self.plain,
            Some(form) => form.get()?.as_ref().unwrap_or(&self.plain),
        };
        Some(form.answer(asked))
    }

    /// The answer to a request.
    pub(crate) async fn answer(&self, asked: &HeaderMap) -> Response<RegistryBody> {
        let coding = self.coding(asked);
        let form = match self.coded(coding) {
            None => None,
            // On a blocking thread: compressing a large document takes as long as a thousand requests.
            Some(form) => form.get_or_init(|| self.plain.coded(coding)).await.as_ref(),
        };
        form.unwrap_or(&self.plain).answer(asked)
    }

    fn coding(&self, asked: &HeaderMap) -> Coding {
        let is_large = self.plain.bytes.len() as u64 >= COMPRESSED_FROM;
        if is_large { Coding::accepted(asked) } else { Coding::Identity }
    }

    fn coded(&self, coding: Coding) -> Option<&OnceCell<Option<Form>>> {
        match coding {
            Coding::Identity => None,
            Coding::Gzip => Some(&self.gzip),
            Coding::Brotli => Some(&self.brotli),
            Coding::Zstd => Some(&self.zstd),
        }
    }
}

impl Form {
    async fn coded(&self, coding: Coding) -> Option<Self> {
        let bytes = self.bytes.clone();
        let bytes = tokio::task::spawn_blocking(move || compress(bytes, coding)).await.ok()??;
        let etag = entity_tag::with_coding(&self.entity_tag, coding.as_str())?;
        let entity_tag = etag.to_str().ok()?.into();
        let mut headers = self.headers.clone();
        headers.insert(header::ETAG, etag);
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.as_str()));
        Some(Self { bytes, entity_tag, headers })
    }

    fn answer(&self, asked: &HeaderMap) -> Response<RegistryBody> {
        let mut response = Response::new(RegistryBody::empty());
        *response.headers_mut() = self.headers.clone();
        if entity_tag::none_match_names(asked, &self.entity_tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            for gone in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING] {
                response.headers_mut().remove(gone);
            }
        } else {
            *response.body_mut() = self.bytes.clone().into();
        }
        response
    }
}

/// Compresses a document with the same layer that compresses other answers.
fn compress(document: Bytes, coding: Coding) -> Option<Bytes> {
    let mut request = Request::new(());
    ask_for(coding, request.headers_mut());
    let plain = service_fn(move |_| {
        ready(Ok::<_, std::convert::Infallible>(Response::new(RegistryBody::from(document.clone()))))
    });
    // A body in memory is always ready.
    let compressed = CompressionLayer::new().layer(plain).oneshot(request).now_or_never()?.ok()?;
    Some(compressed.into_body().collect().now_or_never()?.ok()?.to_bytes())
}
