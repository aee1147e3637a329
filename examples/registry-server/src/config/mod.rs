//! The operator's settings: one table of settings, read from flags, the environment, a `.env` file, a
//! YAML file and defaults; the first source that sets a value wins.

mod address;
mod dot_env;
mod fault;
mod flags;
mod listing;
mod near_miss;
mod reference;
mod resolve;
mod setting;
mod sources;
mod table;
mod values;
mod yaml;

pub(crate) use address::{MASK, may_hold_secret};
pub(crate) use fault::Faults;
pub(crate) use flags::{Flags, keys_of_the_file_alone};
pub(crate) use listing::Listing;
pub(crate) use reference::reference;
pub(crate) use resolve::{Loaded, load};
pub(crate) use sources::Surroundings;
pub(crate) use table::Settings;
pub(crate) use values::{
    Bucket, CdnProvider, DatabaseUrl, DownloadRedirect, Endpoint, LatestChoice, ListenOn, LogFormat, Origins,
    PostgresUrl, ReadChoice, Registration, SecretKey, StorageBackend, TracesSampler, parse_age,
};
