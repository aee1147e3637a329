//! The registry put together from its adapters.

use std::{fs, io, path::PathBuf};

use aam_registry_backends::{
    argon2::{Argon2Config, Argon2Passwords},
    governor::{GovernorLimiter, RateLimits},
    jwt::{JwtConfig, JwtSessions},
    opendal::{OpendalArchives, OpendalConfig},
    sqlite::{SqliteConfig, SqliteMetadata},
};
use aam_registry_core::{
    Error,
    archive::ArchiveLimits,
    http::{Readiness, RegistryService, ServiceBuildError},
    layers::ClientIpPolicy,
    ports::RateClass,
    registry::{BuildError, Policy, Registration as Account, RegistrationPolicy, Registry},
    types::LatestPolicy,
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    config::{LatestChoice, Origins, Registration, Settings, StorageBackend},
    signing_secret,
};

/// Why the registry could not be put together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AssembleError {
    /// A folder or file of the data folder.
    #[error("{path} cannot be used: {source}")]
    Data {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database.
    #[error("the database {path} cannot be opened: {reason}")]
    Database {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The archives.
    #[error("the archive storage cannot be opened: {0}")]
    Storage(String),
    /// The secrets of logins.
    #[error("JWT_SECRET cannot be used: {0}")]
    Sessions(String),
    /// The administrator of `ADMIN_*`.
    #[error("the administrator of ADMIN_USERNAME cannot be created: {0}")]
    Admin(String),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] BuildError),
    /// The service.
    #[error(transparent)]
    Service(#[from] ServiceBuildError),
}

/// An error with its causes, for the operator.
pub(crate) fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string);
    let mut texts = causes.collect::<Vec<_>>();
    texts.dedup();
    texts.join(": ")
}

/// What the registry refused, with every fault it found.
pub(crate) fn refusal(error: &Error) -> String {
    match error {
        Error::InvalidRequest { message, details } if !details.is_empty() => {
            let faults: Vec<_> = details.iter().map(|detail| format!("{}: {}", detail.field, detail.error)).collect();
            format!("{message}: {}", faults.join("; "))
        }
        other => reason(other),
    }
}

/// The database of these settings.
pub(crate) fn database_config(settings: &Settings) -> SqliteConfig {
    SqliteConfig::new(&settings.database_url.path)
        .with_readers(settings.database_pool_size.0.into())
        .with_auto_migrate(settings.auto_migrate.is_on())
}

/// Makes the folder of the database where there is none.
pub(crate) fn create_database_folder(settings: &Settings) -> Result<(), AssembleError> {
    let Some(folder) = settings.database_url.path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    fs::create_dir_all(folder).map_err(|source| AssembleError::Data { path: folder.to_owned(), source })
}

/// The registry of these settings.
pub(crate) async fn registry(settings: &Settings) -> Result<Registry, AssembleError> {
    create_database_folder(settings)?;
    let database = SqliteMetadata::open(database_config(settings)).await.map_err(|error| AssembleError::Database {
        path: settings.database_url.path.clone(),
        reason: reason(&error),
    })?;
    let archives = match settings.storage_backend {
        StorageBackend::Local => OpendalConfig::fs(&settings.storage_path),
        StorageBackend::Memory => OpendalConfig::Memory,
    };
    let archives = OpendalArchives::new(&archives).map_err(|error| AssembleError::Storage(reason(&error)))?;
    let registry = Registry::builder()
        .database(database)
        .archives(archives)
        .rate_limiter(GovernorLimiter::new(&rate_limits(settings)))
        .passwords(Argon2Passwords::new(&Argon2Config::default()))
        .sessions(sessions(settings)?)
        .policy(policy(settings))
        .build()?;
    Ok(registry)
}

/// The service over `registry`.
pub(crate) fn service(
    settings: &Settings,
    registry: Registry,
    base_url: &str,
    readiness: Readiness,
    metrics: impl Fn() -> String + Send + Sync + 'static,
) -> Result<RegistryService, AssembleError> {
    let proxies = settings.trusted_proxies.0.iter().copied();
    let cors = match &settings.cors_origins {
        None => Vec::new(),
        Some(Origins::Any) => vec!["*".to_owned()],
        Some(Origins::List(origins)) => origins.clone(),
    };
    let service = RegistryService::builder(registry)
        .base_url(base_url)
        .client_ip(ClientIpPolicy::new(proxies, settings.client_ip_header.0.clone()))
        .cors(cors)
        .readiness(readiness)
        .metrics(metrics)
        .build()?;
    Ok(service)
}

/// Creates the administrator of `ADMIN_*` where there is none yet.
pub(crate) async fn first_admin(settings: &Settings, registry: &Registry) -> Result<(), AssembleError> {
    let (Some(username), Some(email), Some(password)) =
        (&settings.admin_username, &settings.admin_email, &settings.admin_password)
    else {
        return Ok(());
    };
    let failed = |error: Error| AssembleError::Admin(refusal(&error));
    if registry.has_admin().await.map_err(failed)? {
        return Ok(());
    }
    let account = Account {
        username: username.to_string(),
        email: email.0.clone(),
        password: password.0.expose_secret().to_owned(),
    };
    registry.create_admin(account).await.map(drop).map_err(failed)
}

fn sessions(settings: &Settings) -> Result<JwtSessions, AssembleError> {
    let generated: SecretString;
    let (first, retired) = if let Some(secrets) = &settings.jwt_secret {
        (&secrets.first, secrets.retired.as_slice())
    } else {
        let data_dir = &settings.data_dir;
        generated = signing_secret::load_or_create(data_dir)
            .map_err(|source| AssembleError::Data { path: data_dir.clone(), source })?;
        (&generated, [].as_slice())
    };
    let config = retired
        .iter()
        .fold(JwtConfig::new(first.expose_secret()), |config, secret| config.with_retired(secret.expose_secret()));
    JwtSessions::new(&config).map_err(|error| AssembleError::Sessions(reason(&error)))
}

fn rate_limits(settings: &Settings) -> RateLimits {
    RateLimits::default()
        .with(RateClass::Search, settings.rate_limit_search.0)
        .with(RateClass::Download, settings.rate_limit_download.0)
        .with(RateClass::Publish, settings.rate_limit_publish.0)
        .with(RateClass::Auth, settings.rate_limit_auth.0)
        .with(RateClass::Other, settings.rate_limit_other.0)
}

fn policy(settings: &Settings) -> Policy {
    let limits = ArchiveLimits::default()
        .with_max_archive_size(settings.max_archive_size.0)
        .with_max_unpacked_size(settings.max_unpacked_size.0)
        .with_max_entries(settings.max_archive_entries.0);
    let policy = Policy::default()
        .with_archive_limits(limits)
        .with_latest(match settings.latest_tag_policy {
            LatestChoice::Highest => LatestPolicy::Highest,
            LatestChoice::Newest => LatestPolicy::Newest,
        })
        .with_registration(match settings.registration {
            Registration::Open => RegistrationPolicy::Open,
            Registration::Closed => RegistrationPolicy::Closed,
        })
        .with_session_lifetime(settings.token_expire_hours.lifetime())
        .with_upload_timeout(settings.upload_timeout.0);
    match &settings.allowed_tags {
        Some(tags) => policy.with_allowed_tags(tags.0.iter().cloned()),
        None => policy,
    }
}
