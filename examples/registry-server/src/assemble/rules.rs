//! Converts the operator's settings to the registry's types.

use aam_registry_backends::{
    governor::RateLimits,
    jwt::{JwtConfig, JwtSessions},
};
use aam_registry_core::{
    archive::ArchiveLimits,
    decide::{PublishQuotas, ReadAccess},
    ports::RateClass,
    registry::{Policy, RegistrationPolicy},
    types::{LatestPolicy, ManifestLimits, Retention},
};
use secrecy::{ExposeSecret, SecretString};

use super::{AssembleError, reason};
use crate::{
    config::{LatestChoice, ReadChoice, Registration, Settings},
    generated_secret,
};

/// The signer of login sessions.
pub(super) fn sessions(settings: &Settings) -> Result<JwtSessions, AssembleError> {
    let generated: SecretString;
    let (first, retired) = if let Some(secrets) = &settings.jwt_secret {
        (&secrets.first, secrets.retired.as_slice())
    } else {
        let data_dir = &settings.data_dir;
        generated = generated_secret::load_or_create(data_dir, "jwt-secret")
            .map_err(|source| AssembleError::Data { path: data_dir.clone(), source })?;
        (&generated, [].as_slice())
    };
    let config = retired
        .iter()
        .fold(JwtConfig::new(first.expose_secret()), |config, secret| config.with_retired(secret.expose_secret()));
    JwtSessions::new(&config).map_err(|error| AssembleError::Sessions(reason(&error)))
}

/// The rate limits.
pub(super) fn rate_limits(settings: &Settings) -> RateLimits {
    let auth = settings.rate_limit_auth.0;
    // Without a limit on guessing, no failures need to be forgiven.
    let forgiven = if auth == 0 { 0 } else { RateLimits::default().of(RateClass::ForgivenLogin) };
    RateLimits::default()
        .with(RateClass::Search, settings.rate_limit_search.0)
        .with(RateClass::Download, settings.rate_limit_download.0)
        .with(RateClass::Contents, settings.rate_limit_contents.0)
        .with(RateClass::Publish, settings.rate_limit_publish.0)
        .with(RateClass::Auth, auth)
        .with(RateClass::ForgivenLogin, forgiven)
        .with(RateClass::Other, settings.rate_limit_other.0)
}

/// `number` as a `usize`, or the largest `usize` if it is larger.
fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The policy of the registry.
pub(super) fn policy(settings: &Settings) -> Policy {
    let manifest = ManifestLimits::default()
        .with_max_dependencies(whole(settings.max_dependencies.0))
        .with_max_key(whole(settings.max_manifest_key.0));
    let limits = ArchiveLimits::default()
        .with_max_archive_size(settings.max_archive_size.0)
        .with_max_unpacked_size(settings.max_unpacked_size.0)
        .with_max_entries(settings.max_archive_entries.0)
        .with_manifest(manifest);
    let policy = Policy::default()
        .with_archive_limits(limits)
        .with_latest(match settings.latest_tag_policy {
            LatestChoice::Highest => LatestPolicy::Highest,
            LatestChoice::Newest => LatestPolicy::Newest,
        })
        .with_admin_networks(settings.admin_networks.0.iter().copied())
        .with_max_token_days(Some(settings.max_token_days.0))
        .with_require_admin_2fa(settings.require_admin_2fa.is_on())
        .with_registration(match settings.registration {
            Registration::Open => RegistrationPolicy::Open,
            Registration::Invite => RegistrationPolicy::Invite,
            Registration::Closed => RegistrationPolicy::Closed,
        })
        .with_read_access(match settings.read_access {
            ReadChoice::Everyone => ReadAccess::Everyone,
            ReadChoice::Authenticated => ReadAccess::Authenticated,
        })
        .with_approval(settings.require_approval.0.clone())
        .with_session_lifetime(settings.token_expire_hours.lifetime())
        .with_upload_timeout(settings.upload_timeout.0)
        .with_uploads_per_user(settings.max_uploads_per_user.0)
        .with_audit_retention(settings.audit_retention_days.lifetime())
        .with_retention(Retention {
            downloads: settings.retention_downloads_days.lifetime(),
            tokens: settings.retention_tokens_days.lifetime(),
            reports: settings.retention_reports_days.lifetime(),
            failed_jobs: settings.retention_failed_jobs_days.lifetime(),
        })
        .with_read_only(settings.read_only.is_on())
        .with_logged_reads(settings.audit_log_all_reads.is_on())
        .with_tags_per_package(settings.max_tags_per_package.0)
        .with_quotas(PublishQuotas {
            packages_per_scope: settings.max_packages_per_scope.map(|most| most.0),
            storage_per_scope: settings.max_storage_per_scope.map(|most| most.0),
            versions_per_package: settings.max_versions_per_package.map(|most| most.0),
        })
        .with_scopes_per_user(Some(settings.max_scopes_per_user.0))
        .with_tokens_per_user(Some(settings.max_tokens_per_user.0))
        .with_approval_for_tags(settings.require_approval_for_tags.0.iter().cloned())
        .with_owners_per_package(settings.max_owners_per_package.0)
        .with_members_per_scope(settings.max_members_per_scope.0)
        .with_reserved_names(settings.reserved_names.iter().flat_map(|names| names.0.iter().cloned()))
        .with_protected_from(Some(settings.protect_names_from.0).filter(|from| *from > 0));
    match &settings.allowed_tags {
        Some(tags) => policy.with_allowed_tags(tags.0.iter().cloned()),
        None => policy,
    }
}
