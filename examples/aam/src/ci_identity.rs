//! The identity that a CI system gives to a job, and publishing by it.

use std::{env, time::Duration};

use aam_registry_core::types::PackageName;
use reqwest::Url;
use serde::Deserialize;

use crate::{
    api::Client,
    config::{RegistryUrl, Secret},
    failure::{Failure, Kind, Result},
    output::plain,
    session::{Registry, Session},
};

/// The variable with the ID token of a job of GitLab, or of any other CI system.
const ID_TOKEN: &str = "AAM_ID_TOKEN";
/// The variable with whom GitHub's ID token is for, where that is not the registry's own address.
const AUDIENCE: &str = "AAM_ID_TOKEN_AUDIENCE";
/// How long GitHub may take to issue a token.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Where the job's ID token comes from.
#[derive(Debug)]
enum Identity {
    /// GitHub Actions issues one for any audience.
    GitHub { url: String, token: Secret },
    /// The CI system put one into a variable.
    Given(Secret),
}

impl Identity {
    fn of_environment() -> Option<Self> {
        if let Some(token) = variable(ID_TOKEN) {
            return Some(Self::Given(Secret::new(token)));
        }
        let (url, token) = (variable("ACTIONS_ID_TOKEN_REQUEST_URL")?, variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?);
        Some(Self::GitHub { url, token: Secret::new(token) })
    }

    fn called(&self) -> &'static str {
        match self {
            Self::GitHub { .. } => "this workflow of GitHub Actions",
            Self::Given(_) => "the ID token in AAM_ID_TOKEN",
        }
    }

    /// The ID token for a registry that takes those for `audience`.
    async fn id_token(self, registry: &RegistryUrl, audience: &str) -> Result<Secret> {
        match self {
            Self::Given(token) => Ok(token),
            Self::GitHub { url, token } => {
                require_own(registry, audience)?;
                of_github(&url, &token, audience).await
            }
        }
    }
}

/// A client that publishes `package`: by a token in a variable, else by the identity of the CI job, else by
/// what `aam login` stored.
pub(crate) async fn publishing_client(session: &Session, registry: &Registry, package: &PackageName) -> Result<Client> {
    let Some(identity) = Identity::of_environment().filter(|_| !session.has_token_in_variable(registry)) else {
        return session.authenticated(registry).map_err(with_permission);
    };
    let called = identity.called();
    let client = Client::new(registry.url.clone(), None, &session.patience)?;
    let Some(audience) = client.id_token_audience().await? else {
        session.out.note(&format!("{} takes no ID tokens, so {called} cannot publish by itself", registry.url));
        return session.authenticated(registry);
    };
    session.warn_if_exposed(registry);
    let swapped = async { client.swap_id_token(&identity.id_token(&registry.url, &audience).await?, package).await };
    let swapped = swapped.await;
    match swapped {
        Ok(token) => {
            session.out.note(&format!("Publishing {package} as a trusted publisher, by {called}"));
            Ok(client.with_token(token))
        }
        Err(failure) => {
            if let Ok(client) = session.authenticated(registry) {
                session.out.warn(&format!(
                    "{package} is published by your stored login, since {called} is not taken: {}",
                    failure.message
                ));
                return Ok(client);
            }
            let hint = format!(
                "an owner adds {called} with `aam trusted-publisher add {package}`; `aam trusted-publisher ls \
                 {package}` shows what is trusted"
            );
            // Who somebody is, and who owns the package, is not what a job lacks.
            let is_refused = matches!(&*failure.code, "forbidden" | "unauthorized");
            Err(if is_refused { failure.hint(hint) } else { failure.or_hint(hint) })
        }
    }
}

/// Refuses to ask for an ID token that is not for the registry itself: another service could take it, and the registry
/// would be able to act there as this job.
fn require_own(registry: &RegistryUrl, audience: &str) -> Result<()> {
    let is_own = audience.parse::<RegistryUrl>().is_ok_and(|url| url.host() == registry.host());
    if is_own || variable(AUDIENCE).as_deref() == Some(audience) {
        return Ok(());
    }
    let audience = plain(audience);
    let message = format!("{registry} asks for an ID token for `{audience}`, which is not its own address");
    Err(Failure::new(Kind::Access, "foreign_audience", message)
        .hint(format!("where you trust it to act as this job there, set {AUDIENCE}={audience}")))
}

/// In a job of GitHub Actions that may not ask for ID tokens, says how it may.
fn with_permission(failure: Failure) -> Failure {
    if variable("GITHUB_ACTIONS").is_none() {
        return failure;
    }
    failure.hint("give the job `permissions: id-token: write` and publish as a trusted publisher, or set AAM_TOKEN")
}

#[derive(Deserialize)]
struct Issued {
    value: String,
}

async fn of_github(url: &str, token: &Secret, audience: &str) -> Result<Secret> {
    let failed = |why: String| {
        Failure::new(Kind::Other, "id_token_unavailable", format!("GitHub Actions gave no ID token: {why}"))
            .hint("the job needs `permissions: id-token: write`")
    };
    let mut url = Url::parse(url).map_err(|error| failed(error.to_string()))?;
    url.query_pairs_mut().append_pair("audience", audience);
    let http = reqwest::Client::builder().timeout(TIMEOUT).build().map_err(|error| failed(error.to_string()))?;
    let answer = http.get(url).bearer_auth(token.expose()).send().await;
    let answer = answer.and_then(reqwest::Response::error_for_status);
    let answer = answer.map_err(|error| failed(error.without_url().to_string()))?;
    let issued: Issued = answer.json().await.map_err(|error| failed(error.without_url().to_string()))?;
    Ok(Secret::new(issued.value))
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}
