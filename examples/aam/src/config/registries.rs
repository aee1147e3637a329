//! `config.yaml`: the registries a person uses, and their preferences.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    config::{Home, RegistryUrl, home::CONFIG},
    confined::Mode,
    failure::{Failure, Kind, Result},
    yaml,
};

/// The configuration; keys that are not ours are kept as they are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Config {
    /// In the order they were added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) registries: Vec<RegistryEntry>,
    /// Where to install in a project that shows no platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) default_platform: Option<String>,
    /// What no registry may make a command exceed, by the names of [`Ceilings`](crate::config::Ceilings).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) max: BTreeMap<String, Value>,
    #[serde(flatten)]
    other: BTreeMap<String, Value>,
}

/// One registry, by the name its user gave it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RegistryEntry {
    /// See [`is_registry_name`].
    pub(crate) name: String,
    /// As text, since another client may have written one that is not for us.
    pub(crate) url: String,
    /// Whether commands use it unless told otherwise; at most one does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) default: bool,
    #[serde(flatten)]
    other: BTreeMap<String, Value>,
}

impl RegistryEntry {
    /// A registry that is not the default.
    pub(crate) fn new(name: &str, url: &RegistryUrl) -> Self {
        Self { name: name.to_owned(), url: url.to_string(), default: false, other: BTreeMap::new() }
    }

    /// Whether `url` is its address.
    pub(crate) fn is_at(&self, url: &RegistryUrl) -> bool {
        self.url.parse::<RegistryUrl>().is_ok_and(|own| own == *url)
    }
}

/// Whether `name` may name a registry: letters, digits, `.`, `-`, `_`, at most 64, not like an address.
pub(crate) fn is_registry_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

impl Config {
    /// Reads the configuration; a missing file is an empty one.
    pub(crate) fn read(home: &Home) -> Result<Self> {
        let hint = "mend that line, or remove the file and add your registries again: `aam registry add <URL>`";
        Ok(yaml::read(&home.config()).map_err(|failure| failure.or_hint(hint))?.unwrap_or_default())
    }

    /// Writes it.
    pub(crate) fn write(&self, home: &Home) -> Result<()> {
        yaml::write_own(&home.open()?, CONFIG, "", self, Mode::Plain)
    }

    /// The registry called `name`.
    pub(crate) fn find(&self, name: &str) -> Result<&RegistryEntry> {
        self.registries.iter().find(|entry| entry.name == name).ok_or_else(|| self.unknown(name))
    }

    /// Whether a registry is called `name`.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.registries.iter().any(|entry| entry.name == name)
    }

    /// The registry to use unless told otherwise: the one marked, or the only one.
    pub(crate) fn default_registry(&self) -> Option<&RegistryEntry> {
        self.registries.iter().find(|entry| entry.default).or(match &*self.registries {
            [only] => Some(only),
            _ => None,
        })
    }

    /// Makes `name` the default, and no other.
    pub(crate) fn set_default(&mut self, name: &str) -> Result<()> {
        self.find(name)?;
        for entry in &mut self.registries {
            entry.default = entry.name == name;
        }
        Ok(())
    }

    /// The name a registry's address goes by here.
    pub(crate) fn name_of(&self, url: &RegistryUrl) -> Option<&str> {
        self.registries.iter().find(|entry| entry.is_at(url)).map(|entry| &*entry.name)
    }

    fn unknown(&self, name: &str) -> Failure {
        let known: Vec<_> = self.registries.iter().map(|entry| &*entry.name).collect();
        let hint = if known.is_empty() {
            "add it with `aam registry add <NAME> <URL>`".to_owned()
        } else {
            format!("known here: {}", known.join(", "))
        };
        Failure::new(Kind::Usage, "unknown_registry", format!("No registry is called `{name}`")).hint(hint)
    }
}
