//! The limits on guessing passwords.

use std::{future::Future, net::IpAddr, sync::Arc};

use tracing::Instrument;

use crate::{
    error::{Error, Result},
    ports::{AddressesOfLogin, QueryHandlerExt, RateClass, RateLimiter},
    registry::{
        Registry,
        rate_limits::{give_back, refuse_over_limit, take_request},
        suspicion::LoginFailure,
    },
    types::{ClientAddress, ClientNetwork, ShortText},
};

/// The most characters of a username or e-mail address: those of the longest address there is (RFC 5321).
const MAX_LOGIN: usize = 254;

/// The client that gives a password.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guesser {
    address: Option<ClientAddress>,
    /// Whether one request of the class [`Auth`](RateClass::Auth) was taken for the address before.
    is_counted: bool,
}

impl Guesser {
    /// The client at that address, if it is known.
    pub(crate) fn at(address: Option<IpAddr>) -> Self {
        Self { address: address.map(|address| ClientAddress(address.to_canonical())), is_counted: false }
    }

    /// A client for whose address the [`RateLimitLayer`](crate::http::layers::RateLimitLayer) has
    /// taken a request.
    pub(crate) fn counted(address: Option<ClientAddress>) -> Self {
        Self { address, is_counted: true }
    }
}

impl Registry {
    /// Runs `guess`, which checks a password of the account that `login` names, within the limits on
    /// guessing passwords.
    ///
    /// It runs to its end even if the caller stops waiting. Otherwise a right password would stay
    /// counted as a failure, and a wrong one would be missing from the log and the audit log.
    ///
    /// # Errors
    /// [`Error::RateLimited`], and those of `guess`.
    pub(super) async fn limit_guesses<T, F>(
        &self,
        guesser: Guesser,
        login: &str,
        guess: impl FnOnce(Self) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        self.limit_logins(guesser, login, false, async move |registry, _| guess(registry).await).await
    }

    /// The same for logins, which may come with a code of a second factor. `guess` is told whether the limit of
    /// the account is used up: then it has to refuse an account without a second factor, and what it refuses is
    /// answered as that limit is, so that such a guess tells nothing about the password.
    pub(super) async fn limit_logins<T, F>(
        &self,
        guesser: Guesser,
        login: &str,
        has_code: bool,
        guess: impl FnOnce(Self, bool) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        let (registry, account) = (self.clone(), account_key(login));
        let guessing = async move {
            let attempt = LoginAttempt::begin(&registry, guesser, &account, has_code).await;
            let mut attempt = attempt.inspect_err(|_refused| LoginFailure::TooMany.count())?;
            let over_limit = attempt.over_limit.take();
            let result = guess(registry, over_limit.is_some()).await;
            let was_wrong = matches!(result, Err(Error::InvalidCredentials | Error::OtpInvalid));
            attempt.end(was_wrong).await;
            match (over_limit, result) {
                (Some(refusal), Err(Error::InvalidCredentials | Error::OtpInvalid | Error::OtpRequired)) => {
                    Err(refusal)
                }
                (_, result) => result,
            }
        };
        tokio::spawn(guessing.in_current_span()).await.map_err(Error::internal)?
    }
}

impl Registry {
    /// Whether the account was logged in to from that network before. If the database cannot say, it was not.
    async fn has_logged_in_from(&self, account: &str, address: Option<ClientAddress>) -> bool {
        let Some(network) = address.map(|address| ClientNetwork::from(address.0)) else { return false };
        let known = self.inner().queries.ask(AddressesOfLogin(account.to_owned())).await.unwrap_or_default();
        known.into_iter().any(|address| ClientNetwork::from(address) == network)
    }
}

/// The key of an account in the limits on guessing: the username or e-mail address that was typed.
///
/// With one key for both, somebody who fails for a username from one network could learn from the
/// limits met on another network whether an e-mail address belongs to the same account.
fn account_key(login: &str) -> String {
    login.trim().to_lowercase().chars().take(MAX_LOGIN).collect()
}

