//! Which passwords are good enough.

#[cfg(feature = "password-strength")]
mod leaked;

use data_encoding::BASE64URL_NOPAD;

use crate::error::Detail;

/// The fewest characters of a password.
pub(crate) const MIN_CHARS: usize = 12;
/// The most bytes of a password: hashing more would only cost time.
pub(crate) const MAX_BYTES: usize = 1024;

/// What is wrong with a new `password` of the user of that name and address.
///
/// Slow for long passwords: call it off the async threads.
pub(super) fn fault(password: &str, username: &str, email: &str) -> Option<Detail> {
    let local = email.split('@').next().unwrap_or_default();
    weakness(password, &[username, email, local]).map(|weakness| Detail::new("password", weakness))
}

/// A password that nobody knows.
pub(super) fn unknown() -> String {
    BASE64URL_NOPAD.encode(&rand::random::<[u8; 32]>())
}

fn weakness(password: &str, inputs: &[&str]) -> Option<String> {
    if password.len() > MAX_BYTES {
        return Some(format!("is longer than {MAX_BYTES} bytes"));
    }
    if password.chars().count() < MIN_CHARS {
        return Some(format!("is shorter than {MIN_CHARS} characters"));
    }
    is_guessable(password, inputs)
        .then(|| "is a common password or easy to guess; use several unrelated words".to_owned())
}

#[cfg(feature = "password-strength")]
fn is_guessable(password: &str, inputs: &[&str]) -> bool {
    leaked::is_leaked(password) || zxcvbn::zxcvbn(password, inputs).score() < zxcvbn::Score::Two
}

#[cfg(not(feature = "password-strength"))]
fn is_guessable(_: &str, _: &[&str]) -> bool {
    false
}

#[cfg(all(test, feature = "password-strength"))]
mod tests {
    use super::*;

    #[test]
    fn short_common_and_endless_passwords_are_refused() {
        for bad in
            ["correct-ho", "password1234", "aaaaaaaaaaaaaaaa", "qwertyuiop123", "ada_lovelace1", &"xK9$".repeat(257)]
        {
            assert!(weakness(bad, &["ada_lovelace", "ada@example.com"]).is_some(), "{bad:?} passed");
        }
        for good in ["correct horse battery staple", "tulip-Wagon-93-kelp", &"xK9$vQ2!".repeat(128)] {
            assert_eq!(weakness(good, &["ada_lovelace", "ada@example.com"]), None, "{good:?} was refused");
        }
    }
}
