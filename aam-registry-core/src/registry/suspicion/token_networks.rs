use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::types::{ClientNetwork, TokenId};

/// From how many networks on the use of a token is suspicious.
const MANY: usize = 20;
/// The most tokens that one shard watches at a time.
const MOST: usize = 1_000;
/// Requests with different tokens seldom wait for each other.
const SHARDS: usize = 16;

/// The networks from which tokens were used lately.
#[derive(Debug, Default)]
pub(super) struct TokenNetworks {
    shards: [Mutex<HashMap<TokenId, Seen>>; SHARDS],
}

#[derive(Debug)]
struct Seen {
    begun: Timestamp,
    /// At most [`MANY`].
    networks: HashSet<ClientNetwork>,
}

impl TokenNetworks {
    /// Within how many minutes.
    pub(super) const MINUTES: i64 = 60;

    /// Notes a use of `token` at `now`. Tells once an hour how many networks it was used from, if they are many.
    pub(super) fn note(&self, token: TokenId, network: ClientNetwork, now: Timestamp) -> Option<usize> {
        let is_over = |seen: &Seen| now.duration_since(seen.begun).abs() >= SignedDuration::from_mins(Self::MINUTES);
        let shard = usize::from(uuid::Uuid::from(token).as_bytes()[15]) % SHARDS;
        let mut tokens = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MOST && !tokens.contains_key(&token) {
            tokens.retain(|_, seen| !is_over(seen));
            if tokens.len() >= MOST {
                return None;
            }
        }
        let new = || Seen { begun: now, networks: HashSet::new() };
        let seen = tokens.entry(token).or_insert_with(new);
        if is_over(seen) {
            *seen = new();
        }
        let is_new = seen.networks.len() < MANY && seen.networks.insert(network);
        (is_new && seen.networks.len() == MANY).then_some(MANY)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn network(host: u8) -> ClientNetwork {
        IpAddr::from([192, 0, 2, host]).into()
    }

    #[test]
    fn a_token_that_is_everywhere_is_told_once_an_hour() {
        let (networks, token) = (TokenNetworks::default(), TokenId::generate());
        let at = |minute| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute);
        let told: Vec<_> = (0..30).filter_map(|host| networks.note(token, network(host), at(1))).collect();
        assert_eq!(told, [MANY]);
        assert_eq!(networks.note(token, network(99), at(2)), None);
        let again: Vec<_> = (0..30).filter_map(|host| networks.note(token, network(host), at(70))).collect();
        assert_eq!(again, [MANY]);
        let few = TokenId::generate();
        let mut hosts = (0..19).cycle().take(1000);
        assert!(hosts.all(|host| networks.note(few, network(host), at(3)).is_none()));
    }

    #[test]
    fn as_many_tokens_are_watched_as_there_is_room_for() {
        let networks = TokenNetworks::default();
        for _ in 0..SHARDS * MOST * 2 {
            networks.note(TokenId::generate(), network(1), Timestamp::UNIX_EPOCH);
        }
        let watched = |shard: &Mutex<HashMap<TokenId, Seen>>| shard.lock().expect("a lock").len();
        assert!(networks.shards.iter().all(|shard| watched(shard) == MOST));
    }
}
