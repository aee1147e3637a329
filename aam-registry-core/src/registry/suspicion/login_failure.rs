/// Why a login failed, as the metrics tell it. Whether a name exists is in the log alone: everybody may read the
/// metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry) enum LoginFailure {
    /// The name is unknown or the password wrong.
    Credentials,
    /// The password is right, and the code of the second factor wrong.
    SecondFactor,
    /// The password is that of an account that is disabled.
    Disabled,
    /// A user who is logged in gave a wrong password for a change of the account.
    Confirmation,
    /// There were too many failures before.
    TooMany,
}

impl LoginFailure {
    /// It as text.
    pub(in crate::registry) fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::SecondFactor => "second_factor",
            Self::Disabled => "disabled",
            Self::Confirmation => "confirmation",
            Self::TooMany => "too_many",
        }
    }

    pub(in crate::registry) fn count(self) {
        metrics::counter!("aam_failed_logins_total", "cause" => self.as_str()).increment(1);
    }
}
