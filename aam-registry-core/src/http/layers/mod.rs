//! Tower layers of the HTTP service, one per file, each usable on its own.
//!
//! Inner services fail with a [`Failure`](crate::http::Failure); [`AnswerFailuresLayer`] converts it to
//! an answer. A layer stores what it finds out about a request in the
//! [`RequestContext`](crate::http::RequestContext), and the caller, if authenticated, as the
//! [`Principal`](crate::types::Principal).

mod answer_failures;
mod authenticate;
mod catch_panic;
mod client_address;
mod conditional;
mod guard_browsers;
mod head;
mod keep_documents;
mod match_route;
mod observe;
mod rate_limit;
mod request_id;
mod request_span;
mod trace_requests;

pub use answer_failures::{AnswerFailures, AnswerFailuresLayer};
pub use authenticate::{Authenticate, AuthenticateLayer};
pub use catch_panic::{CatchPanic, CatchPanicLayer};
pub use client_address::{ClientAddressLayer, ClientAddressService, ClientIpPolicy};
pub use conditional::{Conditional, ConditionalLayer};
pub use guard_browsers::guard_browsers;
pub(crate) use guard_browsers::guarded;
pub use head::{Head, HeadLayer};
pub(crate) use keep_documents::KeepDocumentsLayer;
pub use match_route::{MatchRoute, MatchRouteLayer};
pub use observe::{Observe, ObserveLayer};
pub use rate_limit::{RateLimit, RateLimitLayer};
pub use request_id::{RequestIdLayer, SetRequestId};
pub(crate) use request_span::request_span;
pub use request_span::{RequestSpan, RequestSpanLayer};
pub use trace_requests::{TraceLink, TraceRequests, TraceRequestsLayer};
