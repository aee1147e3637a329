//! Finds the endpoint for a path.

mod access;
mod entry;
mod group;
mod matched;
mod matcher;
mod params;
mod route;

pub(crate) use access::Access;
pub use group::RouteGroup;
pub use matched::MatchedRoute;
pub(crate) use matcher::Matcher;
pub(crate) use params::PathParams;
pub(crate) use route::{Answer, Content, Handler, Kind, QueryParam, RequestContent, Route, Verb, handler, route};
