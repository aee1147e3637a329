use super::Principal;

/// Who reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Viewer {
    /// Somebody without a credential.
    #[default]
    Anonymous,
    /// A caller whom the registry or its host knows.
    Known(Principal),
}

impl Viewer {
    /// The caller, where it is known.
    pub fn principal(&self) -> Option<&Principal> {
        match self {
            Self::Anonymous => None,
            Self::Known(principal) => Some(principal),
        }
    }
}

impl From<Option<Principal>> for Viewer {
    fn from(principal: Option<Principal>) -> Self {
        principal.map_or(Self::Anonymous, Self::Known)
    }
}

impl From<Principal> for Viewer {
    fn from(principal: Principal) -> Self {
        Self::Known(principal)
    }
}
