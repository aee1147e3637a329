use crate::{
    error::{Error, Result},
    ports::SecretSealer,
    types::SealedSecret,
};

/// Keeps secrets as they are, which is what no real registry may do: for
/// examples and tests alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct InsecureSecrets;

impl SecretSealer for InsecureSecrets {
    fn seal(&self, secret: &str, context: &str) -> Result<SealedSecret> {
        Ok(SealedSecret::new(format!("{context} {secret}")))
    }

    fn open(&self, sealed: &SealedSecret, context: &str) -> Result<String> {
        let secret = sealed.as_str().strip_prefix(context).and_then(|rest| rest.strip_prefix(' '));
        secret.map(str::to_owned).ok_or_else(|| Error::internal("the secret is another's"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::secret_sealer_conformance!(async { (InsecureSecrets, ()) });
}
