//! Backups and restores of whole registries, compared row by row and byte by byte.

mod damage;
mod drill;
mod kills;
mod refusals;
mod site;
mod upkeep;

pub(crate) use drill::drill;
pub(crate) use site::Site;
