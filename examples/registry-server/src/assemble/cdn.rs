//! The CDN in front of the registry.

use std::{sync::Arc, time::Duration};

use aam_registry_backends::{
    cdn::{CloudFront, CloudFrontKey, Cloudflare, Fastly, InvalidSigningKey},
    outgoing::AllowedNetworks,
};
use aam_registry_core::{ports::Cdn, registry::RegistryBuilder};
use secrecy::{ExposeSecret, SecretString};

use super::{AssembleError, outgoing, reason};
use crate::config::{CdnProvider, SecretKey, Settings};

/// How long the API of a CDN has to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Adds what purges the CDN.
pub(super) fn add(builder: RegistryBuilder, settings: &Settings) -> Result<RegistryBuilder, AssembleError> {
    let Some(cdn) = provider(settings)? else { return Ok(builder) };
    let base = settings.cdn_base_url.as_ref().map_or("", |url| url.as_str());
    Ok(builder.cdn(cdn, base))
}

/// What signs the URLs on the CDN, if they are signed.
pub(super) fn signing(settings: &Settings) -> Result<Option<Arc<dyn Cdn>>, AssembleError> {
    if settings.cdn_signing_key.is_some() { provider(settings) } else { Ok(None) }
}

fn provider(settings: &Settings) -> Result<Option<Arc<dyn Cdn>>, AssembleError> {
    let Some(provider) = settings.cdn_provider else { return Ok(None) };
    let client = outgoing::of(settings)?.client(AllowedNetworks::default(), TIMEOUT);
    let client = client.map_err(|error| AssembleError::Cdn(reason(&error)))?;
    let zone = settings.cdn_zone.as_ref().map_or("", |zone| &zone.0);
    let token = || settings.cdn_purge_token.as_ref().map_or_else(SecretString::default, |token| token.0.clone());
    let key = settings.cdn_signing_key.as_ref().map(|SecretKey(key)| key);
    let invalid = |error: InvalidSigningKey| AssembleError::Cdn(format!("cdn.signing_key {error}"));
    Ok(Some(match provider {
        CdnProvider::Cloudflare => {
            let cdn = Cloudflare::new(client, zone, token());
            Arc::new(match key {
                Some(key) => cdn.with_signing_key(key),
                None => cdn,
            })
        }
        CdnProvider::Fastly => {
            let cdn = Fastly::new(client, token());
            Arc::new(match key {
                Some(key) => cdn.with_signing_key(key).map_err(invalid)?,
                None => cdn,
            })
        }
        CdnProvider::Cloudfront => {
            let text = |key: &Option<SecretKey>| key.as_ref().map_or_else(SecretString::default, |key| key.0.clone());
            let (access, secret) = (text(&settings.aws_access_key_id), text(&settings.aws_secret_access_key));
            let cdn = CloudFront::new(client, zone, access.expose_secret(), &secret);
            Arc::new(match key {
                Some(key) => {
                    let id = settings.cdn_signing_key_id.as_ref().map_or("", |id| &id.0);
                    cdn.with_signing_key(CloudFrontKey::from_pem(id, key).map_err(invalid)?)
                }
                None => cdn,
            })
        }
    }))
}
