use std::fmt;

use super::{Work, distribution, nginx, peer, verdaccio};
use crate::{
    bench::Bench,
    error::{Failure, Result},
    load::Request,
};

/// The yardsticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The fastest server that could be used instead.
    Nginx,
    /// The limit of kernel and loopback interface.
    RawLoop,
    /// The limit of the HTTP library.
    Hyper,
    /// A widely used registry of npm packages.
    Verdaccio,
    /// A widely used registry of container images.
    Distribution,
}

/// A running yardstick, which ends with this value.
pub(crate) trait Yardstick: fmt::Debug + Send {
    /// The serving process, or its parent.
    fn pid(&self) -> u32;

    /// The requests for the work.
    fn request(&self, connections: u32) -> Request;
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::RawLoop => "raw loop",
            Self::Hyper => "bare hyper",
            Self::Verdaccio => "verdaccio",
            Self::Distribution => "distribution",
        }
    }

    /// Starts it, and verifies that it does the work.
    ///
    /// # Errors
    /// [`Failure::Absent`] if it is not installed or cannot do this work.
    pub(crate) async fn start(self, bench: &Bench, work: &Work) -> Result<Box<dyn Yardstick>> {
        let no_tls = matches!(self, Self::RawLoop | Self::Hyper | Self::Verdaccio | Self::Distribution);
        let no_http2 = matches!(self, Self::RawLoop | Self::Verdaccio | Self::Distribution);
        if no_tls && work.protocol.is_tls() || no_http2 && work.protocol.is_http2() {
            return Err(Failure::Absent(format!("{} is not set up for {:?}", self.name(), work.protocol)));
        }
        Ok(match self {
            Self::Nginx => Box::new(nginx::Nginx::start(bench, work).await?),
            Self::RawLoop => Box::new(peer::Peer::start(bench, "raw-loop", work).await?),
            Self::Hyper if work.protocol.is_http2() => Box::new(peer::Peer::start(bench, "hyper-http2", work).await?),
            Self::Hyper => Box::new(peer::Peer::start(bench, "hyper", work).await?),
            Self::Verdaccio => Box::new(verdaccio::Verdaccio::start(bench, work).await?),
            Self::Distribution => Box::new(distribution::Distribution::start(bench, work).await?),
        })
    }
}
