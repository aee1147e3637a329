//! Answers reads of packages with cached documents.

use std::{
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use futures_util::future::{BoxFuture, Either, FutureExt};
use http::{HeaderMap, Method, Request, Response, header};
use tower::{Layer, Service};

use crate::{
    decide::{Audience, ReadAccess},
    decorate::Freshness,
    http::{
        Failure, MatchedRoute, RegistryBody, RequestContext,
        coding::{Coding, ask_for},
        documents::{Document, DocumentCache},
    },
    types::{PackageName, Principal},
};

/// Answers a read of a package with the document of an earlier one by a viewer of the same class, if
/// nothing can have changed since.
///
/// Only for routes that allow it: the answer must be the same for all viewers of a class, and depend
/// only on the package in the path.
#[derive(Clone, Debug)]
pub(crate) struct KeepDocumentsLayer {
    kept: Option<Arc<DocumentCache>>,
    /// The length of the path before the part that routes match.
    prefix: usize,
    access: ReadAccess,
}

impl KeepDocumentsLayer {
    /// Caches nothing if no `freshness` is given.
    pub(crate) fn new(freshness: Option<Freshness>, prefix: &str, access: ReadAccess) -> Self {
        Self { kept: freshness.map(DocumentCache::new).map(Arc::new), prefix: prefix.len(), access }
    }
}

impl<S> Layer<S> for KeepDocumentsLayer {
    type Service = KeepDocuments<S>;

    fn layer(&self, inner: S) -> KeepDocuments<S> {
        KeepDocuments { inner, kept: self.kept.clone(), prefix: self.prefix, access: self.access }
    }
}

/// The service of [`KeepDocumentsLayer`].
#[derive(Clone, Debug)]
pub(crate) struct KeepDocuments<S> {
    inner: S,
    kept: Option<Arc<DocumentCache>>,
    prefix: usize,
    access: ReadAccess,
}

type Answered = Result<Response<RegistryBody>, Failure>;

impl<S, B> Service<Request<B>> for KeepDocuments<S>
where
    S: Service<Request<B>, Response = Response<RegistryBody>, Error = Failure>,
    S::Future: Send + 'static,
{
    type Response = Response<RegistryBody>;
    type Error = Failure;
    type Future = Either<Ready<Answered>, BoxFuture<'static, Answered>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let audience = audience(&request, self.access);
        let Some((kept, audience)) = self.kept.as_ref().zip(audience).filter(|_| may_be_kept(&request)) else {
            return Either::Right(self.inner.call(request).boxed());
        };
        if let Some(document) = kept.get(request.uri().path(), audience) {
            if let Some(response) = document.answer_now(request.headers()) {
                return Either::Left(ready(Ok(response)));
            }
            let asked = std::mem::take(request.headers_mut());
            return Either::Right(async move { Ok(document.answer(&asked).await) }.boxed());
        }
        // Taken before the read, so that a change after this makes the document stale.
        let mark = package(&request, self.prefix).and_then(|name| kept.freshness().mark(&name));
        let Some(mark) = mark else { return Either::Right(self.inner.call(request).boxed()) };
        let (kept, read_at, path) = (Arc::clone(kept), Instant::now(), request.uri().path().into());
        let asked = plain_and_whole(request.headers_mut());
        let answer = self.inner.call(request);
        let answer = async move {
            let response = answer.await?;
            let Some(document) = Document::of(&response, audience, mark, read_at).map(Arc::new) else {
                return Ok(response);
            };
            kept.keep(path, &document);
            Ok(document.answer(&asked).await)
        };
        Either::Right(answer.boxed())
    }
}

/// The class of viewers that the answer may be cached for. An answer to a credential that reading does not
/// need is for its caller only, and is not cached.
fn audience<B>(request: &Request<B>, access: ReadAccess) -> Option<Audience> {
    let principal = request.extensions().get::<Principal>();
    let audience = access.admit_principal(principal).ok()?;
    (audience == Audience::Members || principal.is_none()).then_some(audience)
}

/// Whether every request of a class of viewers with this path gets the same answer.
fn may_be_kept<B>(request: &Request<B>) -> bool {
    let route = RequestContext::of(request.extensions()).and_then(RequestContext::route);
    route.and_then(MatchedRoute::route).is_some_and(|route| route.is_kept)
        && matches!(*request.method(), Method::GET | Method::HEAD)
        && request.uri().query().is_none()
        // There are too many other spellings of a path.
        && !request.uri().path().contains('%')
}

fn package<B>(request: &Request<B>, prefix: usize) -> Option<PackageName> {
    let path = request.uri().path().get(prefix..)?;
    RequestContext::of(request.extensions())?.route()?.package(path).ok()
}

/// Changes the headers to request the whole uncompressed document; returns the original ones.
fn plain_and_whole(headers: &mut HeaderMap) -> HeaderMap {
    let mut asked = HeaderMap::new();
    for name in [header::ACCEPT_ENCODING, header::IF_NONE_MATCH] {
        for value in headers.get_all(&name) {
            asked.append(&name, value.clone());
        }
        headers.remove(&name);
    }
    ask_for(Coding::Identity, headers);
    asked
}
