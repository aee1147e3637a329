/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody, even if only known callers may read.
    Open,
    /// Callers that may read.
    Read,
    /// Callers with a credential.
    Credential,
}
