use std::time::Duration;

use crate::{
    error::{Error, Result},
    registry::places::{Crowded, Place, Places},
    types::{ClientNetwork, UserId},
};

/// How many uploads may be under way at a time; each has a thread of its own
/// and up to a few hundred KiB of memory, and a part of 8 MiB where an object
/// store takes it.
const AT_ONCE: usize = 128;
/// How many times as many uploads may come from one address as from one account.
const PER_NETWORK: usize = 2;
/// How long one waits for others to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who uploads at the moment, in this process.
pub(in crate::registry) struct UploadCrowd {
    users: Places<UserId>,
    networks: Places<ClientNetwork>,
}

/// A place for one upload.
#[derive(Debug)]
pub(super) struct UploadPlace {
    _of_network: Option<Place>,
    _of_user: Place,
}

impl UploadCrowd {
    /// At most so many uploads of one account at a time.
    pub(in crate::registry) fn new(per_user: usize) -> Self {
        Self::patient(per_user, PATIENCE)
    }

    fn patient(per_user: usize, patience: Duration) -> Self {
        Self {
            users: Places::new(AT_ONCE, per_user, patience),
            networks: Places::new(usize::MAX, per_user.saturating_mul(PER_NETWORK), patience),
        }
    }

    /// Waits for a place, but not for long.
    ///
    /// # Errors
    /// [`Error::TooManyAtOnce`], [`Error::Overloaded`].
    pub(super) async fn enter(&self, user: UserId, network: Option<ClientNetwork>) -> Result<UploadPlace> {
        // Who comes from a crowded address must not take a place while he waits for that.
        let of_network = match &network {
            None => None,
            Some(network) => {
                Some(self.networks.take(Some(network)).await.map_err(|crowded| refusal(crowded, "your address"))?)
            }
        };
        let of_user = self.users.take(Some(&user)).await.map_err(|crowded| refusal(crowded, "your account"))?;
        Ok(UploadPlace { _of_network: of_network, _of_user: of_user })
    }
}

fn refusal(crowded: Crowded, whose: &str) -> Error {
    match crowded {
        Crowded::Own(uploads) => Error::TooManyAtOnce(format!(
            "{uploads} uploads of {whose} are under way, as many as there may be; publish again when one has ended"
        )),
        Crowded::All => Error::Overloaded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> ClientNetwork {
        text.parse::<std::net::IpAddr>().expect("an address").into()
    }

    #[tokio::test]
    async fn accounts_of_one_address_leave_places_to_the_others() {
        let crowd = UploadCrowd::patient(4, Duration::ZERO);
        let mut entered = Vec::new();
        let mut refused = Vec::new();
        for _ in 0..13 {
            let user = UserId::generate();
            for _ in 0..10 {
                match crowd.enter(user, Some(network("192.0.2.1"))).await {
                    Ok(place) => entered.push(place),
                    Err(error) => refused.push(error.to_string()),
                }
            }
        }
        assert_eq!(entered.len(), 8);
        let told = |whose: &str| refused.iter().filter(|message| message.contains(whose)).count();
        assert_eq!((told("4 uploads of your account"), told("8 uploads of your address")), (6, 116));
        crowd.enter(UserId::generate(), Some(network("192.0.2.2"))).await.expect("a place for somebody else");
        entered.clear();
        crowd.enter(UserId::generate(), Some(network("192.0.2.1"))).await.expect("a place again");
    }
}
