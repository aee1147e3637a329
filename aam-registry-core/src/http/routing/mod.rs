//! Finds the endpoint for a path.

mod group;
mod matched;
mod matcher;
mod route;

pub use group::RouteGroup;
pub use matched::MatchedRoute;
pub(crate) use matcher::Matcher;
pub(crate) use route::{
    Access, Answer, Content, Handler, Kind, QueryParam, RequestContent, Route, Verb, handler, route,
};
