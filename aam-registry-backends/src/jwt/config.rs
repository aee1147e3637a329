use std::fmt;

/// The secrets that sign and verify sessions.
#[derive(Clone)]
pub struct JwtConfig {
    pub(super) signing: Vec<u8>,
    pub(super) retired: Vec<Vec<u8>>,
}

impl JwtConfig {
    /// The fewest bytes of a secret: the length of the hash (RFC 7518, section 3.2).
    pub const MIN_SECRET_LEN: usize = 32;

    /// Signs and verifies with `secret`, of at least
    /// [`MIN_SECRET_LEN`](Self::MIN_SECRET_LEN) bytes.
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Self { signing: secret.into(), retired: Vec::new() }
    }

    /// Also verifies with `secret`, so that sessions signed with it stay valid after a rotation.
    #[must_use]
    pub fn with_retired(mut self, secret: impl Into<Vec<u8>>) -> Self {
        self.retired.push(secret.into());
        self
    }
}

impl fmt::Debug for JwtConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtConfig").field("retired", &self.retired.len()).finish_non_exhaustive()
    }
}
