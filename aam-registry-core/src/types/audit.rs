//! The audit log: append-only, hash-chained.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    error::InvalidName,
    types::{PackageName, PageRequest, Sha256Digest, Version, Visibility},
};

/// The fact of an entry that says who may see its package.
pub(crate) const VISIBILITY: &str = "visibility";

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
    PackageDownload = "package.download",
    VersionYank = "version.yank",
    VersionUnyank = "version.unyank",
    VersionDeprecate = "version.deprecate",
    VersionApprove = "version.approve",
    VersionReject = "version.reject",
    VersionQuarantine = "version.quarantine",
    VersionRelease = "version.release",
    VersionRemove = "version.remove",
    TagSet = "tag.set",
    TagRemove = "tag.remove",
    OwnershipAdd = "ownership.add",
    OwnershipRemove = "ownership.remove",
    VisibilityChange = "visibility.change",
    ScopeCreate = "scope.create",
    ScopeMemberSet = "scope.member_set",
    ScopeMemberRemove = "scope.member_remove",
    UserRegister = "user.register",
    UserLogin = "user.login",
    UserLoginFailed = "user.login_failed",
    UserLogout = "user.logout",
    SessionRevoke = "session.revoke",
    UserDisable = "user.disable",
    UserEnable = "user.enable",
    UserRoleSet = "user.role_set",
    UserEmailChange = "user.email_change",
    UserEmailVerify = "user.email_verify",
    UserPasswordChange = "user.password_change",
    UserPasswordReset = "user.password_reset",
    UserInvite = "user.invite",
    UserDelete = "user.delete",
    UserTotpEnable = "user.totp_enable",
    UserTotpDisable = "user.totp_disable",
    TokenCreate = "token.create",
    TokenRevoke = "token.revoke",
    EvalRecord = "eval.record",
    GateSet = "gate.set",
    ReportCreate = "report.create",
    ReportClose = "report.close",
    TokenLeakReported = "token.leak_reported",
    TokenEnding = "token.ending",
    TokenStale = "token.stale",
    AdminCreate = "admin.create",
    AdminRead = "admin.read",
    AdminAuditPrune = "admin.audit_prune",
    AdminReadOnly = "admin.read_only",
    PublisherAdd = "publisher.add",
    PublisherRemove = "publisher.remove",
    PolicySet = "policy.set",
    WebhookCreate = "webhook.create",
    WebhookChange = "webhook.change",
    WebhookDelete = "webhook.delete",
    WebhookDisable = "webhook.disable",
}

impl AuditEvent {
    /// Whether its entries are handed to subscribers. Logins, logouts and reads
    /// are not: they change nothing, and an attacker makes as many as he likes.
    pub fn can_be_subscribed(self) -> bool {
        !matches!(
            self,
            Self::UserLogin | Self::UserLoginFailed | Self::UserLogout | Self::AdminRead | Self::PackageDownload
        )
    }
}

/// The hash of an entry and, through it, of all before it.
pub type ChainHash = Sha256Digest;

/// A place in the chain: the position of an entry and its hash. As text `120:` and the hash in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainLink {
    /// The position, from 1; 0 is the place before the first entry.
    pub position: u64,
    /// The hash of the entry there; 32 zero bytes before the first.
    pub hash: ChainHash,
}

impl Default for ChainLink {
    /// The place before the first entry.
    fn default() -> Self {
        Self { position: 0, hash: ChainHash::from([0; 32]) }
    }
}

impl fmt::Display for ChainLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.position, self.hash)
    }
}

impl FromStr for ChainLink {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = || InvalidName::Digest(text.chars().take(100).collect());
        let (position, hash) = text.split_once(':').ok_or_else(invalid)?;
        Ok(Self { position: position.parse().map_err(|_| invalid())?, hash: hash.parse()? })
    }
}

/// An entry to append in the transaction that does what it records.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAuditEntry {
    /// Its id (UUIDv7).
    pub id: Uuid,
    /// What happened.
    pub event: AuditEvent,
    /// The username of the acting user; `None` if it is not known.
    pub actor: Option<String>,
    /// The package it happened to.
    pub package: Option<PackageName>,
    /// The version it happened to.
    pub version: Option<String>,
    /// When.
    pub timestamp: Timestamp,
    /// Other facts about the event; never a secret.
    pub metadata: Map<String, Value>,
}

impl NewAuditEntry {
    /// An entry of `event` at `timestamp` with no other fields.
    pub fn new(event: AuditEvent, timestamp: Timestamp) -> Self {
        Self { id: Uuid::now_v7(), event, actor: None, package: None, version: None, timestamp, metadata: Map::new() }
    }

