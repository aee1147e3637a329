use jiff::Timestamp;

use super::{bursts::Bursts, download_spikes::DownloadSpikes, token_networks::TokenNetworks};
use crate::{
    registry::Registry,
    types::{ClientAddress, Credential, PackageName, Principal},
};

impl Registry {
    /// Notices that `by` yanked a version.
    pub(in crate::registry) fn notice_yank(&self, by: &Principal, name: &PackageName) {
        if let Some(count) = self.inner().suspicion.yanks.note(by.name(), self.now()) {
            suspect("mass_yanks");
            tracing::warn!(
                event = "suspicious_yanks",
                user = by.name(),
                package = %name,
                count,
                minutes = Bursts::MINUTES,
                "one account yanked many versions; see whether its owner did it",
            );
        }
    }

    /// Notices that `by` published a version.
    pub(in crate::registry) fn notice_publish(&self, by: &Principal, name: &PackageName) {
        if let Some(count) = self.inner().suspicion.publishes.note(by.name(), self.now()) {
            suspect("many_publishes");
            tracing::warn!(
                event = "suspicious_publishes",
                user = by.name(),
                package = %name,
                count,
                minutes = Bursts::MINUTES,
                "one account published many versions; see whether its owner did it",
            );
        }
    }

    /// Notices from where a credential is used.
    pub(crate) fn notice_use(&self, by: &Principal, client: Option<ClientAddress>) {
        let (Credential::Token(token), Some(ClientAddress(client))) = (&by.credential, client) else { return };
        if let Some(networks) = self.inner().suspicion.tokens.note(*token, client.into(), self.now()) {
            suspect("token_from_many_networks");
            tracing::warn!(
                event = "suspicious_token_use",
                user = %by.username,
                token_id = %token,
                client_ip = %client,
                networks,
                minutes = TokenNetworks::MINUTES,
                "one API token is used from many networks; see whether it leaked",
            );
        }
    }

    /// Notices downloads that were counted until `now`.
    pub(in crate::registry) fn notice_downloads(
        &self,
        counted: impl IntoIterator<Item = (PackageName, u64)>,
        now: Timestamp,
    ) {
        for spike in self.inner().suspicion.downloads.note(counted, now) {
            suspect("download_spike");
            tracing::warn!(
                event = "suspicious_downloads",
                package = %spike.package,
                count = spike.count,
                usual = spike.usual,
                minutes = DownloadSpikes::MINUTES,
                "one package is downloaded far more often than usual",
            );
        }
    }
}

fn suspect(kind: &'static str) {
    metrics::counter!("aam_suspicious_activity_total", "kind" => kind).increment(1);
}
