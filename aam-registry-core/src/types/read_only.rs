use jiff::Timestamp;

/// What is known of the read-only mode of a registry while it is switched on at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOnlyMode {
    /// Since when.
    pub since: Timestamp,
    /// Who switched it on: a username, or the name of the operator.
    pub by: String,
    /// What users are told about it, in the words of whoever switched it on.
    pub reason: Option<String>,
}

impl ReadOnlyMode {
    /// The most characters that a reason has.
    pub const MAX_REASON: usize = 200;
}
