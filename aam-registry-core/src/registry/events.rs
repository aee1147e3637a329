use std::{collections::VecDeque, time::Duration};

use tokio::time;

use super::Registry;
use crate::{error::Result, types::AuditEntry};

/// How often the log is looked at while nothing happens.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many entries are read at a time.
const AT_ONCE: usize = 100;

/// What happens in the registry, as the audit log records it: entries that are
/// committed, each once, in the order of their positions, whichever replica
/// made them.
///
/// There is nothing to lose: who comes back later with the
/// [`position`](Self::position) that was reached goes on where it stopped. An
/// entry comes about a second after what it records, since it gets its position
/// from [`run_background`](Registry::run_background), on any replica; where that
/// runs nowhere, nothing comes.
#[derive(Debug)]
pub struct Events {
    registry: Registry,
    position: u64,
    read: VecDeque<AuditEntry>,
}

impl Registry {
    /// What happens from now on.
    ///
    /// ```
    /// use aam_registry_core::{
    ///     memory,
    ///     registry::{Registration, Registry},
    ///     types::AuditEvent,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = memory::registry().build()?;
    /// let mut events = registry.events().await?;
    /// registry
    ///     .register(Registration {
    ///         username: "ada".to_owned(),
    ///         email: "ada@example.com".to_owned(),
    ///         password: "tulip-Wagon-93-kelp".to_owned(),
    ///     })
    ///     .await?;
    /// # registry.sequence_audit().await?;
    /// assert_eq!(events.next().await?.entry.event, AuditEvent::UserRegister);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub async fn events(&self) -> Result<Events> {
        Ok(self.events_after(self.inner().audit.head().await?.position))
    }

    /// What happened after the entry at `position` of the audit log, and what
    /// happens from now on; after 0 it is all that is recorded.
    pub fn events_after(&self, position: u64) -> Events {
        Events { registry: self.clone(), position, read: VecDeque::new() }
    }
}

impl Events {
    /// The next entry, when there is one. Nothing is lost where the call is
    /// given up, or fails and is repeated.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub async fn next(&mut self) -> Result<AuditEntry> {
        loop {
            if let Some(entry) = self.read.pop_front() {
                self.position = entry.chained.map_or(self.position, |(position, _)| position);
                return Ok(entry);
            }
            self.read = self.registry.inner().audit.entries_after(self.position, AT_ONCE).await?.into();
            if self.read.is_empty() {
                time::sleep(LOOK_EVERY).await;
            }
        }
    }

    /// The position of the entry that was given last.
    pub fn position(&self) -> u64 {
        self.position
    }
}
