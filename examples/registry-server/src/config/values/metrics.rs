//! Types of settings about metrics.

use std::net::SocketAddr;

use secrecy::SecretString;

use crate::config::setting::{Refusal, Value};

/// The fewest characters of a token that guesses do not find.
const SHORTEST: usize = 16;

/// The token with which `/metrics` is read.
#[derive(Clone, Debug)]
pub(crate) struct MetricsToken(pub(crate) SecretString);

impl Value for MetricsToken {
    const PLACEHOLDER: &'static str = "SECRET";

    fn allowed() -> String {
        format!("at least {SHORTEST} visible ASCII characters, such as `openssl rand -hex 32` prints")
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let is_token = text.len() >= SHORTEST && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_token { Ok(Self(text.into())) } else { Err(Refusal::NotAllowed) }
    }
}

/// An address and port to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MetricsAddress(pub(crate) SocketAddr);

impl Value for MetricsAddress {
    const PLACEHOLDER: &'static str = "ADDRESS:PORT";

    fn allowed() -> String {
        "an IP address and a port, such as `127.0.0.1:9100` or `[::1]:9100`".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        text.parse().map(Self).map_err(|_| Refusal::NotAllowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_and_fits_into_a_header() {
        assert!(MetricsToken::parse("0123456789abcdef").is_ok());
        for bad in ["", "0123456789abcde", "0123456789 abcdef", "0123456789äbcdef", "0123456789abcdef\n"] {
            assert!(MetricsToken::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_address_has_a_port() {
        assert!(MetricsAddress::parse("127.0.0.1:9100").is_ok() && MetricsAddress::parse("[::]:0").is_ok());
        for bad in ["127.0.0.1", ":9100", "localhost:9100", "::1:9100"] {
            assert!(MetricsAddress::parse(bad).is_err(), "{bad:?}");
        }
    }
}
