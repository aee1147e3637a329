use std::time::Duration;

/// How often and how long everything is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: u32,
    pub(crate) warm_up: Duration,
    pub(crate) duration: Duration,
}
