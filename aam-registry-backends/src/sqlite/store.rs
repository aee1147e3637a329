use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use aam_registry_core::{Error, Result};
use rusqlite::Connection;

use super::{
    SqliteConfig,
    checkpoints::Checkpoints,
    connection::{open_checkpointer, open_reader, open_writer, setup_lock},
    failure::Tx,
    file::DatabaseFile,
    probe::WriteProbe,
    readers::Readers,
    schema,
    writer::Writer,
};
use crate::relational::{search::SearchIndex, timing::timed};

/// The name of this database in traces.
const SYSTEM: &str = "sqlite";

/// Every metadata port on one SQLite database.
///
/// One thread writes, a few read, one searches: it keeps an index of what is
/// listed, about half a kilobyte a package, that the first search makes. What
/// another process changes is seen by the next read or search. Where the file
/// is replaced or removed, every call fails until the process is started
/// again. Dropping it waits for the calls under way and closes the database.
#[derive(Debug)]
pub struct SqliteMetadata {
    readers: Readers,
    /// Reads of what may be large have threads of their own: logins, changes and checks of credentials never wait
    /// behind them.
    document_readers: Readers,
    /// Searches have a thread of their own: the first one takes as long as a thousand reads.
    searcher: Readers,
    index: Arc<Mutex<SearchIndex>>,
    pub(super) writer: Arc<Writer>,
    /// `None` for a database in memory.
    pub(super) file: Option<Arc<DatabaseFile>>,
    /// Dropped last but for what others hold, so that what is written last is copied too.
    _checkpoints: Option<Checkpoints>,
    pub(super) probe: WriteProbe,
    /// Whether the schema was found to be one that this release can work on.
    current: Arc<Current>,
}

impl SqliteMetadata {
    /// Opens a database, makes it where there is none, and, unless configured
    /// otherwise, brings its schema up to date.
    ///
    /// Without migrations it opens a database whose schema is behind, too;
    /// every call then fails until something else has brought it up to date.
    ///
    /// # Errors
    /// [`DatabaseUnavailable`](aam_registry_core::ErrorCode::DatabaseUnavailable)
    /// where the file cannot be opened or a migration fails.
    pub async fn open(config: SqliteConfig) -> Result<Self> {
        tokio::task::spawn_blocking(move || Self::open_blocking(&config)).await.map_err(Error::internal)?
    }

    fn open_blocking(config: &SqliteConfig) -> Result<Self> {
        let _lock = setup_lock(config)?;
        let mut writer = open_writer(config)?;
        if config.auto_migrate() {
            schema::migrate_locked(&mut writer)?;
        }
        let readers = || (0..config.readers()).map(|_| open_reader(config)).collect::<Result<_>>();
        let (readers, document_readers) = (readers()?, readers()?);
        let checkpoints = Checkpoints::start(open_checkpointer(config)?).map_err(Error::internal)?;
        let opened = Self::on(writer, readers, document_readers, open_reader(config)?, config.queue())?;
        let file = Some(Arc::new(DatabaseFile::opened(config.path())));
        Ok(Self { file, _checkpoints: Some(checkpoints), ..opened })
    }

    /// Serves calls on these connections.
    pub(super) fn on(
        writer: Connection,
        readers: Vec<Connection>,
        document_readers: Vec<Connection>,
        searcher: Connection,
        queue: usize,
    ) -> Result<Self> {
        Ok(Self {
            readers: Readers::start("read", readers, queue).map_err(Error::internal)?,
            document_readers: Readers::start("document", document_readers, queue).map_err(Error::internal)?,
            searcher: Readers::start("search", vec![searcher], queue).map_err(Error::internal)?,
            index: Arc::default(),
            writer: Arc::new(Writer::start(writer, queue).map_err(Error::internal)?),
            file: None,
            _checkpoints: None,
            probe: WriteProbe::default(),
            current: Arc::default(),
        })
    }

    /// Runs `read` at one instant of the database. It reads a few rows.
    pub(super) async fn read<T, F>(&self, read: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Tx<T> + Send + 'static,
    {
        timed::<F, _>(SYSTEM, self.read_with(&self.readers, read)).await
    }

    /// The same for a read of what may be large: manifests, lists.
    pub(super) async fn read_document<T, F>(&self, read: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Tx<T> + Send + 'static,
    {
        timed::<F, _>(SYSTEM, self.read_with(&self.document_readers, read)).await
    }

    async fn read_with<T, F>(&self, readers: &Readers, read: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Tx<T> + Send + 'static,
    {
        let (file, current) = (self.file.clone(), Arc::clone(&self.current));
        let read = move |tx: &Connection| {
            file.map_or(Ok(()), |file| file.require())?;
            require_current(tx, &current)?;
            read(tx)
        };
        readers.read(read).await
    }

    /// Runs `search` at one instant of the database, with the index of what is listed.
    pub(super) async fn read_index<T, F>(&self, search: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &mut SearchIndex) -> Tx<T> + Send + 'static,
    {
        let (file, current, index) = (self.file.clone(), Arc::clone(&self.current), Arc::clone(&self.index));
        let searching = self.searcher.read(move |tx| {
            file.map_or(Ok(()), |file| file.require())?;
            require_current(tx, &current)?;
            search(tx, &mut whole(&index))
        });
        timed::<F, _>(SYSTEM, searching).await
    }

    /// Runs `change` as one durable transaction.
    pub(super) async fn write<T, F>(&self, change: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Tx<T> + Send + 'static,
    {
        let (file, current) = (self.file.clone(), Arc::clone(&self.current));
        let changing = self.writer.write(move |tx| {
            file.map_or(Ok(()), |file| file.look())?;
            require_current(tx, &current)?;
            change(tx)
        });
        timed::<F, _>(SYSTEM, changing).await
    }
}

/// The index; an empty one where it was left half made.
fn whole(index: &Mutex<SearchIndex>) -> MutexGuard<'_, SearchIndex> {
    index.lock().unwrap_or_else(|poisoned| {
        index.clear_poison();
        let mut index = poisoned.into_inner();
        *index = SearchIndex::default();
        index
    })
}

/// When the schema was last found to be one that this release can work on:
/// a newer release may bring it further while this one runs.
type Current = Mutex<Option<Instant>>;

/// How often the schema is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

fn require_current(tx: &Connection, current: &Current) -> Tx<()> {
    let found = || current.lock().unwrap_or_else(PoisonError::into_inner);
    if found().is_some_and(|found| found.elapsed() < LOOK_EVERY) {
        return Ok(());
    }
    let judged = schema::require_current(tx);
    *found() = judged.is_ok().then(Instant::now);
    Ok(judged?)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use aam_registry_core::ports::UserStore;
    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn a_login_does_not_wait_for_documents_that_are_being_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = SqliteConfig::new(folder.path().join("registry.db")).with_readers(1);
        let store = SqliteMetadata::open(config).await.expect("a database");
        let (held, holds) = mpsc::channel::<()>();
        let document = store.read_document(move |_| {
            let _ = holds.recv();
            Ok(())
        });
        let mut document = Box::pin(document);
        assert!(poll!(&mut document).is_pending());
        let login = tokio::time::timeout(Duration::from_mins(1), store.login("nobody"));
        assert!(login.await.expect("it need not wait").expect("read").is_none());
        drop(held);
        document.await.expect("read");
    }
}
