/// Groups of routes that a host may [leave out](crate::http::RegistryServiceBuilder::without).
/// Searching, reading, resolving and downloading packages belong to no group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RouteGroup {
    /// `POST /api/v1/users/register`, the page `/register`, and invitations, below `/api/v1/invitations`.
    Registration,
    /// `POST /api/v1/users/login` and `…/logout`.
    Login,
    /// Accounts: the caller's own, and the profiles of others.
    Accounts,
    /// API tokens, below `/api/v1/users/tokens`, and reports of leaked ones.
    Tokens,
    /// Everything that changes packages: publishing, yanking, deprecating, setting dist-tags, adding
    /// and removing owners.
    Publishing,
    /// Scopes and their members, below `/api/v1/scopes`.
    Scopes,
    /// Trusted publishers of packages, and `/api/v1/oidc/token`.
    TrustedPublishing,
    /// The webhooks of scopes, below `/api/v1/scopes/{scope}/webhooks`.
    Webhooks,
    /// The contents of archives: README, files, differences.
    Contents,
    /// The audit log.
    Audit,
    /// `/health` and the paths below it, `/ready`, `/metrics`.
    Probes,
    /// The OpenAPI document, its page, and the page at the root.
    Documentation,
}

impl RouteGroup {
    /// Every group.
    pub const ALL: [Self; 12] = [
        Self::Registration,
        Self::Login,
        Self::Accounts,
        Self::Tokens,
        Self::Publishing,
        Self::Scopes,
        Self::TrustedPublishing,
        Self::Webhooks,
        Self::Contents,
        Self::Audit,
        Self::Probes,
        Self::Documentation,
    ];
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::http::endpoints;

    #[test]
    fn every_group_has_routes_and_reading_packages_is_in_none() {
        let mut by_group = BTreeMap::<_, Vec<_>>::new();
        for route in endpoints::routes(&[]) {
            by_group.entry(format!("{:?}", route.group())).or_default().push(route.id);
        }
        for group in RouteGroup::ALL {
            assert!(by_group.contains_key(&format!("{:?}", Some(group))), "{group:?} has no route");
        }
        for read in ["searchPackages", "getPackage", "getVersion", "resolveTree", "downloadArchive", "listTags"] {
            assert!(by_group["None"].contains(&read), "{read} can be left out");
        }
        for written in ["publishPackage", "yankVersion", "setTag", "removeOwner"] {
            assert!(by_group["Some(Publishing)"].contains(&written), "{written} is no publishing");
        }
    }
}
