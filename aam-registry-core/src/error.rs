//! The errors of the domain.

mod backend;
mod database;
mod disk;

use std::{error::Error as StdError, fmt};

pub(crate) use backend::with_causes;
pub use backend::{BackendError, BackendKind, NoSuchBucket, NotPermitted, Outcome};
pub use database::{DatabaseError, DatabaseTrouble};
pub use disk::{DiskError, DiskTrouble};

use crate::types::{
    DistTag, EvalName, Issuer, ManifestFault, PackageName, RateDecision, ScopeName, Sha256Digest, TokenId, Username,
    Version,
};
use backend::Unfit;

/// The result of a use case or a port.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A text that is not a valid name, version, tag, digest or the like.
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
    /// Not the name of an eval.
    #[error("`{0}` is not the name of an eval: use 1 to 64 lower-case letters, digits, `-`, `_` and `.`")]
    Eval(String),
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
    GateFailed = "gate_failed", 400;
    InvalidTag = "invalid_tag", 400;
    InvitationInvalid = "invitation_invalid", 400;
    Unauthorized = "unauthorized", 401;
    InvalidCredentials = "invalid_credentials", 401;
    OtpRequired = "otp_required", 401;
    OtpInvalid = "otp_invalid", 401;
    Forbidden = "forbidden", 403;
    TwoFactorRequired = "two_factor_required", 403;
    NameReserved = "name_reserved", 403;
    NameTooSimilar = "name_too_similar", 403;
    TagNotAllowed = "tag_not_allowed", 403;
    QuotaExceeded = "quota_exceeded", 403;
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
    ReadOnly = "read_only", 503;
    Timeout = "timeout", 504;
}

/// One entry of an error's `details`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The field, parameter or thing with the fault.
    pub field: String,
    /// What is wrong.
    pub error: String,
}

impl Detail {
    /// A detail about `field`.
    pub fn new(field: impl Into<String>, error: impl Into<String>) -> Self {
        Self { field: field.into(), error: error.into() }
    }
}

