//! What can go wrong, in the domain's words.

mod database;
mod disk;

use std::{error::Error as StdError, fmt, time::Duration};

pub use database::{DatabaseError, DatabaseTrouble};
pub use disk::{DiskError, DiskTrouble};

use crate::types::{DistTag, ManifestFault, PackageName, ScopeName, Sha256Digest, TokenId, Username, Version};

/// The result of a use case or a port.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A name, version, tag, digest or the like that is not of its form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidName {
    /// Not a package name.
    #[error(
        "`{0}` is not a package name: use lower-case letters, digits and hyphens, as `name` or `@scope/name`, each at most 64 characters"
    )]
    Package(String),
    /// Not a scope.
    #[error(
        "`{0}` is not a scope: use 1 to 64 lower-case letters, digits, hyphens and underscores, starting with a letter or digit"
    )]
    Scope(String),
    /// Not a username.
    #[error(
        "`{0}` is not a username: use 3 to 64 lower-case letters, digits, hyphens and underscores, starting with a letter or digit"
    )]
    User(String),
    /// Not a version.
    #[error("`{0}` is not a version: use SemVer such as `1.2.3` or `1.2.3-rc.1`, at most 64 characters")]
    Version(String),
    /// Not a version constraint.
    #[error("`{0}` is not a version constraint: use for example `1.2.3`, `^1.2`, `~1.2.3`, `>=1.0,<2.0` or `*`")]
    Constraint(String),
    /// Not a dist-tag.
    #[error(
        "`{0}` is not a dist-tag: use 1 to 32 lower-case letters, digits and hyphens; not a version, `all`, `true` or `false`"
    )]
    Tag(String),
    /// Not a SHA-256.
    #[error("`{0}` is not a SHA-256: use 64 hexadecimal digits")]
    Digest(String),
    /// Not the key of an archive.
    #[error("`{0}` is not the key of an archive")]
    ArchiveKey(String),
    /// Not an id.
    #[error("`{0}` is not an id")]
    Id(String),
    /// Not a pattern of package names.
    #[error("`{0}` is not a pattern of package names: use a full name, or one with `*` such as `@team/*`")]
    Pattern(String),
}

macro_rules! codes {
    ($($variant:ident = $text:literal, $status:literal;)+) => {
        /// The stable code of an error, and the HTTP status it has.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $(#[doc = concat!("`", $text, "`, ", stringify!($status))] $variant),+
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code as text.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The HTTP status.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }
        }
    };
}

codes! {
    InvalidRequest = "invalid_request", 400;
    InvalidManifest = "invalid_manifest", 400;
    InvalidArchive = "invalid_archive", 400;
    ChecksumMismatch = "checksum_mismatch", 400;
    InvalidTag = "invalid_tag", 400;
    Unauthorized = "unauthorized", 401;
    InvalidCredentials = "invalid_credentials", 401;
    Forbidden = "forbidden", 403;
    NameReserved = "name_reserved", 403;
    NameTooSimilar = "name_too_similar", 403;
    TagNotAllowed = "tag_not_allowed", 403;
    RegistrationClosed = "registration_closed", 403;
    PackageNotFound = "package_not_found", 404;
    VersionNotFound = "version_not_found", 404;
    TagNotFound = "tag_not_found", 404;
    UserNotFound = "user_not_found", 404;
    ScopeNotFound = "scope_not_found", 404;
    TokenNotFound = "token_not_found", 404;
    NotFound = "not_found", 404;
    MethodNotAllowed = "method_not_allowed", 405;
    ClientTimeout = "timeout", 408;
    VersionExists = "version_exists", 409;
    UserExists = "user_exists", 409;
    ScopeExists = "scope_exists", 409;
    LastOwner = "last_owner", 409;
    ResolutionConflict = "resolution_conflict", 409;
    VersionGone = "version_gone", 410;
    PayloadTooLarge = "payload_too_large", 413;
    UnsupportedMediaType = "unsupported_media_type", 415;
    RangeNotSatisfiable = "range_not_satisfiable", 416;
    RateLimited = "rate_limited", 429;
    Internal = "internal", 500;
    StorageUnavailable = "storage_unavailable", 503;
    DatabaseUnavailable = "database_unavailable", 503;
    CacheUnavailable = "cache_unavailable", 503;
    Overloaded = "overloaded", 503;
    Timeout = "timeout", 504;
}

/// One entry of an error's `details`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// What it is about.
    pub field: String,
    /// What is to be said of it.
    pub error: String,
}

