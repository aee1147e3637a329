//! The types that the texts of settings are parsed into.

mod accounts;
mod choices;
mod database;
mod mail;
mod metrics;
mod network;
mod numbers;
mod outgoing;
mod secret_scanning;
mod stores;
mod traces;
mod trusted_publishing;
mod webhooks;

pub(crate) use accounts::{
    AdminPassword, ApprovalChoice, EmailAddress, GatedTags, JwtSecrets, NameList, SecretsKeys, TagList,
};
pub(crate) use choices::{
    CdnProvider, DownloadRedirect, LatestChoice, LogFormat, LogLevel, ReadChoice, Registration, StorageBackend, Switch,
};
pub(crate) use database::{DatabaseUrl, PostgresUrl};
pub(crate) use mail::{Sender, SmtpTls};
pub(crate) use metrics::{MetricsAddress, MetricsToken};
pub(crate) use network::{BaseUrl, ClientIpHeader, Domain, FileMode, Host, ListenOn, Networks, Origins};
pub(crate) use numbers::{
    Backlog, Connections, ConnectionsPerAddress, Count, Downloads, Hours, PerMinute, PoolSize, Port, Quota, Retention,
    Room, Seconds, Size, Streams, Threads, Timeout, TokenDays, Uploads, parse_age,
};
pub(crate) use outgoing::{CaBundle, ProxyExceptions, ProxyUrl};
pub(crate) use secret_scanning::KeysPlace;
pub(crate) use stores::{Bucket, Endpoint, RedisUrl, SecretKey, Word};
pub(crate) use traces::{CollectorHeaders, Share, TracesSampler};
pub(crate) use trusted_publishing::{Audience, Issuers};
pub(crate) use webhooks::Webhooks;
