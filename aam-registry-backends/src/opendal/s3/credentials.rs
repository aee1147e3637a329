use reqsign_aws_v4::{Credential, DefaultCredentialProvider, StaticCredentialProvider};
use reqsign_core::ProvideCredentialChain;
use secrecy::ExposeSecret;

use super::S3Config;

/// The credentials of the configuration, or those of the usual AWS sources if it has none.
pub(super) fn credentials(config: &S3Config) -> ProvideCredentialChain<Credential> {
    let chain = ProvideCredentialChain::new();
    let Some(given) = &config.credentials else {
        return chain.push(DefaultCredentialProvider::builder().build());
    };
    let provider = StaticCredentialProvider::new(&given.access_key, given.secret_key.expose_secret());
    chain.push(match &given.session_token {
        Some(token) => provider.with_session_token(token.expose_secret()),
        None => provider,
    })
}
