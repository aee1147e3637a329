/// The purpose of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Limiter,
    Cache,
    Changes,
    Check,
}

impl Purpose {
    /// Every purpose.
    pub(super) const ALL: [Self; 4] = [Self::Limiter, Self::Cache, Self::Changes, Self::Check];

    /// The purpose as text, for metrics and logs.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Limiter => "limiter",
            Self::Cache => "cache",
            Self::Changes => "changes",
            Self::Check => "check",
        }
    }

    /// Whether its commands or answers may be large, and would delay others.
    pub(super) fn may_be_large(self) -> bool {
        self == Self::Cache
    }
}
