//! Load generators, and the latencies they measure.

mod fetch;
mod h2load;
mod hold;
mod loaded;
mod observed;
mod publish;
mod request;
mod wrk;

pub(crate) use fetch::Fetcher;
pub(crate) use h2load::H2load;
pub(crate) use hold::{Connections, Downloads};
pub(crate) use loaded::{Loaded, Tool};
pub(crate) use observed::{Observed, percentile};
pub(crate) use publish::{Publishing, publish_all};
pub(crate) use request::Request;
pub(crate) use wrk::Wrk;
