use std::fmt::Debug;

use http::HeaderMap;

/// Adds headers to the requests that the server makes, such as those that name the trace to which a request belongs.
pub trait OutgoingHeaders: Debug + Send + Sync + 'static {
    /// Adds them to the headers of a request that is made in the current span.
    fn add(&self, headers: &mut HeaderMap);
}
