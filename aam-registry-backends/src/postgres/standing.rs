//! What is looked at again and again while a server is used: whether this
//! release may work on it, who answers there, and what its clock says.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::{
    clock::Skew,
    connection::{Connector, Session},
    failure::{Failure, Tx},
    pooler::{facts, is_alone, pooler},
    schema,
};

/// How often a server is looked at; every new connection is, too.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What was found out of a server.
#[derive(Debug)]
pub(super) struct Standing {
    connector: Connector,
    /// Of a server that the registry's clock goes by.
    skew: Option<Arc<Skew>>,
    /// Whether this release was found to be one that may work on it.
    accepted: AtomicBool,
    /// Held by the call that looks for the first time.
    looking: tokio::sync::Mutex<()>,
    looked: Mutex<Option<Instant>>,
    /// Until when a pooler that was found is not looked for again.
    pooled: Mutex<Option<Instant>>,
    told: AtomicBool,
}

impl Standing {
    pub(super) fn new(connector: Connector, skew: Option<Arc<Skew>>) -> Self {
        let (looked, pooled) = (Mutex::default(), Mutex::default());
        let (looking, accepted, told) = (tokio::sync::Mutex::default(), AtomicBool::default(), AtomicBool::default());
        Self { connector, skew, accepted, looking, looked, pooled, told }
    }

    /// Whether the server was fit to work on when it was last looked at.
    pub(super) fn is_accepted(&self) -> bool {
        self.accepted.load(Ordering::Acquire)
    }

    /// Requires a server that this release may work on, and looks where it is time to.
    pub(super) async fn require(&self, session: &Session) -> Tx<()> {
        if self.is_accepted() && session.process().is_some() && !self.is_due() {
            return Ok(());
        }
        let _first = if self.is_accepted() { None } else { Some(self.looking.lock().await) };
        let judged = self.judge(session).await;
        match &judged {
            Ok(()) => {
                self.accepted.store(true, Ordering::Release);
                if self.told.swap(false, Ordering::AcqRel) {
                    tracing::info!(event = "database_accepted", "the database can be worked on again");
                }
            }
            Err(Failure::Refused(error)) => {
                self.accepted.store(false, Ordering::Release);
                if error.is_unfit() && !self.told.swap(true, Ordering::AcqRel) {
                    let error = error as &dyn std::error::Error;
                    tracing::error!(event = "database_refused", error, "this server does not work on the database");
                }
            }
            // Nothing is known by that.
            Err(Failure::Database(_) | Failure::Corrupt(_)) => {}
        }
        judged
    }

    /// Whether it is time to look. Whoever is told so does: nobody else waits for it.
    fn is_due(&self) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let due = looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY);
        if due {
            *looked = Some(Instant::now());
        }
        due
    }

    async fn judge(&self, session: &Session) -> Tx<()> {
        let pooled = *self.pooled.lock().unwrap_or_else(PoisonError::into_inner);
        if pooled.is_some_and(|until| until > Instant::now()) {
            return Err(pooler().into());
        }
        let is_own = match self.look(session).await? {
            is_own if !is_own || self.is_accepted() => is_own,
            _ => is_alone(&self.connector, session).await?,
        };
        if !is_own {
            *self.pooled.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + LOOK_EVERY);
            session.give_up();
            return Err(pooler().into());
        }
        schema::require_current(session).await
    }

    /// Notes who answers and the time; whether it is the same process as ever.
    async fn look(&self, session: &Session) -> Tx<bool> {
        let asked = self.skew.as_ref().map(|skew| skew.own());
        let (process, database) = facts(session).await?;
        if let (Some(skew), Some(asked)) = (&self.skew, asked) {
            skew.note(asked, skew.own(), database);
        }
        Ok(session.is_of(process))
    }
}
