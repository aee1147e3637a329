//! The JSON that the registry sends. What is only shown stays text, so that a
//! newer registry's values do not break an older client.

use std::collections::BTreeMap;

use aam_registry_core::types::{PackageName, Sha256Digest, Version};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text::Text;

/// A checksum object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Checksum {
    pub(crate) sha256: Text<Sha256Digest>,
}

/// One version chosen by the registry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Resolved {
    pub(crate) version: Text<Version>,
    pub(crate) checksum: Checksum,
    pub(crate) archive_size: u64,
    #[serde(default)]
    pub(crate) dependencies: BTreeMap<Text<PackageName>, String>,
}

/// The answer of `POST /resolve`.
#[derive(Debug, Deserialize)]
pub(super) struct Resolution {
    pub(super) resolved: BTreeMap<Text<PackageName>, Resolved>,
}

/// A page of a search.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SearchPage {
    pub(crate) packages: Vec<SearchRow>,
    pub(crate) total: u64,
    pub(crate) page: u64,
    pub(crate) pages: u64,
}

/// One package of a search.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SearchRow {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    pub(crate) latest_version: Option<String>,
    #[serde(default)]
    pub(crate) artifact_types: Vec<String>,
    #[serde(default)]
    pub(crate) downloads: u64,
}

/// A package as `GET /packages/{pkg}` shows it.
#[derive(Debug, Deserialize)]
pub(crate) struct PackageInfo {
    pub(crate) name: String,
    pub(crate) owners: Vec<String>,
    #[serde(default)]
    pub(crate) downloads: u64,
    pub(crate) dist_tags: BTreeMap<String, String>,
    pub(crate) versions: Vec<VersionRow>,
    /// How many versions there are, if the list has not all of them; registries of before do not say.
    #[serde(default)]
    pub(crate) versions_total: u64,
    /// Registries of before have none.
    #[serde(default)]
    pub(crate) visibility: Option<String>,
}

/// What those in charge of a version say about it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Texts {
    deprecated: Option<String>,
}

impl Texts {
    /// Each text that there is, with the word for a version that has it.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [("deprecated", &self.deprecated)].into_iter().filter_map(|(word, text)| Some((word, text.as_deref()?)))
    }
}

/// One version in a package's list.
#[derive(Debug, Deserialize)]
pub(crate) struct VersionRow {
    pub(crate) version: String,
    #[serde(default)]
    pub(crate) yanked: bool,
    #[serde(flatten)]
    pub(crate) texts: Texts,
}

/// One version as `GET /packages/{pkg}/{v}` shows it.
#[derive(Debug, Deserialize)]
pub(crate) struct VersionInfo {
    pub(crate) version: Text<Version>,
    #[serde(default)]
    pub(crate) description: String,
    pub(crate) author: Option<String>,
    pub(crate) license: Option<String>,
    pub(crate) repository: Option<String>,
    pub(crate) homepage: Option<String>,
    #[serde(default)]
    pub(crate) keywords: Vec<String>,
    pub(crate) published_at: Option<Text<Timestamp>>,
    pub(crate) published_by: Option<String>,
    #[serde(default)]
    pub(crate) yanked: bool,
    pub(crate) yanked_reason: Option<String>,
    #[serde(flatten)]
    pub(crate) texts: Texts,
    pub(crate) checksum: Checksum,
    #[serde(default)]
    pub(crate) dependencies: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) artifacts: BTreeMap<String, Vec<ArtifactRow>>,
    #[serde(default)]
    pub(crate) archive_size: u64,
    /// Registries of before have none.
    #[serde(default)]
    pub(crate) approval_status: Option<String>,
    #[serde(default)]
    pub(crate) quarantine: Option<serde_json::Value>,
}

/// One artifact of a version.
#[derive(Debug, Deserialize)]
pub(crate) struct ArtifactRow {
    pub(crate) name: String,
    pub(crate) path: Option<String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
}

/// The answer to a publish.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) name: String,
    pub(crate) version: Text<Version>,
    pub(crate) checksum: Checksum,
    #[serde(default)]
    pub(crate) url: Option<String>,
    #[serde(default)]
    pub(crate) dist_tags: Vec<String>,
    /// Registries of before say nothing.
    #[serde(default)]
    pub(crate) approval_status: Option<String>,
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
}

/// The dist-tags of a package.
#[derive(Debug, Deserialize)]
pub(crate) struct Tags {
    pub(crate) package: String,
    pub(crate) tags: BTreeMap<String, String>,
}

/// The owners of a package.
#[derive(Debug, Deserialize)]
pub(crate) struct Owners {
    pub(crate) package: String,
    pub(crate) owners: Vec<String>,
}

/// A scope.
#[derive(Debug, Deserialize)]
pub(crate) struct ScopeInfo {
    pub(crate) name: String,
    /// Whether those who change something in it need a second factor; `None` where the registry does not tell.
    #[serde(default)]
    pub(crate) require_2fa: Option<bool>,
    pub(crate) members: Vec<Member>,
    /// Owners of single packages.
    #[serde(default)]
    pub(crate) collaborators: Vec<Collaborator>,
    #[serde(default)]
    pub(crate) collaborators_truncated: bool,
}

/// Somebody with a role in a scope.
#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) username: String,
    pub(crate) role: String,
}

