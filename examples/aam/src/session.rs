//! What every command works with: the user's files, the registry in use, the way to speak.

use std::{
    collections::BTreeSet,
    env,
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    api::{Client, Limits, Patience},
    config::{Ceilings, Config, Credentials, Home, RegistryUrl, Secret},
    failure::{Failure, Kind, Result},
    output::Output,
    prompt,
};

/// The code of the failure of a registry that nobody chose.
pub(crate) const FOREIGN_REGISTRY: &str = "foreign_registry";

/// One run of the client.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) out: Output,
    pub(crate) home: Home,
    pub(crate) config: Config,
    /// `--registry`.
    asked_registry: Option<String>,
    /// `--project`.
    pub(crate) folder: PathBuf,
    /// Whether it was said that a token can be read on its way.
    warned: AtomicBool,
    /// Whether it was said that others can read the stored tokens.
    told_exposed: AtomicBool,
    /// How long registries are waited for.
    pub(crate) patience: Patience,
    /// Whether `--yes` was given for the registries that a lock file names.
    trusts_lock: bool,
    /// Those of them that were agreed to.
    agreed: Mutex<BTreeSet<RegistryUrl>>,
}

/// A registry and what its user calls it.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    pub(crate) name: Option<String>,
    pub(crate) url: RegistryUrl,
}

impl Session {
    /// Reads the configuration.
    pub(crate) fn open(
        out: Output,
        registry: Option<String>,
        folder: PathBuf,
        max: &[(String, String)],
    ) -> Result<Self> {
        let home = Home::find()?;
        let config = Config::read(&home)?;
        let ceilings = Ceilings::of(&config.max, max)?;
        let (warned, told_exposed) = (AtomicBool::new(false), AtomicBool::new(false));
        let patience = Patience::new(out, ceilings);
        let (trusts_lock, agreed) = (false, Mutex::default());
        Ok(Self {
            out,
            home,
            config,
            asked_registry: registry,
            folder,
            warned,
            told_exposed,
            patience,
            trusts_lock,
            agreed,
        })
    }

    /// The registry in use: `--registry`, `AAM_REGISTRY`, the default one, the
    /// only one, the one on this machine.
    pub(crate) fn registry(&self) -> Result<Registry> {
        match &self.asked_registry {
            Some(asked) => self.named(asked),
            None => self.usual_registry(),
        }
    }

    /// The registry in use where the command line names none.
    fn usual_registry(&self) -> Result<Registry> {
        if let Some(asked) = variable("AAM_REGISTRY") {
            return self.named(&asked);
        }
        match self.config.default_registry() {
            Some(entry) => Ok(Registry { name: Some(entry.name.clone()), url: entry.url.parse()? }),
            None if self.config.registries.is_empty() => Ok(Registry { name: None, url: RegistryUrl::local() }),
            None => Err(Failure::usage("Several registries are configured and none is the default")
                .hint("choose one with `aam registry default <NAME>`, or name one with `--registry`")),
        }
    }

    /// The registry that `text`, a name or an address, stands for.
    fn named(&self, text: &str) -> Result<Registry> {
        if text.contains("://") {
            return text.parse().map(|url| self.at(url));
        }
        if !self.config.knows(text) && RegistryUrl::lacks_scheme(text) {
            return text.parse().map(|url| self.at(url));
        }
        let entry = self.config.find(text)?;
        Ok(Registry { name: Some(entry.name.clone()), url: entry.url.parse()? })
    }

    /// The registry at `url`.
    pub(crate) fn at(&self, url: RegistryUrl) -> Registry {
        Registry { name: self.config.name_of(&url).map(str::to_owned), url }
    }

    /// What the registry in use takes; the usual limits where none can be asked.
    pub(crate) async fn limits(&self) -> Limits {
        let client = self.registry().and_then(|registry| Client::new(registry.url, None, &self.patience));
        match client {
            Ok(client) => *client.limits().await,
            Err(_) => Limits::usual(),
        }
    }

    /// A client of `registry` that sends its token, where there is one.
    pub(crate) fn client(&self, registry: &Registry) -> Result<Client> {
        let token = self.token(registry)?;
        if token.is_some() {
            self.warn_if_exposed(registry);
        }
        Client::new(registry.url.clone(), token, &self.patience)
    }

    /// Takes packages from whatever registry a lock file names.
    pub(crate) fn trusting_lock(self, yes: bool) -> Self {
        Self { trusts_lock: yes, ..self }
    }

    /// As [`Self::client`], for a registry that a lock file names. A lock file
    /// comes with a repository and may name any: one that its user did not
    /// choose is asked nothing unless they agree.
    pub(crate) fn client_of_lock(&self, url: &RegistryUrl) -> Result<Client> {
        if !self.is_chosen(url)? {
            self.agree_to(url)?;
        }
        self.client(&self.at(url.clone()))
    }