/// One login attempt, and the requests that it has taken from the limits on guessing passwords.
///
/// It takes them before the password is checked, so that many attempts at once get no further than
/// attempts one after the other. [`end`](Self::end) gives all of them back unless the password was
/// wrong, so only failures count. A failure counts
///
/// - for address and account together, `RATE_LIMIT_AUTH` a minute;
/// - for the address, for all accounts together, `RATE_LIMIT_AUTH` a minute, as a registration does;
/// - for the account, from all addresses together, `RATE_LIMIT_AUTH` a minute. This limit does not
///   refuse an address that has not failed for the account within a day, or only as often as is
///   forgiven; otherwise anybody could lock the owner out by failing on purpose. Nor does it refuse an address
///   that has logged in to the account before, or a right password together with a code of a second factor.
///
/// So guessing the password of one account from many addresses is no faster than from one, except for
/// the forgiven failures of each address per day.
#[derive(Debug)]
struct LoginAttempt {
    limiter: Arc<dyn RateLimiter>,
    taken: Vec<(RateClass, String)>,
    /// What the layer has taken for the address before. A refusal does not give it back.
    counted: Option<ShortText>,
    /// The refusal by the limit of the account, if only a code of a second factor can lift it.
    over_limit: Option<Error>,
}

impl LoginAttempt {
    /// Takes one attempt on `account` from `guesser`.
    ///
    /// # Errors
    /// A refusal by a limiter; it costs nothing but what the layer has taken, and the request for
    /// checking a password.
    async fn begin(registry: &Registry, guesser: Guesser, account: &str, has_code: bool) -> Result<Self> {
        let limiter = Arc::clone(registry.rate_limiter());
        let address = guesser.address.map(ClientAddress::limit_key);
        if let Some(address) = &address {
            // Checking a right password takes as much processor time as a wrong one, so this is never
            // given back.
            let decision = take_request(&*limiter, RateClass::Other, &format!("logins:{}", address.as_str())).await;
            decision.map_or(Ok(()), |decision| refuse_over_limit(RateClass::Other, &decision))?;
        }
        let mut attempt =
            Self { limiter, taken: Vec::new(), counted: address.filter(|_| guesser.is_counted), over_limit: None };
        if let Some(address) = &address {
            if !guesser.is_counted {
                attempt.take_or_fail(RateClass::Auth, address.as_str().to_owned()).await?;
            }
            attempt.take_or_fail(RateClass::Auth, format!("login:{account}:{}", address.as_str())).await?;
        }
        let site = guesser.address.map(ClientAddress::site_key);
        let forgiven = match &site {
            Some(site) => attempt.take(RateClass::ForgivenLogin, format!("login:{account}:{}", site.as_str())).await,
            // Without an address no failures can be attributed to it, so none is forgiven.
            None => false,
        };
        let by_account = format!("account:{account}");
        if let Err(refusal) = attempt.take_or_refuse(RateClass::Auth, by_account).await
            && !forgiven
            && !registry.has_logged_in_from(account, guesser.address).await
        {
            if !has_code {
                attempt.give_back().await;
                return Err(refusal);
            }
            attempt.over_limit = Some(refusal);
        }
        Ok(attempt)
    }

    /// Gives back what was taken, unless the password was wrong.
    async fn end(mut self, was_wrong: bool) {
        if was_wrong {
            return;
        }
        self.give_back().await;
        if let Some(address) = self.counted {
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

    async fn take_or_fail(&mut self, class: RateClass, client: String) -> Result<()> {
        let taken = self.take_or_refuse(class, client).await;
        if taken.is_err() {
            self.give_back().await;
        }
        taken
    }

    async fn take_or_refuse(&mut self, class: RateClass, client: String) -> Result<()> {
        let Some(decision) = take_request(&*self.limiter, class, &client).await else { return Ok(()) };
        let refused = refuse_over_limit(class, &decision);
        if refused.is_ok() {
            self.taken.push((class, client));
        }
        refused
    }

    async fn give_back(&mut self) {
        for (class, client) in self.taken.drain(..) {
            give_back(&*self.limiter, class, &client).await;
        }
    }
}
