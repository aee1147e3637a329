use std::{error, fmt};

use aws_lc_rs::hmac;

/// Why a key cannot sign URLs. Never quotes the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSigningKey(pub(super) &'static str);

impl fmt::Display for InvalidSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl error::Error for InvalidSigningKey {}

/// A MAC key that a text is signed with.
pub(super) struct MacKey(hmac::Key);

impl MacKey {
    pub(super) fn new(algorithm: hmac::Algorithm, secret: &[u8]) -> Self {
        Self(hmac::Key::new(algorithm, secret))
    }

    pub(super) fn sign(&self, text: &str) -> hmac::Tag {
        hmac::sign(&self.0, text.as_bytes())
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(..)")
    }
}

/// The path of a URL, from its first slash on.
pub(super) fn path_of(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    url[after_scheme..].find('/').map_or("/", |at| &url[after_scheme + at..])
}
