use crate::server::Canned;

/// What all contenders of a row answer.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    /// The whole, as the registry answers it to anybody.
    pub(crate) whole: Canned,
    /// The headers the load asks with.
    pub(crate) asked: Vec<(String, String)>,
    /// What the registry answers to those.
    pub(crate) answer: Canned,
    pub(crate) protocol: Protocol,
}

/// How a client speaks to the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http1Tls,
    /// By prior knowledge (RFC 9113, section 3.3).
    Http2,
    Http2Tls,
}

impl Protocol {
    pub(crate) fn is_tls(self) -> bool {
        matches!(self, Self::Http1Tls | Self::Http2Tls)
    }

    pub(crate) fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2Tls)
    }

    /// `http` or `https`.
    pub(crate) fn scheme(self) -> &'static str {
        if self.is_tls() { "https" } else { "http" }
    }
}

impl Work {
    #[must_use]
    pub(crate) fn over(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }
}
