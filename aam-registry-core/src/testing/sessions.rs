//! What every [`SessionSigner`] has to do.

#![cfg_attr(not(test), expect(clippy::unused_async, reason = "the cases of every suite are called alike"))]

use jiff::{SignedDuration, Timestamp};

use crate::{
    ports::{Session, SessionSigner},
    types::UserId,
};

/// Defines a test for every case, on the signer that `$make` returns.
#[macro_export]
macro_rules! session_signer_conformance {
    ($make:expr) => {
        $crate::conformance!(
            sessions,
            $make,
            [
                a_session_survives_its_token,
                sessions_are_apart,
                a_session_ends_when_it_says,
                a_changed_token_is_none,
                junk_is_none,
                a_token_fits_a_header,
            ]
        );
    };
}

fn session() -> Session {
    let issued_at = Timestamp::from_second(Timestamp::now().as_second()).expect("now is a timestamp");
    Session {
        id: "0190d9f0-5f4e-7c3a-9b1e-2f6a8c4d1e00".to_owned(),
        user: UserId::generate(),
        generation: 7,
        issued_at,
        expires_at: issued_at + SignedDuration::from_hours(24),
    }
}

/// Verifying a token returns the session that was signed.
pub async fn a_session_survives_its_token(signer: &dyn SessionSigner) {
    let session = session();
    let token = signer.sign(&session).expect("sign");
    assert_eq!(signer.verify(&token, session.issued_at), Some(session));
}

/// Each token belongs to its own session.
pub async fn sessions_are_apart(signer: &dyn SessionSigner) {
    let (first, second) = (session(), Session { id: "another".to_owned(), ..session() });
    let tokens = [&first, &second].map(|session| signer.sign(session).expect("sign"));
    assert_eq!(signer.verify(&tokens[1], second.issued_at), Some(second));
    assert_eq!(signer.verify(&tokens[0], first.issued_at), Some(first));
}

/// A session is valid until its end, exclusively, whatever the clock of the machine says.
pub async fn a_session_ends_when_it_says(signer: &dyn SessionSigner) {
    let old = Timestamp::from_second(1_600_000_000).expect("a timestamp");
    let ended = Session { issued_at: old, expires_at: old + SignedDuration::from_secs(60), ..session() };
    for session in [session(), ended] {
        let token = signer.sign(&session).expect("sign");
        let last = session.expires_at - SignedDuration::from_secs(1);
        assert_eq!(signer.verify(&token, last).as_ref(), Some(&session), "it ended early");
        assert_eq!(signer.verify(&token, session.expires_at), None, "it goes on at its end");
        assert_eq!(signer.verify(&token, session.expires_at + SignedDuration::from_hours(1)), None);
    }
}

/// A token with any one character changed is refused.
pub async fn a_changed_token_is_none(signer: &dyn SessionSigner) {
    let session = session();
    let token = signer.sign(&session).expect("sign");
    for at in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("a token is ASCII");
        assert_eq!(signer.verify(&changed, session.issued_at), None, "changed at {at}");
    }
    for changed in
        [format!("{token}A"), format!(" {token}"), token[1..].to_owned(), token[..token.len() - 1].to_owned()]
    {
        assert_eq!(signer.verify(&changed, session.issued_at), None, "{changed:?} passed");
    }
}

/// Text that is not a token is `None`, without a panic.
pub async fn junk_is_none(signer: &dyn SessionSigner) {
    let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiIwMTkwZDlmMC01ZjRlLTdjM2EtOWIxZS0yZjZhOGM0ZDFlMDAiLCJqdGkiOiJ4IiwiaWF0IjoxLCJleHAiOjk5OTk5OTk5OTl9.";
    for junk in ["", ".", "..", "a.b.c", "\0", "ü", "Bearer x", unsigned, &"x".repeat(100_000)] {
        assert_eq!(signer.verify(junk, Timestamp::now()), None, "{:?} passed", &junk[..junk.len().min(20)]);
    }
}

/// A token can be sent as a bearer credential (RFC 6750, section 2.1).
pub async fn a_token_fits_a_header(signer: &dyn SessionSigner) {
    let token = signer.sign(&session()).expect("sign");
    assert!(!token.is_empty() && token.len() < 2000, "a token of {} bytes", token.len());
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    assert!(token.bytes().all(allowed), "{token:?} does not fit a header");
}