    /// Whether the user said somewhere that they use the registry at `url`.
    fn is_chosen(&self, url: &RegistryUrl) -> Result<bool> {
        let asked = self.asked_registry.as_ref().is_some_and(|asked| self.named(asked).is_ok_and(|it| it.url == *url));
        let usual = || self.usual_registry().is_ok_and(|usual| usual.url == *url);
        if asked || usual() || self.config.name_of(url).is_some() {
            return Ok(true);
        }
        Ok(Credentials::read(&self.home)?.of(url).is_some())
    }

    fn agree_to(&self, url: &RegistryUrl) -> Result<()> {
        let mut agreed = self.agreed.lock().unwrap_or_else(PoisonError::into_inner);
        if agreed.contains(url) {
            return Ok(());
        }
        let told = format!("The lock file takes packages from {url}, which is none of the registries you use");
        if self.trusts_lock {
            self.out.warn(&told);
        } else if self.out.is_json() || self.out.is_quiet() || !prompt::can_ask() {
            let hint = if RegistryUrl::needs_no_quotes(url.as_str()) {
                format!(
                    "where you trust it, run this with --yes or --registry {url}, or add it: `aam registry add {url}`"
                )
            } else {
                // A shell would act on what the repository chose.
                "where you trust it, run this with --yes".to_owned()
            };
            let message = format!("{told}; it was asked nothing");
            return Err(Failure::new(Kind::Access, FOREIGN_REGISTRY, message).hint(hint));
        } else {
            self.out.note(&told);
            if !prompt::yes("Take them from there?")? {
                return Err(Failure::new(Kind::Other, FOREIGN_REGISTRY, "Nothing was done"));
            }
        }
        agreed.insert(url.clone());
        Ok(())
    }

    /// Warns, once, where whoever is on the way to a registry can read the token.
    pub(crate) fn warn_if_exposed(&self, registry: &Registry) {
        if registry.url.is_exposed() && !self.warned.swap(true, Ordering::Relaxed) {
            self.out.warn(&format!(
                "your token goes to {} unencrypted: anybody on the way can read and use it; use https",
                registry.url
            ));
        }
    }

    /// As [`Self::client`], refusing where there is no token.
    pub(crate) fn authenticated(&self, registry: &Registry) -> Result<Client> {
        match self.token(registry)? {
            Some(token) => {
                self.warn_if_exposed(registry);
                Client::new(registry.url.clone(), Some(token), &self.patience)
            }
            None => {
                Err(Failure::new(Kind::Access, "unauthorized", format!("You are not logged in to {}", registry.url))
                    .hint("run `aam login`, or set AAM_TOKEN"))
            }
        }
    }

    /// Whether a variable holds the token for `registry`, which counts before the identity of a CI job.
    pub(crate) fn has_token_in_variable(&self, registry: &Registry) -> bool {
        let by_name = registry.name.as_deref().is_some_and(|name| variable(&token_variable(name)).is_some());
        by_name
            || (variable("AAM_TOKEN").is_some() && self.usual_registry().is_ok_and(|usual| usual.url == registry.url))
    }

    /// The token for `registry`, and for no other: `AAM_REGISTRY_TOKEN_<NAME>`
    /// of its name, `AAM_TOKEN` where it is the registry `AAM_REGISTRY` names
    /// or, without that, the default one, then what `aam login` stored.
    fn token(&self, registry: &Registry) -> Result<Option<Secret>> {
        if let Some(name) = registry.name.as_deref().map(token_variable)
            && let Some(token) = variable(&name)
        {
            return sendable(&name, token).map(Some);
        }
        if let Some(token) = variable("AAM_TOKEN") {
            if self.usual_registry().is_ok_and(|usual| usual.url == registry.url) {
                return sendable("AAM_TOKEN", token).map(Some);
            }
            self.out.note(&format!(
                "AAM_TOKEN is not sent to {}: it belongs to the default registry or the one AAM_REGISTRY names",
                registry.url
            ));
        }
        let token = Credentials::read(&self.home)?.of(&registry.url).map(|credential| credential.token.clone());
        if token.is_some() && Credentials::are_exposed(&self.home) && !self.told_exposed.swap(true, Ordering::Relaxed) {
            let path = self.home.credentials();
            self.out.warn(&format!(
                "other users of this machine can read your tokens: run `chmod 600 {}`, and make new ones where others use \
                 it",
                path.display()
            ));
        }
        Ok(token)
    }
}

/// The token in a variable, which has to be one that can be sent.
fn sendable(variable: &str, token: String) -> Result<Secret> {
    if token.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(Secret::new(token));
    }
    Err(Failure::usage(format!(
        "{variable} holds no token: there is a line end or a character in it that no token has"
    ))
    .hint("set it to the token alone, as `aam token create` printed it"))
}

/// The variable that holds the token of the registry called `name`.
fn token_variable(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    format!("AAM_REGISTRY_TOKEN_{}", upper.replace(|c: char| !c.is_ascii_alphanumeric(), "_"))
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_name_becomes_a_variable() {
        assert_eq!(token_variable("my-team.eu"), "AAM_REGISTRY_TOKEN_MY_TEAM_EU");
    }
}
