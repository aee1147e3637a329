//! What every [`PasswordHasher`] has to do.

use futures_util::future::join_all;

use crate::ports::PasswordHasher;

/// Defines a test for every case, on the hasher that `$make` returns.
#[macro_export]
macro_rules! password_hasher_conformance {
    ($make:expr) => {
        $crate::conformance!(
            passwords,
            $make,
            [
                a_password_is_behind_its_hash,
                another_password_is_not,
                nothing_is_behind_no_hash,
                equal_passwords_have_different_hashes,
                a_hash_does_not_show_the_password,
                a_damaged_hash_verifies_nothing,
                several_at_once_are_all_right,
            ]
        );
    };
}

const PASSWORD: &str = "correct horse battery staple";

async fn verify(hasher: &dyn PasswordHasher, password: &str, hash: &str) -> bool {
    hasher.verify(password.to_owned(), Some(hash.to_owned())).await.expect("verify")
}

/// A hashed password is recognized: of any length, in any script, including spaces.
pub async fn a_password_is_behind_its_hash(hasher: &dyn PasswordHasher) {
    for password in [PASSWORD, " leading and trailing ", "пароль-für-内部", &"long ".repeat(200)] {
        let hash = hasher.hash(password.to_owned()).await.expect("hash");
        assert!(verify(hasher, password, &hash).await, "{password:?} was not recognised");
    }
}

/// No other password is accepted, however similar.
pub async fn another_password_is_not(hasher: &dyn PasswordHasher) {
    let hash = hasher.hash(PASSWORD.to_owned()).await.expect("hash");
    for other in ["", "correct horse battery stapl", "correct horse battery staple ", "Correct horse battery staple"] {
        assert!(!verify(hasher, other, &hash).await, "{other:?} passed");
    }
    // Some algorithms only look at the first 72 bytes.
    let long = "x".repeat(100);
    let hash = hasher.hash(long.clone()).await.expect("hash");
    assert!(!verify(hasher, &format!("{}y", &long[1..]), &hash).await, "the end of a long password is not looked at");
}

/// Without a hash every password is wrong.
pub async fn nothing_is_behind_no_hash(hasher: &dyn PasswordHasher) {
    for password in [PASSWORD, ""] {
        assert!(!hasher.verify(password.to_owned(), None).await.expect("verify"), "{password:?} passed");
    }
}

/// Hashes are salted.
pub async fn equal_passwords_have_different_hashes(hasher: &dyn PasswordHasher) {
    let first = hasher.hash(PASSWORD.to_owned()).await.expect("hash");
    let second = hasher.hash(PASSWORD.to_owned()).await.expect("hash");
    assert_ne!(first, second);
}

/// A hash is a PHC string that does not contain the password.
pub async fn a_hash_does_not_show_the_password(hasher: &dyn PasswordHasher) {
    let hash = hasher.hash(PASSWORD.to_owned()).await.expect("hash");
    assert!(hash.starts_with('$') && hash.is_ascii(), "not a PHC string");
    assert!(!hash.contains(PASSWORD), "the hash shows the password");
}

/// A truncated or invalid hash matches no password; it may be reported as an error.
pub async fn a_damaged_hash_verifies_nothing(hasher: &dyn PasswordHasher) {
    let hash = hasher.hash(PASSWORD.to_owned()).await.expect("hash");
    for damaged in ["", "$", PASSWORD, &hash[..hash.len() - 4], &hash[..hash.len() / 2]] {
        let verified = hasher.verify(PASSWORD.to_owned(), Some(damaged.to_owned())).await;
        assert!(!matches!(verified, Ok(true)), "{damaged:?} passed");
    }
}

/// A few concurrent calls are not an overload, and each gets its own result.
pub async fn several_at_once_are_all_right(hasher: &dyn PasswordHasher) {
    let hash = hasher.hash(PASSWORD.to_owned()).await.expect("hash");
    let answers = join_all((0..6).map(|n| {
        let password = if n % 2 == 0 { PASSWORD.to_owned() } else { format!("{PASSWORD}{n}") };
        hasher.verify(password, Some(hash.clone()))
    }))
    .await;
    for (n, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.expect("verify"), n % 2 == 0, "answer {n}");
    }
}
