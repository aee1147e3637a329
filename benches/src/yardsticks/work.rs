use crate::server::Canned;

/// The answers that all contenders of a row give.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    /// The registry's complete answer to an anonymous request without further headers.
    pub(crate) whole: Canned,
    /// The headers of the requests.
    pub(crate) asked: Vec<(String, String)>,
    /// The registry's answer to requests with these headers.
    pub(crate) answer: Canned,
    pub(crate) protocol: Protocol,
}

/// The protocol between client and server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http1Tls,
    /// With prior knowledge (RFC 9113, section 3.3).
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
