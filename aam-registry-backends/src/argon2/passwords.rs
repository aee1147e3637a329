use std::sync::Arc;

use aam_registry_core::{Error, Result, ports::PasswordHasher};
use argon2::{
    Argon2, Params,
    password_hash::{self, PasswordHasher as _, PasswordVerifier as _},
};
use async_trait::async_trait;
use tokio::sync::{AcquireError, Semaphore};

use super::Argon2Config;

/// Hashes passwords with Argon2id on blocking threads, a limited number at a time.
#[derive(Debug)]
pub struct Argon2Passwords {
    /// Permits to enter: one for each password that is hashed or waits.
    admitted: Arc<Semaphore>,
    working: Arc<Semaphore>,
    dummy: Arc<str>,
}

impl Argon2Passwords {
    /// A hasher with the limits of `config`.
    pub fn new(config: &Argon2Config) -> Self {
        Self {
            admitted: Arc::new(Semaphore::new(config.at_once + config.waiting)),
            working: Arc::new(Semaphore::new(config.at_once)),
            dummy: dummy_hash().into(),
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> password_hash::Result<T> + Send + 'static,
    ) -> Result<T> {
        let admission = self.admitted.clone().try_acquire_owned().map_err(|_| Error::Overloaded)?;
        let turn =
            self.working.clone().acquire_owned().await.map_err(|closed: AcquireError| Error::internal(closed))?;
        let done = tokio::task::spawn_blocking(move || {
            // Held until the work is done, since it continues even if the caller has gone.
            let _held = (admission, turn);
            work()
        });
        done.await.map_err(Error::internal)?.map_err(Error::internal)
    }
}

impl Default for Argon2Passwords {
    fn default() -> Self {
        Self::new(&Argon2Config::default())
    }
}

/// A hash that takes as long to verify as any other and matches no known password: its 32 bytes of
/// output are zeros.
fn dummy_hash() -> String {
    let (memory, passes, lanes) = (Params::DEFAULT_M_COST, Params::DEFAULT_T_COST, Params::DEFAULT_P_COST);
    format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${}${}", "A".repeat(22), "A".repeat(43))
}

#[async_trait]
impl PasswordHasher for Argon2Passwords {
    async fn hash(&self, password: String) -> Result<String> {
        self.run(move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())).await
    }

    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        let dummy = self.dummy.clone();
        self.run(move || {
            let expected = hash.as_deref().unwrap_or(&dummy);
            match Argon2::default().verify_password(password.as_bytes(), expected) {
                Ok(()) => Ok(hash.is_some()),
                Err(password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::phc::PasswordHash;

    use super::*;

    #[tokio::test]
    async fn no_hash_costs_what_a_hash_costs() {
        let hasher = Argon2Passwords::default();
        let hash = hasher.hash("correct horse battery staple".to_owned()).await.expect("hash");
        let cost = |hash: &str| {
            let hash = PasswordHash::new(hash).expect("a PHC string");
            let lens = (hash.salt.map(|salt| salt.len()), hash.hash.map(|hash| hash.len()));
            (hash.algorithm.to_string(), hash.version, hash.params.to_string(), lens)
        };
        assert_eq!(cost(&dummy_hash()), cost(&hash));
    }

    #[tokio::test]
    async fn beyond_the_queue_is_overload() {
        let hasher = Argon2Passwords::new(&Argon2Config::default().with_at_once(1).with_waiting(1));
        let verify = || hasher.verify("correct horse battery staple".to_owned(), None);
        let (first, second, third) = tokio::join!(verify(), verify(), verify());
        assert!(!first.expect("at work") && !second.expect("waiting"));
        assert!(matches!(third, Err(Error::Overloaded)), "{third:?}");
        assert!(!verify().await.expect("there is room again"));
    }

    #[tokio::test]
    async fn work_of_a_caller_that_left_still_counts() {
        let hasher = Argon2Passwords::new(&Argon2Config::default().with_at_once(1).with_waiting(0));
        let gone = hasher.hash("correct horse battery staple".to_owned());
        tokio::select! {
            biased;
            _ = gone => panic!("hashed at once"),
            () = tokio::task::yield_now() => {}
        }
        let refused = hasher.hash("correct horse battery staple".to_owned()).await;
        assert!(matches!(refused, Err(Error::Overloaded)), "{refused:?}");
    }
}
