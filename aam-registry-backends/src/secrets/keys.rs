use std::fmt;

use aam_registry_core::{Error, Result, ports::SecretSealer, types::SealedSecret};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    digest::{SHA256, digest},
};
use data_encoding::BASE64;

/// What every text begins with, so that another way of encrypting can be told apart.
const FORMAT: &str = "v1.";

/// The keys that secrets are encrypted with: the first encrypts, all decrypt, so that a key can be replaced.
pub struct SecretKeys {
    first: RandomizedNonceKey,
    retired: Vec<RandomizedNonceKey>,
}

/// A key is too short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a key needs at least {} bytes", SecretKeys::MIN_LEN)
    }
}

impl std::error::Error for InvalidKey {}

impl SecretKeys {
    /// The fewest bytes of a key.
    pub const MIN_LEN: usize = 32;

    /// Encrypts with `first`; decrypts with it and the `retired` ones.
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn new<'a>(first: &str, retired: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidKey> {
        Ok(Self { first: key(first)?, retired: retired.into_iter().map(key).collect::<Result<_, _>>()? })
    }
}

fn key(text: &str) -> Result<RandomizedNonceKey, InvalidKey> {
    if text.len() < SecretKeys::MIN_LEN {
        return Err(InvalidKey);
    }
    RandomizedNonceKey::new(&AES_256_GCM, digest(&SHA256, text.as_bytes()).as_ref()).map_err(|_| InvalidKey)
}

fn unreadable() -> Error {
    Error::internal("a secret was encrypted with a key that is not in SECRETS_KEY")
}

impl SecretSealer for SecretKeys {
    fn seal(&self, secret: &str, context: &str) -> Result<SealedSecret> {
        let mut text = secret.as_bytes().to_vec();
        let nonce = self.first.seal_in_place_append_tag(Aad::from(context.as_bytes()), &mut text);
        let nonce = nonce.map_err(|_| Error::internal("a secret could not be encrypted"))?;
        let sealed = [nonce.as_ref().as_slice(), &text].concat();
        Ok(SealedSecret::new(format!("{FORMAT}{}", BASE64.encode(&sealed))))
    }

    fn open(&self, sealed: &SealedSecret, context: &str) -> Result<String> {
        let bytes = sealed.as_str().strip_prefix(FORMAT).and_then(|text| BASE64.decode(text.as_bytes()).ok());
        let bytes = bytes.ok_or_else(unreadable)?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN).ok_or_else(unreadable)?;
        let opened = std::iter::once(&self.first).chain(&self.retired).find_map(|key| {
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut text = text.to_vec();
            let opened = key.open_in_place(nonce, Aad::from(context.as_bytes()), &mut text).ok()?;
            String::from_utf8(opened.to_vec()).ok()
        });
        opened.ok_or_else(unreadable)
    }
}

impl fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKeys").field("retired", &self.retired.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "the old key, which has enough bytes to be one";
    const NEW: &str = "the new key, which has enough bytes to be one";

    fn keys(first: &str, retired: &[&str]) -> SecretKeys {
        SecretKeys::new(first, retired.iter().copied()).expect("long enough")
    }

    aam_registry_core::secret_sealer_conformance!(async { (keys(NEW, &[]), ()) });

    #[test]
    fn keys_are_replaced() {
        let sealed = keys(OLD, &[]).seal("secret", "one").expect("sealed");
        assert_eq!(keys(NEW, &[OLD]).open(&sealed, "one").expect("opened"), "secret");
        keys(NEW, &[]).open(&sealed, "one").expect_err("the key is gone");
        assert_eq!(SecretKeys::new("short", []).err(), Some(InvalidKey));
    }

    #[test]
    fn the_text_shows_nothing_and_is_another_each_time() {
        let keys = keys(NEW, &[]);
        let [one, other] = [(); 2].map(|()| keys.seal("whsec_secret", "one").expect("sealed"));
        assert_ne!(one, other);
        assert!(!one.as_str().contains("whsec") && !format!("{keys:?}").contains("key,"), "{one:?}");
    }

    #[test]
    fn a_text_that_was_changed_is_not_opened() {
        let keys = keys(NEW, &[]);
        let sealed = keys.seal("secret", "one").expect("sealed");
        let mut bytes = BASE64.decode(&sealed.as_str().as_bytes()[FORMAT.len()..]).expect("base64");
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            let changed = SealedSecret::new(format!("{FORMAT}{}", BASE64.encode(&bytes)));
            keys.open(&changed, "one").expect_err("changed");
            bytes[at] ^= 1;
        }
    }
}
