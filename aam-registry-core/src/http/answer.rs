//! Successful answers of endpoints.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use super::{body::RegistryBody, cache_control::NO_STORE, call::Call, failure::Failure};
use crate::types::Sha256Digest;

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An extension of an answer that is not kept: others of its caller's class of viewers may not see the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForItsCaller;

/// The result of an endpoint.
pub(crate) type Answered = Result<Response<RegistryBody>, Failure>;

/// The answer to a read: JSON that may be cached, but must be revalidated with its entity tag.
pub(crate) fn read(call: &Call, value: &impl Serialize) -> Answered {
    Ok(read_document(call, json(value)?, JSON))
}

/// The answer to a read of a document that exists as bytes.
pub(crate) fn read_document(call: &Call, document: Bytes, media_type: HeaderValue) -> Response<RegistryBody> {
    // Half a digest is enough to distinguish two states of one document.
    let tag = data_encoding::HEXLOWER.encode(&Sha256Digest::of(&document).as_bytes()[..16]);
    let mut response = Response::new(RegistryBody::from(document));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::ETAG, HeaderValue::try_from(format!("\"{tag}\"")).expect("hex is a header value"));
    headers.insert(header::CACHE_CONTROL, call.cache_control());
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if call.shows_private() {
        response.extensions_mut().insert(ForItsCaller);
    }
    response
}

/// The answer to a write: JSON that must not be cached.
pub(crate) fn written(status: StatusCode, value: &impl Serialize) -> Answered {
    let mut response = Response::new(RegistryBody::from(json(value)?));
    *response.status_mut() = status;
    set_unkept(response.headers_mut());
    Ok(response)
}

/// The answer to a write that returns nothing.
pub(crate) fn no_content() -> Response<RegistryBody> {
    let mut response = Response::new(RegistryBody::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
    response
}

fn set_unkept(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_TYPE, JSON);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
}

fn json(value: &impl Serialize) -> Result<Bytes, Failure> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| Failure::internal(error.to_string()))
}
