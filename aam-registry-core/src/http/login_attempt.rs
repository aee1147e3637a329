use std::{future::Future, sync::Arc};

use tracing::Instrument;

use super::Failure;
use crate::{
    error::{Error, Result},
    layers::{ClientAddress, ShortText, give_back, refuse_over_limit, take_request},
    ports::{RateClass, RateLimiter},
    registry::Registry,
};

/// The longest text that somebody may be called by at a login: the longest
/// e-mail address there is (RFC 5321).
const MAX_LOGIN: usize = 254;

/// Makes one guess at a password, at the account that `login` names, from
/// `client`, and counts it.
///
/// The guess goes on where its client has gone: a connection that is cut off
/// must neither leave a right password counted as a failure, nor spare a wrong
/// one its place in log and audit log.
///
/// # Errors
/// A refusal by a limiter.
pub(crate) async fn guess<T, F>(
    registry: &Registry,
    client: Option<ClientAddress>,
    login: &str,
    guess: impl FnOnce(Registry) -> F + Send + 'static,
) -> Result<Result<T>, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send,
{
    let (registry, account) = (registry.clone(), account_key(login));
    let guessing = async move {
        let attempt = LoginAttempt::begin(&registry, client, &account).await?;
        let result = guess(registry).await;
        attempt.end(matches!(result, Err(Error::InvalidCredentials))).await;
        Ok(result)
    };
    tokio::spawn(guessing.in_current_span()).await.map_err(Error::internal)?
}

/// What stands for an account in the limits on guessing: the username or the
/// e-mail address that was typed, each for itself.
///
/// Were it the account behind either, whoever fails for a name from one
/// network could tell by the limits met from another whether an address is
/// that of the same account.
fn account_key(login: &str) -> String {
    login.trim().to_lowercase().chars().take(MAX_LOGIN).collect()
}

/// One login, and what it has taken from the limits on guessing.
///
/// It takes before the password is looked at, so that many at once get no
/// further than one after another, and [`end`](Self::end) gives back all of it
/// unless the password was wrong: failures count, attempts do not. A failure
/// counts
///
/// - for address and account together, `RATE_LIMIT_AUTH` a minute;
/// - for the address, whatever the accounts, `RATE_LIMIT_AUTH` a minute, as a
///   registration does (taken by the layer that limits by address);
/// - for the account, whatever the addresses, `RATE_LIMIT_AUTH` a minute. This
///   one refuses nobody whose address has not failed for that account within a
///   day, or only as often as is forgiven: else whoever keeps failing for a name
///   would lock its owner out.
///
/// So guessing at one account from many addresses goes no faster than from one,
/// but for the failures that each address is forgiven a day.
#[derive(Debug)]
struct LoginAttempt {
    limiter: Arc<dyn RateLimiter>,
    /// By what the layer outside has limited the request.
    address: Option<ShortText>,
    taken: Vec<(RateClass, String)>,
}

impl LoginAttempt {
    /// Takes one attempt at `account` from `client`.
    ///
    /// # Errors
    /// A refusal by a limiter, which costs no more than the address has paid outside.
    async fn begin(registry: &Registry, client: Option<ClientAddress>, account: &str) -> Result<Self, Failure> {
        let limiter = Arc::clone(registry.rate_limiter());
        let address = client.map(ClientAddress::limit_key);
        if let Some(address) = &address {
            // Right passwords cost as much to check as wrong ones, so this is never given back.
            let decision = take_request(&*limiter, RateClass::Other, &format!("logins:{}", address.as_str())).await;
            decision.map_or(Ok(()), |decision| refuse_over_limit(RateClass::Other, &decision))?;
        }
        let mut attempt = Self { limiter, address, taken: Vec::new() };
        if let Some(address) = &address {
            attempt.take_or_fail(RateClass::Auth, format!("login:{account}:{}", address.as_str())).await?;
        }
        let site = client.map(ClientAddress::site_key);
        let forgiven = match &site {
            Some(site) => attempt.take(RateClass::ForgivenLogin, format!("login:{account}:{}", site.as_str())).await,
            // Nobody's failures are told apart, so none is forgiven.
            None => false,
        };
        let by_account = format!("account:{account}");
        if forgiven {
            attempt.take(RateClass::Auth, by_account).await;
        } else {
            attempt.take_or_fail(RateClass::Auth, by_account).await?;
        }
        Ok(attempt)
    }

    /// Gives back what was taken, unless a guess was wrong.
    async fn end(mut self, was_wrong: bool) {
        if was_wrong {
            return;
        }
        self.give_back().await;
        if let Some(address) = self.address {
            give_back(&*self.limiter, RateClass::Auth, address.as_str()).await;
        }
    }

    /// Whether there was one to take.
    async fn take(&mut self, class: RateClass, client: String) -> bool {
        let decision = take_request(&*self.limiter, class, &client).await;
        let passes = decision.is_none_or(|decision| decision.retry_after.is_none());
        if passes {
            self.taken.push((class, client));
        }
        passes
    }

    async fn take_or_fail(&mut self, class: RateClass, client: String) -> Result<(), Failure> {
        let Some(decision) = take_request(&*self.limiter, class, &client).await else { return Ok(()) };
        let refused = refuse_over_limit(class, &decision);
        if refused.is_ok() {
            self.taken.push((class, client));
        } else {
            self.give_back().await;
        }
        refused
    }

    async fn give_back(&mut self) {
        for (class, client) in self.taken.drain(..) {
            give_back(&*self.limiter, class, &client).await;
        }
    }
}
