use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU8, Ordering},
};

/// Whether this process accepts requests, as `GET /ready` reports it.
///
/// A clonable handle. The server changes it; a host without such phases leaves it at
/// [`Ready`](ReadinessState::Ready), the default.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<SharedReadiness>);

#[derive(Debug, Default)]
struct SharedReadiness {
    state: AtomicU8,
    awaited: Mutex<Option<&'static str>>,
}

/// The phases of a serving process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadinessState {
    /// Not able to serve yet, for example because the schema has not been migrated.
    Starting,
    /// Serves.
    Ready,
    /// Finishes running requests, and wants no more.
    Draining,
}

impl Readiness {
    /// A handle in the state `state`.
    pub fn new(state: ReadinessState) -> Self {
        let this = Self(Arc::default());
        this.set(state);
        this
    }

    /// Changes the state to `state`.
    pub fn set(&self, state: ReadinessState) {
        *self.awaited() = None;
        self.0.state.store(state as u8, Ordering::Release);
    }

    /// Changes the state to [`Starting`](ReadinessState::Starting) until `what` has happened: the end
    /// of a sentence, such as `the database to answer`.
    pub fn wait_for(&self, what: &'static str) {
        self.0.state.store(ReadinessState::Starting as u8, Ordering::Release);
        *self.awaited() = Some(what);
    }

    /// What is waited for, if it was set.
    pub(crate) fn awaited_now(&self) -> Option<&'static str> {
        *self.awaited()
    }

    fn awaited(&self) -> std::sync::MutexGuard<'_, Option<&'static str>> {
        self.0.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The current state.
    pub fn get(&self) -> ReadinessState {
        match self.0.state.load(Ordering::Acquire) {
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
