//! What the texts of settings are read into.

mod accounts;
mod choices;
mod network;
mod numbers;
mod storage;

pub(crate) use accounts::{AdminPassword, EmailAddress, JwtSecrets, TagList};
pub(crate) use choices::{LatestChoice, LogFormat, LogLevel, Registration, StorageBackend, Switch};
pub(crate) use network::{BaseUrl, ClientIpHeader, Domain, Host, Networks, Origins};
pub(crate) use numbers::{Count, Hours, PerMinute, PoolSize, Port, Size, Timeout};
pub(crate) use storage::DatabaseUrl;