impl Detail {
    /// A detail about `field`.
    pub fn new(field: impl Into<String>, error: impl Into<String>) -> Self {
        Self { field: field.into(), error: error.into() }
    }
}

/// Which outside part failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendKind {
    /// The database.
    Database,
    /// The archive store.
    Storage,
    /// What cache, rate limits and word of changes are shared through.
    Cache,
    /// Anything else of ours.
    Internal,
}

/// What is known of a change whose call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was certainly not made.
    NotApplied,
    /// It was certainly made.
    Applied,
    /// It may have been made: read again, never compensate.
    Unknown,
}

/// A failure of a database, a store or another outside part.
#[derive(Debug)]
pub struct BackendError {
    /// Which part.
    pub kind: BackendKind,
    /// Whether the same call may succeed if made again.
    pub retry: bool,
    /// What became of the change.
    pub outcome: Outcome,
    /// The cause: for logs, never for clients.
    pub source: Box<dyn StdError + Send + Sync>,
}

impl BackendError {
    /// Whether this server must not work on the part as it is.
    pub(crate) fn is_unfit(&self) -> bool {
        self.source.is::<Unfit>() || self.database_trouble() == Some(DatabaseTrouble::Gone)
    }

    /// The stable code. A database whose disk takes nothing is well itself:
    /// what is unavailable is storage.
    pub(crate) fn code(&self) -> ErrorCode {
        match self.kind {
            BackendKind::Database if self.disk_trouble().is_some() => ErrorCode::StorageUnavailable,
            BackendKind::Database => ErrorCode::DatabaseUnavailable,
            BackendKind::Storage => ErrorCode::StorageUnavailable,
            BackendKind::Cache => ErrorCode::CacheUnavailable,
            BackendKind::Internal => ErrorCode::Internal,
        }
    }

    /// What is wrong with the database itself, where that is the cause.
    pub fn database_trouble(&self) -> Option<DatabaseTrouble> {
        DatabaseTrouble::behind(&*self.source)
    }

    /// What is wrong with the disk of that part, where that is the cause.
    pub fn disk_trouble(&self) -> Option<DiskTrouble> {
        DiskTrouble::behind(&*self.source)
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whether it answers at all is only known by its cause: it may be there and refuse.
        f.write_str(match (self.kind, self.retry) {
            (BackendKind::Database, true) => "the database cannot be used now",
            (BackendKind::Database, false) => "the database failed",
            (BackendKind::Storage, true) => "the archive storage cannot be used now",
            (BackendKind::Storage, false) => "the archive storage failed",
            (BackendKind::Cache, true) => "the shared cache cannot be used now",
            (BackendKind::Cache, false) => "the shared cache failed",
            (BackendKind::Internal, _) => "an internal part failed",
        })
    }
}

/// The cause of a failure where a part does not permit what was asked of it:
/// its credentials lack a right.
#[derive(Debug, thiserror::Error)]
#[error("permission denied: {0}")]
pub struct NotPermitted(Box<dyn StdError + Send + Sync>);

