//! `credentials.yaml`: one token a registry, readable by its user alone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    config::{Home, RegistryUrl, Secret, home::CREDENTIALS},
    confined::Mode,
    failure::Result,
    text::Text,
    yaml,
};

/// The tokens, each kept by the address it may be sent to and to no other.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Credentials {
    #[serde(default)]
    registries: BTreeMap<String, Credential>,
}

/// What `aam login` stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Credential {
    /// Whose token it is.
    pub(crate) username: String,
    /// The API token.
    pub(crate) token: Secret,
    /// Its id, to revoke it by.
    pub(crate) token_id: String,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Text<Timestamp>>,
}

impl Credentials {
    /// Reads them; a missing file is an empty one.
    pub(crate) fn read(home: &Home) -> Result<Self> {
        let hint = "remove the file and log in again with `aam login`";
        Ok(yaml::read(&home.credentials()).map_err(|failure| failure.or_hint(hint))?.unwrap_or_default())
    }

    /// Whether other users of the machine can read them.
    pub(crate) fn are_exposed(home: &Home) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            std::fs::metadata(home.credentials()).is_ok_and(|data| data.mode() & 0o077 != 0)
        }
        #[cfg(not(unix))]
        {
            let _ = home;
            false
        }
    }

    /// Writes them, mode 600.
    pub(crate) fn write(&self, home: &Home) -> Result<()> {
        let head = "# Secrets: keep this file to yourself.\n";
        yaml::write_own(&home.open()?, CREDENTIALS, head, self, Mode::Private)
    }

    /// What is stored for `registry`.
    pub(crate) fn of(&self, registry: &RegistryUrl) -> Option<&Credential> {
        self.registries.get(registry.as_str())
    }

    /// Stores `credential` for `registry` in place of what was there.
    pub(crate) fn set(&mut self, registry: &RegistryUrl, credential: Credential) {
        self.registries.insert(registry.to_string(), credential);
    }

    /// Forgets what is stored for `registry`.
    pub(crate) fn remove(&mut self, registry: &RegistryUrl) -> Option<Credential> {
        self.registries.remove(registry.as_str())
    }
}
