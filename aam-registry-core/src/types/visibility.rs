//! Who may see a package.

/// Who may see a package.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Visibility {
    /// Everybody who may read.
    #[default]
    Public,
    /// The members of its scope, its owners and administrators. To all others it does not exist.
    Private,
}

impl Visibility {
    /// Every visibility.
    pub const ALL: [Self; 2] = [Self::Public, Self::Private];

    /// The visibility as text: `public`, `private`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }

    /// Reads the visibility's text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|visibility| visibility.as_str() == text)
    }

    /// The visibility of a package that is private or not.
    pub fn of(private: bool) -> Self {
        if private { Self::Private } else { Self::Public }
    }

    /// Whether it is private.
    pub fn is_private(self) -> bool {
        self == Self::Private
    }
}
