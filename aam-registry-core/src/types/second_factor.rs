//! The second factor of an account: codes that change with the time (TOTP, RFC 6238), and recovery codes.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use totp_rs::{Builder, Totp};

use crate::types::{SealedSecret, Sha256Digest, Username};

/// The seed of an account's one-time passwords: 160 random bits. Debug output hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret([u8; 20]);

impl TotpSecret {
    /// A new random seed.
    pub fn generate() -> Self {
        Self(rand::random())
    }

    /// Reads a seed in Base32; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE32_NOPAD.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The seed in Base32: for its user's eyes, never for logs, nor unsealed for the database.
    pub fn expose(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// The address that authenticator apps read, for the account of `username` at `issuer`.
    pub fn otpauth_uri(&self, issuer: &str, username: &Username) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let (issuer, username, secret) = (encoded(issuer), encoded(username.as_str()), self.expose());
        format!("otpauth://totp/{issuer}:{username}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30")
    }

    /// The step of 30 seconds that `code` is of, if that is the one at `now` or one beside it.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<u64> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let is_code = code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit());
        let now = u64::try_from(now.as_second()).ok()?;
        if is_code { self.totp()?.check(&code, now) } else { None }
    }

    /// The code at `now`.
    pub fn code_at(&self, now: Timestamp) -> Option<String> {
        let now = u64::try_from(now.as_second()).ok()?;
        Some(self.totp()?.generate(now).to_string())
    }

    fn totp(&self) -> Option<Totp> {
        // Six digits of HMAC-SHA-1, which every authenticator app knows.
        Builder::new().with_secret(self.0).build().ok()
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(..)")
    }
}

/// A code that stands in once for a one-time password, such as `k3fq-7zpa-m2xc-9tdh`. Debug output hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(String);

impl RecoveryCode {
    /// How many an account gets.
    pub const COUNT: usize = 10;

    /// A new random code of 80 bits.
    pub fn generate() -> Self {
        let text = BASE32_NOPAD.encode(&rand::random::<[u8; 10]>()).to_lowercase();
        let parts: Vec<_> = (0..4).map(|part| &text[part * 4..part * 4 + 4]).collect();
        Self(parts.join("-"))
    }

    /// Reads a code, with or without its hyphens; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let letters: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        let bytes = BASE32_NOPAD.decode(letters.to_uppercase().as_bytes()).ok()?;
        let text = letters.to_lowercase();
        let part = |part: usize| text.get(part * 4..part * 4 + 4);
        (bytes.len() == 10).then(|| Some([part(0)?, part(1)?, part(2)?, part(3)?].join("-"))).flatten().map(Self)
    }

    /// The code itself: for its user's eyes, never for logs or the database.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The digest that is stored instead of the code.
    pub fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}

/// The second factor of an account as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    /// The sealed seed.
    pub secret: SealedSecret,
    /// Whether its user has shown to have it, so that logins need it.
    pub is_confirmed: bool,
    /// The step of the code that was last used: one of it or of an earlier step is refused.
    pub last_step: u64,
    /// The digests of the recovery codes that were not used.
    pub recovery_codes: Vec<Sha256Digest>,
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    /// The seed and the codes of RFC 6238, appendix B, of which the last six digits count.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = TotpSecret(*b"12345678901234567890");
        for (second, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let at = Timestamp::from_second(second).expect("an instant");
            assert_eq!(secret.code_at(at).as_deref(), Some(code));
            let step = u64::try_from(second / 30).expect("a step");
            for seconds in [-30, 0, 30] {
                assert_eq!(secret.step_of(code, at + SignedDuration::from_secs(seconds)), Some(step));
            }
            assert_eq!(secret.step_of(code, at + SignedDuration::from_secs(60)), None);
        }
        let at = Timestamp::from_second(59).expect("an instant");
        assert_eq!(secret.step_of("287 082", at), Some(1));
        for other in ["", "28708", "2870822", "abcdef", "287083"] {
            assert_eq!(secret.step_of(other, at), None, "{other}");
        }
    }

    #[test]
    fn seeds_and_recovery_codes_survive_their_text() {
        let secret = TotpSecret::generate();
        assert_eq!(TotpSecret::parse(&secret.expose()), Some(secret.clone()));
        assert_eq!(format!("{secret:?}"), "TotpSecret(..)");
        let code = RecoveryCode::generate();
        assert_eq!(code.expose().len(), 19);
        for text in [code.expose().to_owned(), code.expose().replace('-', " ").to_uppercase()] {
            assert_eq!(RecoveryCode::parse(&text), Some(code.clone()));
        }
        for text in ["", "123456", "aaaa-aaaa-aaaa", "äääääääääääääääää"] {
            assert_eq!(RecoveryCode::parse(text), None, "{text}");
        }
        assert_eq!(format!("{code:?}"), "RecoveryCode(..)");
    }

    #[test]
    fn apps_read_the_address_of_a_seed() {
        let secret = TotpSecret(*b"12345678901234567890");
        assert_eq!(
            secret.otpauth_uri("registry.example.com", &"ada".parse().expect("a name")),
            "otpauth://totp/registry%2Eexample%2Ecom:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=registry%2Eexample%2Ecom&algorithm=SHA1&digits=6&period=30"
        );
    }
}
