//! Ids of requests: a sane one of the client's is kept, else one is made.

use http::{HeaderName, HeaderValue, Request};
use tower_http::request_id::{MakeRequestId, RequestId};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_LEN: usize = 128;

/// Makes random ids (version 4 UUIDs).
#[derive(Clone, Copy, Debug)]
pub(super) struct RandomRequestId;

impl MakeRequestId for RandomRequestId {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        // The thread's generator spares each request a system call.
        let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
        HeaderValue::try_from(id.to_string()).ok().map(RequestId::new)
    }
}

/// Forgets an incoming id that is not fit for logs and JSON, or given twice.
pub(super) fn drop_unfit_request_id<B>(mut request: Request<B>) -> Request<B> {
    let mut values = request.headers().get_all(X_REQUEST_ID).iter();
    let fit = match (values.next(), values.next()) {
        (None, _) => true,
        (Some(value), None) => is_fit(value.as_bytes()),
        (Some(_), Some(_)) => false,
    };
    if !fit {
        request.headers_mut().remove(X_REQUEST_ID);
    }
    request
}

fn is_fit(id: &[u8]) -> bool {
    (1..=MAX_LEN).contains(&id.len()) && id.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(b))
}
