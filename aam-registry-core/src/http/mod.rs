//! The HTTP edge: the registry as a tower service.
//!
//! [`RegistryService`] is the default stack over a [`Registry`](crate::registry::Registry): match the
//! route, limit by address, authenticate, limit by principal, dispatch to an endpoint. One function in
//! `stack` builds the stack from the layers in [`layers`]; a host arranges them in another way with
//! [`StackParts`]. An endpoint decodes a request, calls one use case and encodes the result; its JSON types are in `wire`.

mod answer;
mod authenticators;
mod badge_image;
mod body;
mod builder;
mod cache_control;
mod call;
mod coding;
mod context;
mod dispatch;
mod documents;
mod downloads;
mod edge;
mod endpoints;
pub(crate) mod entity_tag;
mod failure;
mod form;
pub mod layers;
pub(crate) mod metrics;
mod openapi;
mod peer;
mod query;
mod range;
mod rate_limits;
mod readiness;
mod routing;
mod service;
mod short_value;
mod stack;
mod wire;

pub use authenticators::BearerAuthenticator;
pub use body::{RegistryBody, RequestBody};
pub use builder::{RegistryServiceBuilder, ServiceBuildError};
pub use context::RequestContext;
pub use dispatch::Dispatch;
pub(crate) use endpoints::routes;
pub use failure::{Caller, Failure};
pub use peer::PeerAddr;
pub use readiness::{Readiness, ReadinessState};
pub(crate) use routing::Matcher;
pub use routing::{MatchedRoute, RouteGroup};
pub use service::{RegistryService, ResponseFuture};
pub(crate) use short_value::{random_id, short_number, short_value};
pub use stack::StackParts;