/// Why the registry refused a request or failed. `Display` is the message for clients.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request is invalid.
    #[error("{message}")]
    InvalidRequest {
        /// What is wrong, and what to do.
        message: String,
        /// All faults, if there are several.
        details: Vec<Detail>,
    },
    /// `aam.yaml` does not pass validation; contains at least one fault.
    #[error("The manifest `aam.yaml` is not valid: {} {}", .0.len(), if .0.len() == 1 { "fault" } else { "faults" })]
    InvalidManifest(Vec<ManifestFault>),
    /// The archive breaks a rule for archives.
    #[error("{0}")]
    InvalidArchive(String),
    /// The received bytes do not have the announced digest.
    #[error("The archive's SHA-256 is {actual}, not {expected} as announced; it was damaged on its way, send it again")]
    ChecksumMismatch {
        /// The digest that the client announced.
        expected: Sha256Digest,
        /// The digest of the received bytes.
        actual: Sha256Digest,
    },
    /// A dist-tag that cannot be set or removed.
    #[error("{0}")]
    InvalidTag(String),
    /// No credential, or one that is not valid.
    #[error("{0}")]
    Unauthorized(String),
    /// A registration without an invitation, where one is needed.
    #[error(
        "This registry takes new accounts only by invitation; ask an administrator for one, and give it as \
         `invitation` (`aam register --invitation`)"
    )]
    InvitationRequired,
    /// An invitation that was used, has expired, or is none.
    #[error(
        "This invitation was used or revoked, has expired, or is for another e-mail address; ask an administrator \
         for another one"
    )]
    InvitationInvalid,
    /// A failed login.
    #[error("Wrong username or password")]
    InvalidCredentials,
    /// The password is right, and the account needs a code as well.
    #[error("This account needs a code of its second factor; send it as `otp`")]
    OtpRequired,
    /// A code of the second factor that is wrong, or was used.
    #[error("The code is wrong, too old, or was used already; wait for the next one")]
    OtpInvalid,
    /// Something that needs a second factor, which the account does not have.
    #[error("{0}")]
    TwoFactorRequired(String),
    /// Authenticated, but not allowed.
    #[error("{0}")]
    Forbidden(String),
    /// An ID token that no trusted publisher matches; says what the token claims.
    #[error("{message}")]
    NoTrustedPublisher {
        /// Why, and what to do.
        message: String,
        /// The claims of the token.
        details: Vec<Detail>,
    },
    /// The keys of an issuer of ID tokens cannot be had.
    #[error("The keys of {0} cannot be fetched at the moment; try again in a moment")]
    IssuerUnavailable(Issuer),
    /// The keys of secret scanners cannot be had.
    #[error("The keys of secret scanners cannot be had at the moment; send the report again in a moment")]
    ScannerKeysUnavailable,
    /// A reserved name.
    #[error("The name `{0}` is reserved; choose another")]
    NameReserved(String),
    /// A new name that could be mistaken for a popular one.
    #[error(
        "The name {name} is too similar to {existing}, which exists; choose another, or a name in a scope of yours"
    )]
    NameTooSimilar {
        /// The new name: of a package, or of a scope with `@`.
        name: String,
        /// The popular name.
        existing: String,
    },
    /// A tag that the operator does not allow.
    #[error("This registry does not allow the dist-tag `{tag}`; {}", allowed_tags(allowed))]
    TagNotAllowed {
        /// The dist-tag.
        tag: DistTag,
        /// Those that are allowed beside `latest`, for a person; empty for none.
        allowed: String,
    },
    /// A dist-tag names only versions which an approver has approved.
    #[error(
        "The dist-tag `{tag}` names only versions that an approver has approved, and nobody has approved {version} of \
         {package}; ask an approver to run `aam approve {package}@{version}`, and set the tag then"
    )]
    TagNeedsApproval {
        /// The package.
        package: PackageName,
        /// The dist-tag.
        tag: DistTag,
        /// The version.
        version: String,
    },
    /// A version has not passed the evals that the gate of a dist-tag asks for.
    #[error("Version {version} of {package} does not pass the gate of the dist-tag `{tag}`; see the details")]
    GateFailed {
        /// The package.
        package: PackageName,
        /// The dist-tag.
        tag: DistTag,
        /// The version.
        version: String,
        /// The evals that are wanting, and why.
        wanting: Vec<(EvalName, &'static str)>,
    },
    /// There are as many of something as there may be.
    #[error("{0}")]
    QuotaExceeded(String),
    /// Registration is closed.
    #[error("Registration is closed on this registry; ask its administrator for an account")]
    RegistrationClosed,
    /// No such package.
    #[error("Package {0} does not exist")]
    PackageNotFound(PackageName),
    /// No such version, or no version that matches.
    #[error("{message}")]
    VersionNotFound {
        /// What was requested.
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
    /// Nothing exists at that path.
    #[error("{0}")]
    NotFound(String),
    /// The version was published before.
    #[error("Version {version} of {package} already exists")]
    VersionExists {
        /// The package.
        package: PackageName,
        /// The version as it was published.
        version: Version,
        /// The digest of its archive.
        sha256: Sha256Digest,
    },
    /// The username, the scope with its name, or the e-mail address is taken.
    #[error("{0}")]
    UserExists(String),
    /// The scope, or a user with that name, exists.
    #[error("The name @{0} is taken")]
    ScopeExists(ScopeName),
    /// The last owner cannot be removed.
    #[error("User {0} is the last owner; add another one first")]
    LastOwner(Username),
    /// The registry would have no administrator left.
    #[error(
        "User {0} is the last administrator; make somebody else one first, or run on the server: \
         aam-registry user grant-role NAME admin"
    )]
    LastAdmin(Username),
    /// An account cannot be deleted while it is the last owner of something.
    #[error("User {user} is the last owner of what the details list; make somebody else an owner of it first")]
    NeedsHeirs {
        /// The account.
        user: Username,
        /// Packages by name, and scopes as `@name`.
        ownerless: Vec<String>,
    },
    /// No set of versions meets every demand.
    #[error("{message}")]
    ResolutionConflict {
        /// The conflict in one sentence.
        message: String,
        /// Which versions demand what, and which demands to relax.
        details: Vec<Detail>,
    },
    /// The version was removed.
    #[error("Version {version} of {package} was removed from this registry; use another version")]
    VersionGone {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
    },
    /// The request is too large.
    #[error("{0}")]
    PayloadTooLarge(String),
    /// The registry took too long.
    #[error("{0}")]
    Timeout(String),
    /// The client took too long to send the request.
    #[error("{0}")]
    ClientTimeout(String),
    /// The registry is overloaded.
    #[error("The registry is busy; try again in a moment")]
    Overloaded,
    /// Other requests change the same thing, and take too long.
    #[error("{0} is being changed by other requests that take too long; try again in a moment")]
    Contended(String),
    /// The registry is read-only for now.
    #[error(
        "This registry is read-only for now{}: reading, downloading and logging in work, changes do not; try again later",
        .reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default()
    )]
    ReadOnly {
        /// What its operator says about it.
        reason: Option<String>,
    },
    /// Too many requests.
    #[error("Too many requests; try again in {} s", .0.retry_after.unwrap_or_default().as_millis().div_ceil(1000).max(1))]
    RateLimited(RateDecision),
    /// The client has too many concurrent requests.
    #[error("{0}")]
    TooManyAtOnce(String),
    /// An external service failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl Error {
    /// The database answers, but this server must not use it in its current state: its schema works
    /// only with newer releases, it is reached in a way that cannot work, or its file is
    /// [gone](DatabaseTrouble::Gone). The server is not ready until that has changed. `reason` tells
    /// the operator what is wrong and what to do.
    pub fn unfit(reason: impl Into<String>) -> Self {
        Self::database(Unfit(reason.into()), false, Outcome::NotApplied)
    }

    /// Whether this server must not use the database in its current state.
    pub fn is_unfit(&self) -> bool {
        matches!(self, Self::Backend(backend) if backend.is_unfit())
    }

    /// The request is invalid, explained in one sentence.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::InvalidRequest { message: message.into(), details: Vec::new() }
    }

    /// The request is not allowed, explained in one sentence.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::Forbidden(message.into())
    }

    /// The acting user was deleted or disabled, or the credential was revoked or has expired since.
    pub fn credential_ended() -> Self {
        Self::Unauthorized("This credential is no longer valid; log in again or create a new token".to_owned())
    }

    /// A one-time token that does not exist, was used, or has expired.
    pub fn one_time_token_ended() -> Self {
        Self::invalid_request(
            "This link does not work any more: it was used, has expired, or the account has changed since; ask for \
             another one",
        )
    }

    /// The upload to commit is no longer alive.
    pub fn upload_ended() -> Self {
        Self::Timeout("The upload took too long and was given up; publish again".to_owned())
    }

    /// No version of `package` has the number or matches the constraint `what`.
    pub fn version_not_found(package: &PackageName, what: impl fmt::Display) -> Self {
        Self::VersionNotFound { message: format!("Package {package} has no version {what}") }
    }

    /// The database failed to read or to change something; `outcome` says whether a change was made.
    pub fn database(source: impl Into<Box<dyn StdError + Send + Sync>>, retry: bool, outcome: Outcome) -> Self {
        BackendError { kind: BackendKind::Database, retry, outcome, source: source.into() }.into()
    }

    /// The archive store failed. This changes nothing: bytes in the store count only when the database
    /// refers to them.
    pub fn storage(source: impl Into<Box<dyn StdError + Send + Sync>>, retry: bool) -> Self {
        BackendError { kind: BackendKind::Storage, retry, outcome: Outcome::NotApplied, source: source.into() }.into()
    }

    /// The service failed through which replicas share the cache, rate limits and notifications of
    /// changes. Callers that can do without it continue.
    pub fn cache(source: impl Into<Box<dyn StdError + Send + Sync>>, retry: bool) -> Self {
        BackendError { kind: BackendKind::Cache, retry, outcome: Outcome::Unknown, source: source.into() }.into()
    }

    /// An internal failure that should never happen.
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
            Self::InvitationInvalid => ErrorCode::InvitationInvalid,
            Self::InvalidCredentials => ErrorCode::InvalidCredentials,
            Self::OtpRequired => ErrorCode::OtpRequired,
            Self::OtpInvalid => ErrorCode::OtpInvalid,
            Self::TwoFactorRequired(_) => ErrorCode::TwoFactorRequired,
            Self::Forbidden(_) | Self::NoTrustedPublisher { .. } => ErrorCode::Forbidden,
            Self::NameReserved(_) => ErrorCode::NameReserved,
            Self::NameTooSimilar { .. } => ErrorCode::NameTooSimilar,
            Self::TagNotAllowed { .. } => ErrorCode::TagNotAllowed,
            Self::GateFailed { .. } | Self::TagNeedsApproval { .. } => ErrorCode::GateFailed,
            Self::QuotaExceeded(_) => ErrorCode::QuotaExceeded,
            Self::RegistrationClosed | Self::InvitationRequired => ErrorCode::RegistrationClosed,
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
            Self::LastOwner(_) | Self::LastAdmin(_) | Self::NeedsHeirs { .. } => ErrorCode::LastOwner,
            Self::ResolutionConflict { .. } => ErrorCode::ResolutionConflict,
            Self::VersionGone { .. } => ErrorCode::VersionGone,
            Self::PayloadTooLarge(_) => ErrorCode::PayloadTooLarge,
            Self::Timeout(_) => ErrorCode::Timeout,
            Self::ClientTimeout(_) => ErrorCode::ClientTimeout,
            Self::Overloaded | Self::Contended(_) | Self::IssuerUnavailable(_) | Self::ScannerKeysUnavailable => {
                ErrorCode::Overloaded
            }
            Self::ReadOnly { .. } => ErrorCode::ReadOnly,
            Self::RateLimited(_) | Self::TooManyAtOnce(_) => ErrorCode::RateLimited,
            Self::Backend(backend) => backend.code(),
        }
    }

    /// The details for the client in addition to the message.
    pub fn details(&self) -> Vec<Detail> {
        match self {
            Self::InvalidRequest { details, .. }
            | Self::ResolutionConflict { details, .. }
            | Self::NoTrustedPublisher { details, .. } => details.clone(),
            Self::InvalidManifest(faults) => {
                faults.iter().map(|fault| Detail::new(&*fault.field, &*fault.error)).collect()
            }
            Self::TagNeedsApproval { .. } => vec![Detail::new("approval", "nobody has approved the version")],
            Self::GateFailed { wanting, .. } => {
                wanting.iter().map(|(name, why)| Detail::new(name.as_str(), *why)).collect()
            }
            Self::NeedsHeirs { ownerless, .. } => {
                ownerless.iter().map(|name| Detail::new(&**name, "has no other owner")).collect()
            }
            Self::VersionExists { sha256, .. } => vec![Detail::new("sha256", sha256.to_string())],
            _ => Vec::new(),
        }
    }
}

/// What to do about a tag that is not allowed.
fn allowed_tags(allowed: &str) -> String {
    if allowed.is_empty() { "it allows none beside `latest`".to_owned() } else { format!("use one of {allowed}") }
}

impl From<InvalidName> for Error {
    fn from(error: InvalidName) -> Self {
        Self::invalid_request(error.to_string())
    }
}
