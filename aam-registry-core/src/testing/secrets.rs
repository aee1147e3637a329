//! What every [`SecretSealer`] has to do.

#![cfg_attr(not(test), expect(clippy::unused_async, reason = "the cases of every suite are called alike"))]

use crate::ports::SecretSealer;

/// Defines a test for every case, on the sealer that `$make` returns.
#[macro_export]
macro_rules! secret_sealer_conformance {
    ($make:expr) => {
        $crate::conformance!(secrets, $make, [a_secret_comes_back, a_secret_of_another_is_not_opened]);
    };
}

/// Whatever was sealed is opened in the same context.
pub async fn a_secret_comes_back(sealer: &dyn SecretSealer) {
    for secret in ["", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "ü \u{0}"] {
        let kept = sealer.seal(secret, "one").expect("sealed");
        assert_eq!(sealer.open(&kept, "one").expect("opened"), secret);
    }
}

/// In another context, or changed, it is not.
pub async fn a_secret_of_another_is_not_opened(sealer: &dyn SecretSealer) {
    let kept = sealer.seal("secret", "one").expect("sealed");
    sealer.open(&kept, "two").expect_err("another context");
    for text in ["", "x", "no such text"] {
        sealer.open(&crate::types::SealedSecret::new(text), "one").expect_err(text);
    }
}
