use super::{bursts::Bursts, download_spikes::DownloadSpikes, token_networks::TokenNetworks};

/// From how many versions on that an account yanks within ten minutes it is suspicious.
const MANY_YANKS: u64 = 20;
/// The same for versions that it publishes.
const MANY_PUBLISHES: u64 = 30;

/// What is noticed of the activity of a registry.
#[derive(Debug)]
pub(in crate::registry) struct WatchedActivity {
    pub(super) yanks: Bursts,
    pub(super) publishes: Bursts,
    pub(super) tokens: TokenNetworks,
    pub(super) downloads: DownloadSpikes,
}

impl Default for WatchedActivity {
    fn default() -> Self {
        Self {
            yanks: Bursts::of(MANY_YANKS),
            publishes: Bursts::of(MANY_PUBLISHES),
            tokens: TokenNetworks::default(),
            downloads: DownloadSpikes::default(),
        }
    }
}