impl NotPermitted {
    /// What the part itself says is `cause`.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// An error with its causes in one line: for logs and operators, never for clients.
pub(crate) fn with_causes(error: &(dyn StdError + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    let mut texts: Vec<_> = causes.map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}

impl StdError for BackendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

/// Why the registry refused or failed. `Display` is what the client is told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request itself is wrong.
    #[error("{message}")]
    InvalidRequest {
        /// What, and what to do.
        message: String,
        /// Every fault, where there is more to say.
        details: Vec<Detail>,
    },
    /// `aam.yaml` does not pass validation; at least one fault.
    #[error("The manifest `aam.yaml` is not valid: {} {}", .0.len(), if .0.len() == 1 { "fault" } else { "faults" })]
    InvalidManifest(Vec<ManifestFault>),
    /// The archive is not one the registry takes.
    #[error("{0}")]
    InvalidArchive(String),
    /// The bytes received are not those announced.
    #[error("The archive's SHA-256 is {actual}, not {expected} as announced; it was damaged on its way, send it again")]
    ChecksumMismatch {
        /// What the client announced.
        expected: Sha256Digest,
        /// What arrived.
        actual: Sha256Digest,
    },
    /// A dist-tag that cannot be set or removed.
    #[error("{0}")]
    InvalidTag(String),
    /// No credential, or a bad one.
    #[error("{0}")]
    Unauthorized(String),
    /// A login that failed.
    #[error("Wrong username or password")]
    InvalidCredentials,
    /// Authenticated, but not allowed.
    #[error("{0}")]
    Forbidden(String),
    /// A name nobody may take.
    #[error("The name `{0}` is reserved; choose another")]
    NameReserved(String),
    /// A new package name too close to an existing one.
    #[error(
        "The name {name} is too similar to the existing package {existing}; choose another or publish under a scope"
    )]
    NameTooSimilar {
        /// The new name.
        name: PackageName,
        /// The existing package.
        existing: PackageName,
    },
    /// A tag the operator does not allow.
    #[error("This registry does not allow the dist-tag `{0}`")]
    TagNotAllowed(DistTag),
    /// Registration is closed.
    #[error("Registration is closed on this registry; ask its administrator for an account")]
    RegistrationClosed,
    /// No such package.
    #[error("Package {0} does not exist")]
    PackageNotFound(PackageName),
    /// No such version, or none that matches.
    #[error("{message}")]
    VersionNotFound {
        /// What was looked for.
        message: String,
    },
    /// No such tag.
    #[error("Package {package} has no dist-tag `{tag}`")]
    TagNotFound {
        /// The package.
        package: PackageName,
        /// The tag.
        tag: String,
    },
    /// No such user.
    #[error("User {0} does not exist")]
    UserNotFound(Username),
    /// No such scope.
    #[error("Scope @{0} does not exist")]
    ScopeNotFound(ScopeName),
    /// No such token of this user.
    #[error("Token {0} does not exist")]
    TokenNotFound(TokenId),
    /// Nothing at that address.
    #[error("{0}")]
    NotFound(String),
    /// The version was published before.
    #[error("Version {version} of {package} already exists")]
    VersionExists {
        /// The package.
        package: PackageName,
        /// The version as it was published then.
        version: Version,
        /// The digest of its archive.
        sha256: Sha256Digest,
    },
    /// The username, or its scope, is taken, or the e-mail address is.
    #[error("{0}")]
    UserExists(String),
    /// The scope, or a user of that name, exists.
    #[error("The name @{0} is taken")]
    ScopeExists(ScopeName),
    /// The last owner cannot go.
    #[error("User {0} is the last owner; add another one first")]
    LastOwner(Username),
    /// No set of versions satisfies everybody.
    #[error("{message}")]
    ResolutionConflict {
        /// In one sentence.
        message: String,
        /// Who demands what, and what to relax.
        details: Vec<Detail>,
    },
    /// The version was removed by retention.
    #[error("Version {version} of {package} was removed by this registry's retention rules")]
    VersionGone {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
    },
    /// Too much was sent.
    #[error("{0}")]
    PayloadTooLarge(String),
    /// The registry took longer over the request than it may.
    #[error("{0}")]
    Timeout(String),
    /// The client took longer to send the request than it may.
    #[error("{0}")]
    ClientTimeout(String),
    /// Too much at once.
    #[error("The registry is busy; try again in a moment")]
    Overloaded,
    /// Others change the same thing, and take too long.
    #[error("{0} is being changed by other requests that take too long; try again in a moment")]
    Contended(String),
    /// Too many requests.
    #[error("Too many requests; try again in {} s", .retry_after.as_millis().div_ceil(1000).max(1))]
    RateLimited {
        /// How long to wait.
        retry_after: Duration,
    },
    /// One client does more at the same time than it may.
    #[error("{0}")]
    TooManyAtOnce(String),
    /// Something outside the domain failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Why a database that is there must not be worked on by this server as it is.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unfit(String);

impl Error {
    /// The database is there, and this server must not work on it as it is:
    /// its schema serves newer releases only, or it is reached in a way that
    /// cannot work. So it is where its file is [gone](DatabaseTrouble::Gone). It stops being ready until that has changed. `reason` says
    /// to the operator what is wrong and what to do.
    pub fn unfit(reason: impl Into<String>) -> Self {
        Self::database(Unfit(reason.into()), false, Outcome::NotApplied)
    }

    /// Whether the database must not be worked on by this server as it is.
    pub fn is_unfit(&self) -> bool {
        matches!(self, Self::Backend(backend) if backend.is_unfit())
    }

