//! Which endpoint answers which path.

mod matched;
mod matcher;
mod route;

pub use matched::MatchedRoute;
pub(crate) use matcher::Matcher;
pub(crate) use route::{
    Access, Answer, Content, Handler, Kind, QueryParam, RequestContent, Route, Verb, handler, route,
};
