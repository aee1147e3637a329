use std::thread::available_parallelism;

/// How much hashing of passwords may cost at once.
///
/// Each hash takes 19 MiB of memory and two passes, as OWASP's password
/// storage cheat sheet asks of Argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Config {
    pub(super) at_once: usize,
    pub(super) waiting: usize,
}

impl Default for Argon2Config {
    /// One hash a core, and 16 waiting for each.
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self { at_once: cores, waiting: 16 * cores }
    }
}

impl Argon2Config {
    /// Works on up to `count` passwords at once; at least one.
    #[must_use]
    pub fn with_at_once(mut self, count: usize) -> Self {
        self.at_once = count.max(1);
        self
    }

    /// Lets up to `count` more wait; beyond that the registry is overloaded.
    #[must_use]
    pub fn with_waiting(mut self, count: usize) -> Self {
        self.waiting = count;
        self
    }
}
