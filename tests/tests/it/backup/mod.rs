//! Backups and restores of whole registries, compared row by row and byte by byte.

mod damage;
mod drill;
mod kills;
mod refusals;
mod site;
mod upkeep;

#[cfg(feature = "service-tests")]
pub(crate) use self::{
    damage::backed_up,
    drill::drill,
    kills::check_killed_restores,
    site::{Place, Site},
};
