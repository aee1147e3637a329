//! Which packages a read may find, and which private ones somebody may see.

use crate::types::{PackageName, ScopeName, ScopeRole, TokenPattern, Visibility};

/// Which packages a read finds. What is out of reach is as if it did not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Public ones.
    #[default]
    Public,
    /// All: whoever reads so has asked the gate, or shows nobody what it reads.
    Everything,
}

impl Reach {
    /// Every reach.
    pub const ALL: [Self; 2] = [Self::Public, Self::Everything];

    /// Whether packages of that visibility are within reach.
    pub fn includes(self, visibility: Visibility) -> bool {
        self == Self::Everything || visibility == Visibility::Public
    }

    /// Whether private packages are within reach, as a parameter of a query.
    pub fn includes_private(self) -> bool {
        self == Self::Everything
    }
}

/// What a user is by which private packages are visible to the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memberships {
    /// The scopes of which the user is a member, with the role, by name.
    pub scopes: Vec<(ScopeName, ScopeRole)>,
    /// The private packages that list the user as an owner, by name.
    pub private_packages: Vec<PackageName>,
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
