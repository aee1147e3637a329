//! Types of settings about what the server calls.

use std::fs;

use aam_registry_backends::outgoing::Outgoing;
use secrecy::SecretString;

use crate::config::setting::{Refusal, Value};

/// The address of an HTTP proxy, with the password that it may need.
#[derive(Clone, Debug)]
pub(crate) struct ProxyUrl(pub(crate) SecretString);

impl Value for ProxyUrl {
    const PLACEHOLDER: &'static str = "URL";

    fn allowed() -> String {
        "the address of an HTTP proxy such as `http://proxy.example.com:3128` or `http://<user>:<password>@<host>:<port>`"
            .to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        Outgoing::default().with_proxy(text, "").map_err(|_| Refusal::NotAllowed)?;
        Ok(Self(text.into()))
    }
}

/// What is called without the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProxyExceptions(pub(crate) String);

impl Value for ProxyExceptions {
    const PLACEHOLDER: &'static str = "LIST";

    fn allowed() -> String {
        "a comma-separated list of host names, which stand for everything below them too, addresses and networks such \
         as `minio,.internal,10.0.0.0/8`, or `*`"
            .to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let is_one =
            |part: &str| !part.contains(|c: char| c.is_whitespace() || c.is_control()) && !part.contains("://");
        let fits = text.split(',').map(str::trim).all(is_one);
        if fits { Ok(Self(text.to_owned())) } else { Err(Refusal::NotAllowed) }
    }
}

/// The certificates of a PEM file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CaBundle(pub(crate) Vec<u8>);

impl Value for CaBundle {
    const PLACEHOLDER: &'static str = "PATH";

    fn allowed() -> String {
        "the path of a PEM file of root certificates".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let pem =
            fs::read(text).map_err(|error| Refusal::Because(format!("the file {text} cannot be read: {error}")))?;
        let checked = Outgoing::default().with_root_certificates(&pem);
        checked.map_err(|fault| Refusal::Because(format!("the file {text} {fault}")))?;
        Ok(Self(pem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_are_hosts_and_networks() {
        for good in ["minio, .internal ,10.0.0.0/8", "*", "localhost", "::1"] {
            assert!(ProxyExceptions::parse(good).is_ok(), "{good}");
        }
        for bad in ["minio internal", "http://minio"] {
            assert_eq!(ProxyExceptions::parse(bad), Err(Refusal::NotAllowed), "{bad}");
        }
    }
}
