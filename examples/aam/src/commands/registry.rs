//! `aam registry`

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::{
    config::{Config, Credentials, Home, RegistryEntry, RegistryUrl, is_registry_name},
    failure::{Failure, Kind, Result},
    output::table,
    session::Session,
};

/// Add, list, remove registries, choose the default
#[derive(Debug, Subcommand)]
#[command(long_about = "Add, list, remove registries, choose the default one.\n\n  \
    aam registry add local http://localhost:8000 --default\n  \
    aam registry add team https://aam.example.com\n  \
    aam registry default team")]
pub(crate) enum Registry {
    Add(Add),
    /// List the registries, the default one marked
    #[command(alias = "ls")]
    List,
    /// Forget a registry and the credential stored for it
    #[command(alias = "rm")]
    Remove {
        /// Its name
        name: String,
    },
    /// Show what a registry takes: sizes, quotas, dist-tags
    Limits,
    /// Use a registry unless told otherwise
    Default {
        /// Its name
        name: String,
    },
}

/// Add a registry
#[derive(Debug, Args)]
#[command(long_about = "Add a registry: its address and what you call it, in either order.\n\n  \
    aam registry add http://localhost:8000 local\n  \
    aam registry add local http://localhost:8000 --default\n  \
    aam registry add https://aam.example.com --name team\n\n\
    Without a name the registry is called by its host. The first registry becomes the default one. \
    A name keeps its address until `aam registry remove`, or --replace; the login at the old one is forgotten then.")]
pub(crate) struct Add {
    /// Its address, or its name
    #[arg(value_name = "URL|NAME")]
    first: String,
    /// Its name, or its address
    #[arg(value_name = "NAME|URL")]
    second: Option<String>,
    /// What you call it
    #[arg(long, conflicts_with = "second")]
    name: Option<String>,
    /// Use it unless told otherwise
    #[arg(long)]
    default: bool,
    /// Give a name that is taken this address in place of its own
    #[arg(long)]
    replace: bool,
}

impl Registry {
    pub(crate) async fn run(self, mut session: Session) -> Result<()> {
        match self {
            Self::Add(add) => add.run(session),
            Self::List => list(&session),
            Self::Limits => {
                let limits: Map<String, Value> = session.client(&session.registry()?)?.told_limits().await?;
                session.out.result(&limits, || limit_lines(&limits))
            }
            Self::Remove { name } => {
                let url = session.config.find(&name)?.url.clone();
                session.config.registries.retain(|entry| entry.name != name);
                session.config.write(&session.home)?;
                forget(&session.config, &session.home, &url)?;
                session.out.done(&json!({"removed": name}), || vec![format!("Removed {name} ({url})")])
            }
            Self::Default { name } => {
                session.config.set_default(&name)?;
                session.config.write(&session.home)?;
                session.out.done(&json!({"default": name}), || vec![format!("{name} is now the default registry")])
            }
        }
    }
}

/// A line for each limit, by name; what has none is said to have none.
fn limit_lines(limits: &Map<String, Value>) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Null => Some("no limit".to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(names) if names.is_empty() => Some("none".to_owned()),
        Value::Array(names) => Some(names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")),
        _ => None,
    };
    let rows = limits.iter().filter(|(name, _)| *name != "trusted_publishing");
    let rows = rows.filter_map(|(name, value)| Some(vec![name.replace('_', " "), text(value)?]));
    table(&rows.collect::<Vec<_>>())
}

impl Add {
    fn run(self, mut session: Session) -> Result<()> {
        let (url, name) = match self.second {
            Some(second) if is_second(&self.first, &second) => (second, Some(self.first)),
            other => (self.first, other.or(self.name)),
        };
        let url: RegistryUrl = url.parse()?;
        let name = name.unwrap_or_else(|| url.host().split(':').next().unwrap_or_default().to_owned());
        if !is_registry_name(&name) {
            return Err(Failure::usage(format!(
                "`{name}` cannot name a registry: use letters, digits, `.`, `-` and `_`"
            ))
            .hint("choose a name with --name"));
        }
        let config = &mut session.config;
        let first = config.registries.is_empty();
        let mut replaced = None;
        match config.registries.iter_mut().find(|entry| entry.name == name) {
            Some(entry) if entry.is_at(&url) => {}
            Some(entry) if self.replace => replaced = Some(std::mem::replace(&mut entry.url, url.to_string())),
            Some(entry) => return Err(taken(entry, &url)),
            None => config.registries.push(RegistryEntry::new(&name, &url)),
        }
        if self.default || first {
            config.set_default(&name)?;
        }
        let default = config.default_registry().is_some_and(|entry| entry.name == name);
        config.write(&session.home)?;
        if let Some(replaced) = replaced {
            forget(config, &session.home, &replaced)?;
        }
        session.out.done(&json!({"name": name, "url": url.as_str(), "default": default}), || {
            vec![format!("Added {name} ({url}){}", if default { ", the default registry" } else { "" })]
        })
    }
}

/// Whether the address is the second of the two: `localhost` and `aam.example.com` are names as well.
fn is_second(first: &str, second: &str) -> bool {
    if second.contains("://") { !first.contains("://") } else { is_address(second) && !is_address(first) }
}

/// Forgets the credential of an address that no name stands for any more.
fn forget(config: &Config, home: &Home, url: &str) -> Result<()> {
    // Another client may have written one that is not for us.
    let Ok(url) = url.parse::<RegistryUrl>() else { return Ok(()) };
    if config.name_of(&url).is_some() {
        return Ok(());
    }
    let mut credentials = Credentials::read(home)?;
    match credentials.remove(&url) {
        Some(_) => credentials.write(home),
        None => Ok(()),
    }
}

fn is_address(text: &str) -> bool {
    text.contains("://") || RegistryUrl::lacks_scheme(text)
}

/// A name that stands for another address: packages would come from elsewhere unnoticed.
fn taken(entry: &RegistryEntry, wanted: &RegistryUrl) -> Failure {
    let RegistryEntry { name, url, .. } = entry;
    Failure::new(Kind::Conflict, "registry_exists", format!("`{name}` is {url} already"))
        .hint(format!("choose another name, or replace its address: `aam registry add {name} {wanted} --replace`"))
}

fn list(session: &Session) -> Result<()> {
    let default = session.config.default_registry().map(|entry| entry.name.clone());
    let credentials = Credentials::read(&session.home)?;
    let user = |entry: &RegistryEntry| {
        let url = entry.url.parse::<RegistryUrl>().ok()?;
        credentials.of(&url).map(|credential| credential.username.clone())
    };
    let entries = &session.config.registries;
    let value: Vec<_> = entries
        .iter()
        .map(|entry| {
            let default = Some(&entry.name) == default.as_ref();
            json!({"name": entry.name, "url": entry.url, "default": default, "username": user(entry)})
        })
        .collect();
    session.out.result(&value, || {
        if entries.is_empty() {
            return vec![format!("No registry is configured; {} is used", RegistryUrl::local())];
        }
        let row = |entry: &RegistryEntry| {
            let mark = if Some(&entry.name) == default.as_ref() { "*" } else { " " };
            let who = user(entry).map(|user| format!("as {user}")).unwrap_or_default();
            vec![mark.to_owned(), entry.name.clone(), entry.url.clone(), who]
        };
        table(&entries.iter().map(row).collect::<Vec<_>>())
    })
}
