//! The endpoints: each decodes a request, calls one use case and encodes the result. Its row of the
//! route table is next to it.

mod accounts;
mod approvals;
mod audit;
mod badge;
mod download;
mod evals;
mod files;
mod invitations;
mod owners;
mod packages;
mod params;
mod publish;
mod quarantine;
mod read_only;
mod reports;
mod resolve;
mod scopes;
mod search;
mod service;
mod sessions;
mod tags;
mod tokens;
mod totp;
mod trusted_publishers;
mod users;
mod version_changes;
mod visibility;
mod webhooks;

pub(super) use audit::MAX_AUDIT_PAGE;
pub(super) use search::MAX_PAGE;
pub(super) use tokens::MAX_DAYS as MAX_TOKEN_DAYS;

use super::routing::{Route, RouteGroup};

/// Every route except those of the groups `without`, in the order of the documentation.
pub(crate) fn routes(without: &[RouteGroup]) -> impl Iterator<Item = &'static Route> {
    let groups: [&'static [Route]; _] = [
        search::ROUTES,
        packages::ROUTES,
        badge::ROUTES,
        resolve::ROUTES,
        download::ROUTES,
        files::ROUTES,
        publish::ROUTES,
        version_changes::ROUTES,
        approvals::ROUTES,
        quarantine::ROUTES,
        tags::ROUTES,
        owners::ROUTES,
        trusted_publishers::ROUTES,
        visibility::ROUTES,
        accounts::ROUTES,
        users::ROUTES,
        sessions::ROUTES,
        totp::ROUTES,
        invitations::ROUTES,
        tokens::ROUTES,
        scopes::ROUTES,
        webhooks::ROUTES,
        evals::ROUTES,
        reports::ROUTES,
        audit::ROUTES,
        read_only::ROUTES,
        service::ROUTES,
    ];
    let is_there = |route: &&Route| route.group().is_none_or(|group| !without.contains(&group));
    groups.into_iter().flatten().filter(is_there)
}
