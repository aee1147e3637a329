use std::sync::Arc;

use super::Failure;
use crate::{
    error::{Error, Result},
    layers::{ClientAddress, ShortText, give_back, refuse_over_limit, take_request},
    ports::{RateClass, RateLimiter},
    registry::Registry,
};

/// One login attempt, and the requests that it has taken from the limits on guessing passwords.
///
/// It takes them before the password is checked, so that many attempts at once get no further than
/// attempts one after the other. [`end`](Self::end) gives all of them back unless the password was
/// wrong, so only failures count. A failure counts
///
/// - for address and account together, `RATE_LIMIT_AUTH` a minute;
/// - for the address, for all accounts together, `RATE_LIMIT_AUTH` a minute, as a registration does
///   (taken by the layer that limits by address);
/// - for the account, from all addresses together, `RATE_LIMIT_AUTH` a minute. This limit does not
///   refuse an address that has not failed for the account within a day, or only as often as is
///   forgiven; otherwise anybody could lock the owner out by failing on purpose.
///
/// So guessing the password of one account from many addresses is no faster than from one, except for
/// the forgiven failures of each address per day.
#[derive(Debug)]
pub(crate) struct LoginAttempt {
    limiter: Arc<dyn RateLimiter>,
    /// The key by which the address layer has limited the request.
    address: Option<ShortText>,
    taken: Vec<(RateClass, String)>,
}

impl LoginAttempt {
    /// Takes one attempt on the account that `login` names, from `client`.
    ///
    /// # Errors
    /// A refusal by a limiter, which costs only what the address layer has taken; or an error if the
    /// account could not be looked up.
    pub(crate) async fn begin(
        registry: &Registry,
        client: Option<ClientAddress>,
        login: &str,
    ) -> Result<Self, Failure> {
        let account = registry.account_key(login).await?;
        let limiter = Arc::clone(registry.rate_limiter());
        let address = client.map(ClientAddress::limit_key);
        if let Some(address) = &address {
            // Checking a right password takes as much processor time as a wrong one, so this is never
            // given back.
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
            // Without an address no failures can be attributed to it, so none is forgiven.
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

    /// Gives back what was taken, unless the password was wrong.
    pub(crate) async fn end<T>(mut self, result: &Result<T>) {
        if matches!(result, Err(Error::InvalidCredentials)) {
            return;
        }
        self.give_back().await;
        if let Some(address) = self.address {
            give_back(&*self.limiter, RateClass::Auth, address.as_str()).await;
        }
    }

    /// Takes one request; returns whether the limit allowed it.
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
