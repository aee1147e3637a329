//! Builds the registry from its adapters.

mod archives;
mod cdn;
mod database;
mod mail;
mod outgoing;
mod redis;
mod rows;
mod rules;
mod secret_scanning;
mod trusted_publishing;
mod webhooks;

use std::{io, path::PathBuf};

use aam_registry_backends::argon2::{Argon2Config, Argon2Passwords};
use aam_registry_core::{
    Error, ErrorCode,
    decorate::Freshness,
    http::{Readiness, RegistryService, ServiceBuildError, layers::ClientIpPolicy},
    registry::{BuildError, Registration as Account, Registry},
};
use secrecy::ExposeSecret;

use crate::{
    config::{Origins, Settings},
    traces::TraceLinks,
};
pub(crate) use archives::{archive_store, bucket_objects, new_archive_store};
pub(crate) use database::{
    database_faults, database_stats, migrate, oldest_release, pending_migrations, require_registry, sqlite_config,
    unusable, vacuum,
};
pub(crate) use outgoing::untraced as outgoing;
pub(crate) use rows::{begin_restore, known_migrations, read_rows, require_empty, restore_rows};

/// Why the registry could not be built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AssembleError {
    /// A folder or file in the data folder cannot be used.
    #[error(
        "{path} cannot be used: {source}; make it writable for the user that runs the server (`chown -R USER FOLDER`), or \
         let DATA_DIR or DATABASE_URL name another folder"
    )]
    Data {
        /// The folder or file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The database cannot be used.
    #[error("the database {database} cannot be used: {reason}")]
    Database {
        /// The database.
        database: String,
        /// The reason.
        reason: String,
    },
    /// The database holds no registry, and the command creates none.
    #[error(
        "there is no registry in {database}, and this command makes none: --data-dir or --database-url (DATA_DIR, \
         DATABASE_URL) says where yours is; `aam-registry` and `aam-registry create-admin` make a new one"
    )]
    NoRegistry {
        /// The database.
        database: String,
    },
    /// The folder of the archives cannot be used.
    #[error("the folder of the archives {path} cannot be used (STORAGE_PATH, or `packages` in DATA_DIR): {reason}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The object store cannot be used.
    #[error("the archive storage cannot be opened: {0}")]
    Storage(String),
    /// Redis cannot be used.
    #[error("REDIS_URL cannot be used: {0}")]
    Redis(String),
    /// The secrets that sign login sessions cannot be used.
    #[error("JWT_SECRET cannot be used: {0}")]
    Sessions(String),
    /// The key of stored secrets cannot be used.
    #[error("SECRETS_KEY cannot be used: {0}")]
    SecretsKey(String),
    /// Nothing can be called.
    #[error("requests of the server cannot be sent: {0}")]
    Outgoing(String),
    /// Webhooks cannot be sent.
    #[error("webhooks cannot be sent: {0}")]
    Webhooks(String),
    /// The CDN cannot be used.
    #[error("the CDN cannot be used: {0}")]
    Cdn(String),
    /// Reports of secret scanners cannot be checked.
    #[error("reports of secret scanners cannot be checked: {0}")]
    SecretScanning(String),
    /// ID tokens cannot be verified.
    #[error("ID tokens cannot be verified: {0}")]
    TrustedPublishing(String),
    /// Mails cannot be sent.
    #[error("mails cannot be sent: {0}")]
    Mail(String),
    /// The administrator of `ADMIN_*` cannot be created.
    #[error("the administrator of ADMIN_USERNAME cannot be created: {0}")]
    Admin(String),
    /// The registry cannot be built from its parts.
    #[error(transparent)]
    Registry(#[from] BuildError),
    /// The HTTP service cannot be built.
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

/// Why an external service cannot be used, for a message that already says that it cannot.
pub(crate) fn cause(error: &Error) -> String {
    match error {
        Error::Backend(backend) => reason(&*backend.source),
        other => reason(other),
    }
}

/// The registry's refusal, with every fault it found.
pub(crate) fn refusal(error: &Error) -> String {
    match error {
        Error::InvalidRequest { message, details } if !details.is_empty() => {
            let faults: Vec<_> = details.iter().map(|detail| format!("{}: {}", detail.field, detail.error)).collect();
            format!("{message}: {}", faults.join("; "))
        }
        other => reason(other),
    }
}

/// What the registry is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Serving, for a long time and beside other replicas; creates a registry if there is none.
    Serve,
    /// One command that creates a registry if there is none.
    Create,
    /// One command on an existing registry.
    Command,
    /// One command on the archives of an existing registry.
    Archives,
    /// One command that publishes to an existing registry, which may have no archive yet.
    Publish,
}

