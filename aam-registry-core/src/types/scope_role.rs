//! The roles of scope members.

/// The role of a member of a scope. The table of [`Action`](crate::decide::Action)s says what each role
/// may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScopeRole {
    /// Publishes.
    Contributor,
    /// Publishes, yanks, tags.
    Member,
    /// Everything.
    Owner,
}

impl ScopeRole {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Member, Self::Contributor];

    /// The role as text: `contributor`, `member`, `owner`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contributor => "contributor",
            Self::Member => "member",
            Self::Owner => "owner",
        }
    }

    /// The texts of all roles, as an error lists them: each in backticks.
    pub fn listed() -> String {
        Self::ALL.map(|role| format!("`{}`", role.as_str())).join(", ")
    }

    /// Reads the role's text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}