    /// Sets the acting user.
    #[must_use]
    pub fn with_actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Sets the package.
    #[must_use]
    pub fn with_package(mut self, package: &PackageName) -> Self {
        self.package = Some(package.clone());
        self
    }

    /// Sets the version.
    #[must_use]
    pub fn with_version(mut self, version: &Version) -> Self {
        self.version = Some(version.to_string());
        self
    }

    /// Says of an entry about a package who may see it. What happens to a private one is no event for
    /// those who may not.
    #[must_use]
    pub fn with_visibility(self, visibility: Visibility) -> Self {
        if visibility.is_private() { self.with(VISIBILITY, visibility.as_str()) } else { self }
    }

    /// Whether it is about a package that was private when it happened.
    pub fn is_private(&self) -> bool {
        self.metadata.get(VISIBILITY).is_some_and(|visibility| *visibility == Visibility::Private.as_str())
    }

    /// Adds one fact.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// The hash of this entry at `position` (from 1) after an entry with the hash `previous` (32 zero
    /// bytes for the first entry).
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
            sorted(&self.metadata),
        ]);
        let mut hasher = Sha256::new();
        hasher.update(previous.as_bytes());
        hasher.update(fields.to_string().as_bytes());
        <[u8; 32]>::from(hasher.finalize()).into()
    }
}

/// The object with its keys sorted at every depth. The host may build `serde_json` with insertion order
/// kept, and hashes must not depend on that.
fn sorted(object: &Map<String, Value>) -> Value {
    let by_key: BTreeMap<_, _> = object.iter().collect();
    by_key.into_iter().map(|(key, value)| (key.clone(), sorted_value(value))).collect()
}

fn sorted_value(value: &Value) -> Value {
    match value {
        Value::Object(object) => sorted(object),
        Value::Array(items) => items.iter().map(sorted_value).collect(),
        other => other.clone(),
    }
}

/// An entry as it is read from the log.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// The entry that was appended.
    pub entry: NewAuditEntry,
    /// Its position in the chain, from 1, and its hash; assigned within a second of the append.
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
    /// Only at or after this instant.
    pub from: Option<Timestamp>,
    /// Only before this instant.
    pub to: Option<Timestamp>,
    /// The page.
    pub page: PageRequest,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> NewAuditEntry {
        let stamp = Timestamp::from_microsecond(1_700_000_000_123_456).expect("an instant");
        NewAuditEntry { id: Uuid::nil(), ..NewAuditEntry::new(AuditEvent::TagSet, stamp) }
            .with_actor("ada")
            .with_package(&"@team/kit".parse().expect("a name"))
            .with_version(&"1.0.0".parse().expect("a version"))
            .with("tag", "beta")
            .with("facts", serde_json::json!({"b": [1, {"d": null, "c": true}], "a": "\u{e9}"}))
    }

    /// Entries in existing chains have to verify for ever, so the hash of an entry must never change.
    #[test]
    fn the_hash_of_an_entry_is_that_of_its_canonical_text() {
        let text = r#"[7,"00000000-0000-0000-0000-000000000000","tag.set","ada","@team/kit","1.0.0",1700000000123456,{"facts":{"a":"é","b":[1,{"c":true,"d":null}]},"tag":"beta"}]"#;
        let previous = ChainHash::of(b"before");
        let expected = ChainHash::of(&[previous.as_bytes(), text.as_bytes()].concat());
        assert_eq!(entry().chain_hash(&previous, 7), expected);
    }

    #[test]
    fn every_field_is_in_the_hash() {
        let previous = ChainHash::of(b"before");
        let hash = entry().chain_hash(&previous, 7);
        let stamp = entry().timestamp + jiff::SignedDuration::from_micros(1);
        for other in [
            NewAuditEntry { id: Uuid::max(), ..entry() },
            NewAuditEntry { event: AuditEvent::TagRemove, ..entry() },
            NewAuditEntry { actor: None, ..entry() },
            NewAuditEntry { package: None, ..entry() },
            NewAuditEntry { version: None, ..entry() },
            NewAuditEntry { timestamp: stamp, ..entry() },
            entry().with("tag", "edge"),
        ] {
            assert_ne!(other.chain_hash(&previous, 7), hash, "{other:?}");
        }
        assert_ne!(entry().chain_hash(&previous, 8), hash);
        assert_ne!(entry().chain_hash(&hash, 7), hash);
    }

    #[test]
    fn events_survive_their_text() {
        for event in AuditEvent::ALL {
            assert_eq!(AuditEvent::parse(event.as_str()), Some(*event));
        }
        assert_eq!(AuditEvent::parse("package.unknown"), None);
    }
}
