//! What the client remembers of its user, in `~/.aam`.

mod ceilings;
mod credentials;
mod home;
mod registries;
mod registry_url;
mod secret;

pub(crate) use ceilings::{Ceilings, LEAST_SPEED, pair as max};
pub(crate) use credentials::{Credential, Credentials};
pub(crate) use home::Home;
pub(crate) use registries::{Config, RegistryEntry, is_registry_name};
pub(crate) use registry_url::RegistryUrl;
pub(crate) use secret::Secret;
