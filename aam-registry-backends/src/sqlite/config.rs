use std::{
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// Where a SQLite database lies and how it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteConfig {
    path: PathBuf,
    readers: usize,
    queue: usize,
    busy_timeout: Duration,
    auto_migrate: bool,
}

impl SqliteConfig {
    /// The database in the file at `path`, which is made where there is none,
    /// with a reader for each processor (2 to 8) and as many for what may be large, a queue of 1,024 calls, five
    /// seconds of patience with other processes, and migrations on opening.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let processors = thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            path: path.into(),
            readers: processors.clamp(2, 8),
            queue: 1024,
            busy_timeout: Duration::from_secs(5),
            auto_migrate: true,
        }
    }

    /// Sets how many connections read at once, and how many more read what may be large: manifests and lists; at
    /// least 1.
    #[must_use]
    pub fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// Sets how many calls may wait for the writer, and for the readers, before
    /// further callers wait outside; at least 1.
    #[must_use]
    pub fn with_queue(mut self, calls: usize) -> Self {
        self.queue = calls.max(1);
        self
    }

    /// Sets how long a change waits for one that another process makes.
    #[must_use]
    pub fn with_busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Sets whether opening brings the schema up to date.
    #[must_use]
    pub fn with_auto_migrate(mut self, auto_migrate: bool) -> Self {
        self.auto_migrate = auto_migrate;
        self
    }

    /// The file of the database.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn readers(&self) -> usize {
        self.readers
    }

    pub(super) fn queue(&self) -> usize {
        self.queue
    }

    pub(super) fn busy_timeout(&self) -> Duration {
        self.busy_timeout
    }

    pub(super) fn auto_migrate(&self) -> bool {
        self.auto_migrate
    }
}