/// A registry, and the freshness of the cache in front of its database if it has one.
pub(crate) type Assembled = (Registry, Option<Freshness>);

/// Builds the registry that the settings describe, for a command.
pub(crate) async fn registry(settings: &Settings, purpose: Purpose) -> Result<Registry, AssembleError> {
    Ok(assemble(settings, purpose).await?.0)
}

/// Builds the registry that the settings describe, for serving it.
pub(crate) async fn served(settings: &Settings) -> Result<Assembled, AssembleError> {
    assemble(settings, Purpose::Serve).await
}

async fn assemble(settings: &Settings, purpose: Purpose) -> Result<Assembled, AssembleError> {
    if matches!(purpose, Purpose::Command | Purpose::Archives | Purpose::Publish) {
        require_registry(settings).await?;
    }
    if purpose == Purpose::Archives {
        archives::require_folder(settings)?;
    }
    let redis = redis::link(settings)?;
    let builder = Registry::builder()
        .passwords(Argon2Passwords::new(&Argon2Config::default()))
        .sessions(rules::sessions(settings)?)
        .policy(rules::policy(settings))
        .spool_folder(&settings.data_dir);
    let builder = match purpose {
        Purpose::Serve => webhooks::add(builder, settings)?,
        _ => builder.operator_webhooks(webhooks::of_operator(settings)),
    };
    let builder = cdn::add(builder, settings)?;
    let builder = mail::add(builder, settings)?;
    let builder = secret_scanning::add(trusted_publishing::add(builder, settings)?, settings)?;
    let builder = redis::add_limiter(archives::add(builder, settings, purpose)?, settings, redis.as_ref());
    let (builder, freshness) = database::add(builder, settings, purpose, redis.clone()).await?;
    let registry = builder.build()?;
    if let Some(link) = redis {
        redis::name(link, registry.clone());
    }
    Ok((registry, freshness))
}

/// Builds the HTTP service for a registry.
pub(crate) fn service(
    settings: &Settings,
    (registry, freshness): Assembled,
    base_url: &str,
    readiness: Readiness,
    metrics: Option<impl Fn() -> String + Send + Sync + 'static>,
) -> Result<RegistryService, AssembleError> {
    let proxies = settings.trusted_proxies.0.iter().copied();
    let cors = match &settings.cors_origins {
        None => Vec::new(),
        Some(Origins::Any) => vec!["*".to_owned()],
        Some(Origins::List(origins)) => origins.clone(),
    };
    let mut builder = RegistryService::builder(registry);
    if let Some(freshness) = freshness {
        builder = builder.freshness(freshness);
    }
    builder = builder
        .base_url(base_url)
        .client_ip(ClientIpPolicy::new(proxies, settings.client_ip_header.0.clone()))
        .cors(cors)
        .body_timeout(settings.body_timeout.0)
        .readiness(readiness);
    if settings.otel_exporter_otlp_endpoint.is_some() {
        builder = builder.traces(TraceLinks::default());
    }
    if let Some(secret) = &settings.cdn_origin_secret {
        builder = builder.cdn_secret(secret.0.expose_secret());
    }
    if let Some(metrics) = metrics {
        builder = builder.metrics(metrics);
    }
    Ok(builder.build()?)
}

/// Creates the administrator of `ADMIN_*` if there is no administrator yet.
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
    let Err(error) = registry.create_admin(account).await else { return Ok(()) };
    if error.code() == ErrorCode::ReadOnly {
        tracing::warn!(
            event = "admin_not_created",
            "the registry is read-only: ADMIN_USERNAME is created at a later start"
        );
        return Ok(());
    }
    // If several replicas start at once, one creates it, and the others find that the name is taken.
    if registry.has_admin().await.is_ok_and(|has_admin| has_admin) { Ok(()) } else { Err(failed(error)) }
}
