use async_trait::async_trait;
use data_encoding::HEXLOWER;
use subtle::ConstantTimeEq;

use crate::{error::Result, ports::PasswordHasher, types::Sha256Digest};

const PREFIX: &str = "$insecure-sha256$";

/// Hashes passwords fast, which is what no real registry may do: for examples
/// and tests alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct InsecurePasswords;

fn digest(salt: &str, password: &str) -> String {
    format!("{PREFIX}{salt}${}", Sha256Digest::of(format!("{salt}${password}").as_bytes()))
}

#[async_trait]
impl PasswordHasher for InsecurePasswords {
    async fn hash(&self, password: String) -> Result<String> {
        Ok(digest(&HEXLOWER.encode(&rand::random::<[u8; 16]>()), &password))
    }

    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        let hash = hash.unwrap_or_default();
        let salt = hash.strip_prefix(PREFIX).and_then(|rest| rest.split_once('$')).map_or("", |(salt, _)| salt);
        Ok(bool::from(digest(salt, &password).as_bytes().ct_eq(hash.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::password_hasher_conformance!(async { (InsecurePasswords, ()) });
}
