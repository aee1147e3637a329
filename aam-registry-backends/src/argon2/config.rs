use std::thread::available_parallelism;

/// How many passwords are hashed at once and how many may wait.
///
/// Each hash takes 19 MiB of memory and two passes, as OWASP's password storage cheat sheet recommends
/// for Argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Config {
    pub(super) at_once: usize,
    pub(super) waiting: usize,
}

impl Default for Argon2Config {
    /// As many hashes at once as there are processors, and 16 waiting for each.
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self { at_once: cores, waiting: 16 * cores }
    }
}

impl Argon2Config {
    /// Hashes up to `count` passwords at once; at least one.
    #[must_use]
    pub fn with_at_once(mut self, count: usize) -> Self {
        self.at_once = count.max(1);
        self
    }

    /// Allows up to `count` more to wait; beyond that callers get
    /// [`Overloaded`](aam_registry_core::Error::Overloaded).
    #[must_use]
    pub fn with_waiting(mut self, count: usize) -> Self {
        self.waiting = count;
        self
    }
}
