//! Which packages and versions a read may find, and what somebody is by which more of them are shown.

use crate::types::{PackageName, ScopeName, ScopeRole, TokenPattern, VersionStatus, Visibility};

/// Which packages and versions a read finds. What is out of reach is as if it did not exist.
///
/// Whoever reads more than [`Public`](Self::Public) has asked the gate and [shows](crate::decide::shown) a viewer only
/// what it may see, or shows nobody what it reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reach {
    /// What everybody sees: public packages that have an [open](VersionStatus::is_open) version, and those versions.
    #[default]
    Public,
    /// Public packages, and all their versions wherever they stand.
    PublicPackages,
    /// All packages and versions.
    Everything,
}

impl Reach {
    /// Every reach.
    pub const ALL: [Self; 3] = [Self::Public, Self::PublicPackages, Self::Everything];

    /// Whether packages of that visibility are within reach.
    pub fn includes(self, visibility: Visibility) -> bool {
        self == Self::Everything || visibility == Visibility::Public
    }

    /// Whether private packages are within reach, as a parameter of a query.
    pub fn includes_private(self) -> bool {
        self == Self::Everything
    }

    /// Whether a version that stands so is within reach.
    pub fn includes_version(self, status: VersionStatus) -> bool {
        self.includes_every_status() || status.is_open()
    }

    /// Whether versions are within reach wherever they stand, as a parameter of a query.
    pub fn includes_every_status(self) -> bool {
        self != Self::Public
    }
}

/// What a user is by which more is visible to the user than to everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memberships {
    /// The scopes of which the user is a member, with the role, by name.
    pub scopes: Vec<(ScopeName, ScopeRole)>,
    /// The packages that list the user as an owner and are private or have a version that is not open, by name.
    pub packages: Vec<PackageName>,
    /// The versions that the user published and that are not open: the package and the version's
    /// [key](crate::types::Version::key), in this order; at most [`MAX_PUBLISHED`](Self::MAX_PUBLISHED), the newest.
    pub published: Vec<(PackageName, String)>,
}

impl Memberships {
    /// How many versions that are not open a user sees merely for having published them.
    pub const MAX_PUBLISHED: usize = 1000;
}

/// The private packages that somebody may see. The default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Whether all of them.
    pub everything: bool,
    /// Those of these scopes, by name.
    pub scopes: Vec<ScopeName>,
    /// These, by name.
    pub packages: Vec<PackageName>,
    /// Of all those only the ones that a pattern covers; empty where nothing restricts them.
    pub patterns: Vec<TokenPattern>,
}

impl Sight {
    /// All private packages, for reads that are shown to nobody or to the operator.
    pub fn unrestricted() -> Self {
        Self { everything: true, ..Self::default() }
    }

    /// Whether no private package is in sight.
    pub fn is_public_only(&self) -> bool {
        !self.everything && self.scopes.is_empty() && self.packages.is_empty()
    }

    /// The reach of a read whose answer is narrowed to this sight.
    pub fn reach(&self) -> Reach {
        if self.is_public_only() { Reach::Public } else { Reach::Everything }
    }

    /// Whether the private package `name` is in sight.
    pub fn sees(&self, name: &PackageName) -> bool {
        let is_reached = self.everything
            || self.scopes.binary_search_by(|scope| scope.as_str().cmp(name.scope_or_empty())).is_ok()
            || self.packages.binary_search(name).is_ok();
        is_reached && (self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(name)))
    }

    /// Whether every private package of a scope is in sight.
    pub fn sees_all_of(&self, scope: &ScopeName) -> bool {
        self.patterns.is_empty() && (self.everything || self.scopes.binary_search(scope).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sight_is_of_scopes_and_packages_and_narrowed_by_patterns() {
        let name = |text: &str| text.parse::<PackageName>().expect("a name");
        let team = Sight { scopes: vec!["team".parse().expect("a scope")], ..Sight::default() };
        assert!(team.sees(&name("@team/kit")) && !team.sees(&name("@teams/kit")) && !team.sees(&name("kit")));
        let one = Sight { packages: vec![name("@team/kit")], ..Sight::default() };
        assert!(one.sees(&name("@team/kit")) && !one.sees(&name("@team/other")));
        let patterns = vec![TokenPattern::parse("@team/a*").expect("a pattern")];
        for sight in [Sight { patterns: patterns.clone(), ..team }, Sight { patterns, ..Sight::unrestricted() }] {
            assert!(sight.sees(&name("@team/abc")) && !sight.sees(&name("@team/kit")));
            assert_eq!(sight.reach(), Reach::Everything);
        }
        assert_eq!(Sight::default().reach(), Reach::Public);
    }
}