    /// The request is wrong, in one sentence.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::InvalidRequest { message: message.into(), details: Vec::new() }
    }

    /// Not allowed, in one sentence.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::Forbidden(message.into())
    }

    /// Whoever acts has gone, was disabled, or holds a credential that was
    /// revoked or ran out since.
    pub fn credential_ended() -> Self {
        Self::Unauthorized("This credential is no longer valid; log in again or create a new token".to_owned())
    }

    /// The upload to commit is not alive.
    pub fn upload_ended() -> Self {
        Self::Timeout("The upload took too long and was given up; publish again".to_owned())
    }

    /// No version of `package` is named or matched by `what`.
    pub fn version_not_found(package: &PackageName, what: impl fmt::Display) -> Self {
        Self::VersionNotFound { message: format!("Package {package} has no version {what}") }
    }

    /// The database failed to read or, where `outcome` says so, to change something.
    pub fn database(source: impl Into<Box<dyn StdError + Send + Sync>>, retry: bool, outcome: Outcome) -> Self {
        BackendError { kind: BackendKind::Database, retry, outcome, source: source.into() }.into()
    }

    /// The archive store failed. Nothing was changed by that: bytes in a store
    /// count from when the database says so.
    pub fn storage(source: impl Into<Box<dyn StdError + Send + Sync>>, retry: bool) -> Self {
        BackendError { kind: BackendKind::Storage, retry, outcome: Outcome::NotApplied, source: source.into() }.into()
    }

    /// What replicas share beside the database failed: the cache, the rate
    /// limits or word of changes. Whoever can do without it goes on.
    pub fn cache(source: impl Into<Box<dyn StdError + Send + Sync>>, retry: bool) -> Self {
        BackendError { kind: BackendKind::Cache, retry, outcome: Outcome::Unknown, source: source.into() }.into()
    }

    /// Something of ours failed that never should.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        BackendError { kind: BackendKind::Internal, retry: false, outcome: Outcome::Unknown, source: source.into() }
            .into()
    }

    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidRequest { .. } => ErrorCode::InvalidRequest,
            Self::InvalidManifest(_) => ErrorCode::InvalidManifest,
            Self::InvalidArchive(_) => ErrorCode::InvalidArchive,
            Self::ChecksumMismatch { .. } => ErrorCode::ChecksumMismatch,
            Self::InvalidTag(_) => ErrorCode::InvalidTag,
            Self::Unauthorized(_) => ErrorCode::Unauthorized,
            Self::InvalidCredentials => ErrorCode::InvalidCredentials,
            Self::Forbidden(_) => ErrorCode::Forbidden,
            Self::NameReserved(_) => ErrorCode::NameReserved,
            Self::NameTooSimilar { .. } => ErrorCode::NameTooSimilar,
            Self::TagNotAllowed(_) => ErrorCode::TagNotAllowed,
            Self::RegistrationClosed => ErrorCode::RegistrationClosed,
            Self::PackageNotFound(_) => ErrorCode::PackageNotFound,
            Self::VersionNotFound { .. } => ErrorCode::VersionNotFound,
            Self::TagNotFound { .. } => ErrorCode::TagNotFound,
            Self::UserNotFound(_) => ErrorCode::UserNotFound,
            Self::ScopeNotFound(_) => ErrorCode::ScopeNotFound,
            Self::TokenNotFound(_) => ErrorCode::TokenNotFound,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::VersionExists { .. } => ErrorCode::VersionExists,
            Self::UserExists(_) => ErrorCode::UserExists,
            Self::ScopeExists(_) => ErrorCode::ScopeExists,
            Self::LastOwner(_) => ErrorCode::LastOwner,
            Self::ResolutionConflict { .. } => ErrorCode::ResolutionConflict,
            Self::VersionGone { .. } => ErrorCode::VersionGone,
            Self::PayloadTooLarge(_) => ErrorCode::PayloadTooLarge,
            Self::Timeout(_) => ErrorCode::Timeout,
            Self::ClientTimeout(_) => ErrorCode::ClientTimeout,
            Self::Overloaded | Self::Contended(_) => ErrorCode::Overloaded,
            Self::RateLimited { .. } | Self::TooManyAtOnce(_) => ErrorCode::RateLimited,
            Self::Backend(backend) => backend.code(),
        }
    }

    /// What there is to list beside the message.
    pub fn details(&self) -> Vec<Detail> {
        match self {
            Self::InvalidRequest { details, .. } | Self::ResolutionConflict { details, .. } => details.clone(),
            Self::InvalidManifest(faults) => {
                faults.iter().map(|fault| Detail::new(&*fault.field, &*fault.error)).collect()
            }
            Self::VersionExists { sha256, .. } => vec![Detail::new("sha256", sha256.to_string())],
            _ => Vec::new(),
        }
    }
}

impl From<InvalidName> for Error {
    fn from(error: InvalidName) -> Self {
        Self::invalid_request(error.to_string())
    }
}
