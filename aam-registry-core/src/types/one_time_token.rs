//! Tokens that are sent to users, and work once.

use std::{fmt, time::Duration};

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;

use crate::types::Sha256Digest;

/// What a one-time token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneTimePurpose {
    /// Setting another password without the current one.
    PasswordReset,
    /// Showing that mail to the account's address arrives.
    EmailVerification,
}

impl OneTimePurpose {
    /// Every purpose.
    pub const ALL: [Self; 2] = [Self::PasswordReset, Self::EmailVerification];

    /// The purpose as text: `password_reset`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PasswordReset => "password_reset",
            Self::EmailVerification => "email_verification",
        }
    }

    /// Reads the purpose's text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }

    /// How long a token works that is sent by mail.
    pub const fn mailed_lifetime(self) -> Duration {
        match self {
            Self::PasswordReset => Duration::from_hours(1),
            Self::EmailVerification => Duration::from_hours(48),
        }
    }
}

/// The secret of a one-time token: 43 characters for 256 random bits. Debug output hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeSecret(String);

impl OneTimeSecret {
    /// A new random secret.
    pub fn generate() -> Self {
        Self(BASE64URL_NOPAD.encode(&rand::random::<[u8; 32]>()))
    }

    /// Reads a secret, or the link that ends with it; `None` if there is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.rsplit_once('#').map_or(text, |(_, secret)| secret);
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        (bytes.len() == 32).then(|| Self(text.to_owned()))
    }

    /// The secret itself: for its user's eyes, never for logs or the database.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The digest that is stored instead of the secret.
    pub fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for OneTimeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeSecret(..)")
    }
}

/// A one-time token as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneTimeToken {
    /// The digest of its secret.
    pub digest: Sha256Digest,
    /// What it is for.
    pub purpose: OneTimePurpose,
    /// When it stops working.
    pub expires_at: Timestamp,
}

impl OneTimeToken {
    /// Whether the token has not expired at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at > now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_survives_its_text_and_its_link() {
        let secret = OneTimeSecret::generate();
        let link = format!(" https://registry.example.com/reset-password#{} ", secret.expose());
        for text in [secret.expose(), &link] {
            assert_eq!(OneTimeSecret::parse(text), Some(secret.clone()));
        }
        for text in ["", "#", "abc", &format!("{}a", secret.expose()), "https://registry.example.com/reset-password"] {
            assert_eq!(OneTimeSecret::parse(text), None, "{text}");
        }
        assert_eq!(format!("{secret:?}"), "OneTimeSecret(..)");
    }
}
