use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use aam_registry_core::{
    Result,
    ports::{ChangeEvent, ChangeFeed},
    types::Change,
};
use async_trait::async_trait;
use futures_util::{StreamExt, stream::BoxStream};
use rusqlite::Connection;
use tokio::time::{self, Interval, MissedTickBehavior};

use super::{SqliteMetadata, file::DatabaseFile, sql, writer::Writer};

/// A change by another process is to be seen within a second.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Tells when another process changed a SQLite database, and is lost where its
/// file was replaced.
///
/// What this process changes through [`SqliteMetadata`] it does not tell. Once
/// the database is closed it is silent.
#[derive(Clone, Debug)]
pub struct SqliteChanges {
    writer: Weak<Writer>,
    file: Option<Arc<DatabaseFile>>,
}

impl SqliteMetadata {
    /// What tells of changes by other processes.
    pub fn changes(&self) -> SqliteChanges {
        SqliteChanges { writer: Arc::downgrade(&self.writer), file: self.file.clone() }
    }
}

#[async_trait]
impl ChangeFeed for SqliteChanges {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn subscribe(&self) -> BoxStream<'static, ChangeEvent> {
        let mut looks = time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let watch = Watch { writer: self.writer.clone(), file: self.file.clone(), looks, seen: Seen::Nothing };
        futures_util::stream::unfold(watch, Watch::next).boxed()
    }

    async fn announce(&self, _: &Change) -> Result<()> {
        Ok(())
    }
}

struct Watch {
    writer: Weak<Writer>,
    file: Option<Arc<DatabaseFile>>,
    looks: Interval,
    seen: Seen,
}

#[derive(Clone, Copy, PartialEq)]
enum Seen {
    Nothing,
    Failure,
    Version(i64),
}

impl Watch {
    async fn next(mut self) -> Option<(ChangeEvent, Self)> {
        loop {
            self.looks.tick().await;
            let Some(writer) = self.writer.upgrade() else { return std::future::pending().await };
            // On the connection that makes our own changes the number tells of all others alone.
            let file = self.file.clone();
            let look = move |tx: &Connection| {
                file.map_or(Ok(()), |file| file.look())?;
                sql::first(tx, "PRAGMA data_version", [], sql::value::<i64>)
            };
            let version = writer.write(look).await;
            let now = version.ok().flatten().map_or(Seen::Failure, Seen::Version);
            let before = std::mem::replace(&mut self.seen, now);
            let event = match (before, now) {
                (Seen::Version(before), Seen::Version(now)) if before == now => continue,
                (Seen::Failure, Seen::Failure) => continue,
                (Seen::Version(_), Seen::Version(_)) => ChangeEvent::Changed(Change::Everything),
                (_, Seen::Version(_)) => ChangeEvent::Linked,
                (_, _) => ChangeEvent::Lost,
            };
            return Some((event, self));
        }
    }
}