/// Somebody who owns a single package of a scope.
#[derive(Debug, Deserialize)]
pub(crate) struct Collaborator {
    pub(crate) package: String,
    pub(crate) username: String,
}

/// The answer to a yank.
#[derive(Debug, Deserialize)]
pub(crate) struct YankReceipt {
    pub(crate) name: String,
    pub(crate) version: Text<Version>,
    pub(crate) yanked: bool,
    /// What tags name now.
    #[serde(default)]
    pub(crate) moved_tags: BTreeMap<String, Option<String>>,
}

/// A page of the audit log.
#[derive(Debug, Deserialize)]
pub(crate) struct AuditPage {
    pub(crate) entries: Vec<serde_json::Value>,
    pub(crate) total: u64,
}

/// The webhooks of a scope.
#[derive(Debug, Deserialize)]
pub(crate) struct WebhookList {
    pub(crate) webhooks: Vec<serde_json::Value>,
}

/// A page of the deliveries to a webhook.
#[derive(Debug, Deserialize)]
pub(crate) struct DeliveryPage {
    pub(crate) deliveries: Vec<serde_json::Value>,
    #[serde(default)]
    pub(crate) pages: u64,
}

/// A result of an eval that was recorded.
#[derive(Debug, Deserialize)]
pub(crate) struct RecordedEval {
    #[serde(rename = "eval_name")]
    _eval_name: String,
}

/// The results of the evals of a version.
#[derive(Debug, Deserialize)]
pub(crate) struct EvalList {
    pub(crate) eval_results: Vec<serde_json::Value>,
}

/// The gates of a package, by dist-tag.
#[derive(Debug, Deserialize)]
pub(crate) struct GateList {
    pub(crate) gates: serde_json::Map<String, serde_json::Value>,
}

/// A page of reports.
#[derive(Debug, Deserialize)]
pub(crate) struct ReportPage {
    pub(crate) reports: Vec<serde_json::Value>,
    pub(crate) total: u64,
}

/// Something that the registry made or shows under an id.
#[derive(Debug, Deserialize)]
pub(crate) struct Identified {
    #[serde(rename = "id")]
    _id: String,
}

/// The answer to a registration.
#[derive(Debug, Deserialize)]
pub(crate) struct Registered {
    pub(crate) username: String,
    /// Whether the account can be used only once the link is opened that was mailed to its address.
    #[serde(default)]
    pub(crate) awaits_verification: bool,
}

/// Who the caller is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) username: String,
    pub(crate) email: Option<String>,
    #[serde(default)]
    pub(crate) is_admin: bool,
    #[serde(default)]
    pub(crate) scopes: serde_json::Value,
}

/// The answer to a login.
#[derive(Debug, Deserialize)]
pub(super) struct SessionToken {
    pub(super) access_token: String,
}

/// The API tokens of a user.
#[derive(Debug, Deserialize)]
pub(super) struct TokenList {
    pub(super) tokens: Vec<TokenInfo>,
}

/// A page of accounts.
#[derive(Debug, Deserialize)]
pub(crate) struct UserPage {
    pub(crate) users: Vec<ManagedUser>,
    pub(crate) pages: u64,
}

/// An account, as administrators see it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ManagedUser {
    pub(crate) username: String,
    pub(crate) email: Option<String>,
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    #[serde(default)]
    pub(crate) otp_enabled: bool,
    #[serde(default)]
    pub(crate) disabled: bool,
}

/// An invitation; `token`, `url` and `mailed` are told when it is made.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Invitation {
    pub(crate) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(default)]
    pub(crate) mailed: bool,
    pub(crate) email: Option<String>,
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    #[serde(default)]
    pub(crate) scopes: BTreeMap<String, String>,
    pub(crate) invited_by: Option<String>,
    pub(crate) expires_at: Option<Text<Timestamp>>,
}

/// The invitations that are open.
#[derive(Debug, Deserialize)]
pub(super) struct InvitationList {
    pub(super) invitations: Vec<Invitation>,
}

/// A second factor that waits to be confirmed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EnrolledOtp {
    pub(crate) secret: String,
    pub(crate) otpauth_uri: String,
}

/// Codes that stand in for one-time passwords.
#[derive(Debug, Deserialize)]
pub(crate) struct RecoveryCodes {
    pub(crate) recovery_codes: Vec<String>,
}

/// The caller's login sessions.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SessionList {
    pub(crate) sessions: Vec<SessionInfo>,
}

/// A login session.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SessionInfo {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) current: bool,
    pub(crate) client_ip: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) created_at: Text<Timestamp>,
    pub(crate) last_seen_at: Text<Timestamp>,
    pub(crate) expires_at: Text<Timestamp>,
}

/// An API token; the secret only where it was just made.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TokenInfo {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    #[serde(default)]
    pub(crate) packages: Option<Vec<String>>,
    pub(crate) created_at: Option<Text<Timestamp>>,
    pub(crate) expires_at: Option<Text<Timestamp>>,
    /// Whether it was not used for 90 days.
    #[serde(default)]
    pub(crate) stale: bool,
    #[serde(default)]
    pub(crate) last_used_at: Option<Text<Timestamp>>,
    /// The address of the client that used it then.
    #[serde(default)]
    pub(crate) last_used_from: Option<String>,
}
