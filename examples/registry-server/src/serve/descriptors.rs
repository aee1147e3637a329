//! How many files and connections the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The most spare connections.
const MOST_SPARE: usize = 64;

/// How many regular connections there may be, and how many spare ones that get a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Capacity {
    pub(super) regular: usize,
    pub(super) spare: usize,
}

impl Capacity {
    /// The capacity for `wanted` connections, or as many as the limit of open files allows. Raises that
    /// limit as far as possible.
    pub(super) fn of(wanted: usize) -> Self {
        let allowed = raise();
        let capacity = Self::within(wanted, allowed);
        if capacity.regular < wanted {
            tracing::warn!(
                event = "few_descriptors",
                max_connections = capacity.regular,
                descriptors = allowed,
                "the limit of open files (LimitNOFILE, ulimit -n) allows fewer connections than MAX_CONNECTIONS"
            );
        }
        capacity
    }

    fn within(wanted: usize, allowed: usize) -> Self {
        // Leave a quarter for the database and for archives that are being sent.
        let spare = MOST_SPARE.min(allowed / 8);
        let regular = wanted.min((allowed - spare) / 4 * 3).max(1);
        Self { regular, spare }
    }
}

/// Raises the limit of open files to its maximum, and returns it.
fn raise() -> usize {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: before.maximum, maximum: before.maximum };
    // A sandbox may forbid raising it; then the old limit applies.
    let now = if setrlimit(Resource::Nofile, raised).is_ok() { raised } else { before };
    now.current.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_connections_as_wanted_or_as_the_system_allows() {
        assert_eq!(Capacity::within(10_000, 65_536), Capacity { regular: 10_000, spare: 64 });
        assert_eq!(Capacity::within(10_000, usize::MAX), Capacity { regular: 10_000, spare: 64 });
        assert_eq!(Capacity::within(10_000, 1024), Capacity { regular: 720, spare: 64 });
        assert_eq!(Capacity::within(10_000, 64), Capacity { regular: 42, spare: 8 });
        assert_eq!(Capacity::within(3, 1024), Capacity { regular: 3, spare: 64 });
        assert_eq!(Capacity::within(3, 1), Capacity { regular: 1, spare: 0 });
    }
}
