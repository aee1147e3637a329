//! The turns in which documents are read.
//!
//! A document may be large: the manifest of a version, a list of versions. Reading it and writing it out takes the
//! database and a processor. So only a limited number is in progress at a time, and one client can have only a part of
//! that: whatever it asks for, others wait for a few of its reads at most.

use std::{num::NonZero, thread, time::Duration};

use super::{
    Registry,
    places::{Place, Places},
};
use crate::types::ClientNetwork;

/// How many documents are read at a time for each processor. A read waits for the database most of the time if that is
/// another machine.
const PER_PROCESSOR: usize = 4;
/// One client may have this part of the turns.
const SHARE: usize = 2;
/// How long a read waits for its turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// The turns of one process.
pub(super) fn turns() -> Places<ClientNetwork> {
    let processors = thread::available_parallelism().map_or(2, NonZero::get).max(2);
    let all = PER_PROCESSOR * processors;
    // Rate limits bound how many of one client wait.
    Places::new(all, all / SHARE, PATIENCE).with_waiting(usize::MAX)
}

impl Registry {
    /// Waits for the turn to read a document for a client, identified by its network `from`.
    ///
    /// `None` after two seconds, and the document is read all the same: then a database that does not answer holds the
    /// turns up, and each request has to find that out.
    pub(crate) async fn reading_turn(&self, from: Option<&ClientNetwork>) -> Option<Place> {
        self.inner().reading.take(from).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn one_client_cannot_take_every_turn() {
        let network = |text: &str| ClientNetwork::from(text.parse::<IpAddr>().expect("an address"));
        let (turns, greedy, other) = (turns(), network("192.0.2.1"), network("192.0.2.2"));
        let mut taking: Vec<_> = (0..1000).map(|_| Box::pin(turns.take(Some(&greedy)))).collect();
        let mut taken = Vec::new();
        for one in &mut taking {
            if let std::task::Poll::Ready(turn) = poll!(one) {
                taken.push(turn.expect("it waits, however many do"));
            }
        }
        assert!(taken.len() >= 4, "{} turns at once", taken.len());
        turns.take(Some(&other)).await.expect("a turn for another client");
    }
}
