use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

/// Whether this process wants requests: what `GET /ready` tells.
///
/// A clonable handle. The server turns it; a library user who has no phases
/// leaves it [`Ready`](ReadinessState::Ready), which is the default.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<AtomicU8>);

/// The phases of a serving process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadinessState {
    /// Not yet able to serve, for example because the schema is behind.
    Starting,
    /// Serves.
    Ready,
    /// Serves what is under way, and wants no more.
    Draining,
}

impl Readiness {
    /// A handle in the state `state`.
    pub fn new(state: ReadinessState) -> Self {
        let this = Self(Arc::default());
        this.set(state);
        this
    }

    /// Turns to `state`.
    pub fn set(&self, state: ReadinessState) {
        self.0.store(state as u8, Ordering::Release);
    }

    /// The current state.
    pub fn get(&self) -> ReadinessState {
        match self.0.load(Ordering::Acquire) {
            0 => ReadinessState::Starting,
            1 => ReadinessState::Ready,
            _ => ReadinessState::Draining,
        }
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new(ReadinessState::Ready)
    }
}
