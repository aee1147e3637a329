//! The audit log: append-only, hash-chained (contract, section 7).

use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::types::{PackageName, PageRequest, Sha256Digest, Version};

macro_rules! events {
    ($($variant:ident = $text:literal),+ $(,)?) => {
        /// What an audit entry records.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum AuditEvent {
            $(#[doc = concat!("`", $text, "`")] $variant),+
        }

        impl AuditEvent {
            /// Every event.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The event as text, such as `package.publish`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads the event's text.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

events! {
    PackagePublish = "package.publish",
    VersionYank = "version.yank",
    VersionUnyank = "version.unyank",
    VersionDeprecate = "version.deprecate",
    TagSet = "tag.set",
    TagRemove = "tag.remove",
    OwnershipAdd = "ownership.add",
    OwnershipRemove = "ownership.remove",
    ScopeCreate = "scope.create",
    ScopeMemberSet = "scope.member_set",
    ScopeMemberRemove = "scope.member_remove",
    UserRegister = "user.register",
    UserLogin = "user.login",
    UserLoginFailed = "user.login_failed",
    TokenCreate = "token.create",
    TokenRevoke = "token.revoke",
    AdminCreate = "admin.create",
}

/// The hash of an entry and, through it, of all before it.
pub type ChainHash = Sha256Digest;

/// An entry to append in the transaction that does what it records.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAuditEntry {
    /// Its id (UUIDv7).
    pub id: Uuid,
    /// What happened.
    pub event: AuditEvent,
    /// The username of who did it; `None` where nobody was known.
    pub actor: Option<String>,
    /// The package it happened to.
    pub package: Option<PackageName>,
    /// The version it happened to.
    pub version: Option<String>,
    /// When.
    pub timestamp: Timestamp,
    /// What else is worth knowing; never a secret.
    pub metadata: Map<String, Value>,
}

impl NewAuditEntry {
    /// An entry of `event` at `timestamp` with nothing else said.
    pub fn new(event: AuditEvent, timestamp: Timestamp) -> Self {
        Self { id: Uuid::now_v7(), event, actor: None, package: None, version: None, timestamp, metadata: Map::new() }
    }

    /// Says who did it.
    #[must_use]
    pub fn with_actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Says to which package.
    #[must_use]
    pub fn with_package(mut self, package: &PackageName) -> Self {
        self.package = Some(package.clone());
        self
    }

    /// Says to which version.
    #[must_use]
    pub fn with_version(mut self, version: &Version) -> Self {
        self.version = Some(version.to_string());
        self
    }

    /// Adds one fact.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// The hash of this entry at `position` (from 1) behind `previous`
    /// (32 zero bytes before the first).
    ///
    /// SHA-256 over the previous hash and the JSON array of position, id,
    /// event, actor, package, version, timestamp in microseconds since 1970
    /// and metadata with its keys sorted.
    pub fn chain_hash(&self, previous: &ChainHash, position: u64) -> ChainHash {
        let fields = serde_json::json!([
            position,
            self.id.to_string(),
            self.event.as_str(),
            self.actor,
            self.package.as_ref().map(PackageName::as_str),
            self.version,
            self.timestamp.as_microsecond(),
            self.metadata,
        ]);
        let mut hasher = Sha256::new();
        hasher.update(previous.as_bytes());
        hasher.update(fields.to_string().as_bytes());
        <[u8; 32]>::from(hasher.finalize()).into()
    }
}

/// An entry as it is read back.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// What was appended.
    pub entry: NewAuditEntry,
    /// Its position in the chain, from 1, and its hash; given within a second of the append.
    pub chained: Option<(u64, ChainHash)>,
}

/// Which entries to list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only of this package.
    pub package: Option<PackageName>,
    /// Only of this event.
    pub event: Option<AuditEvent>,
    /// Only by this username.
    pub actor: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub to: Option<Timestamp>,
    /// The page.
    pub page: PageRequest,
}
