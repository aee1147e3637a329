//! Domain types as the columns of a table hold them.

use std::{collections::BTreeMap, time::Duration};

use aam_registry_core::{
    Error,
    error::{InvalidName, Outcome},
    types::{
        AccountRole, AccountRoles, ApprovalStatus, ArchiveFile, AuditEvent, Constraint, DisableReason, DisabledWebhook,
        EvalName, EvalStatus, Issuer, JobState, Manifest, ModerationCategory, OneTimePurpose, PackageName,
        PublisherPreset, ScopeRole, Sha256Digest, TokenPattern, TokenScope, TokenScopes, VersionStatus, WebhookName,
        WebhookUrl,
    },
};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// The columns of a version's texts, for `SELECT`: each is read by its name, which is the key of the text.
macro_rules! version_texts {
    ($table:literal) => {
        concat!($table, ".deprecated AS deprecated")
    };
}
pub(crate) use version_texts;

/// Expands `$with` with the column of a text.
#[cfg(feature = "postgres")]
macro_rules! with_text_column {
    ($text:expr, $with:ident) => {
        match $text {
            VersionText::Deprecation => $with!("deprecated"),
        }
    };
}
#[cfg(feature = "postgres")]
pub(crate) use with_text_column;

/// What is stored cannot be read back.
#[derive(Debug)]
pub(crate) struct Corrupt(pub(crate) String);

impl From<InvalidName> for Corrupt {
    fn from(error: InvalidName) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for Corrupt {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// How many trusted publishers are looked at for one ID token.
pub(crate) const MOST_CANDIDATES: usize = 500;

/// The issuer of ID tokens.
pub(crate) fn issuer(text: &str) -> Result<Issuer, Corrupt> {
    Issuer::parse(text).map_err(|error| Corrupt(error.to_owned()))
}

/// The preset of a trusted publisher.
pub(crate) fn preset(text: &str) -> Result<PublisherPreset, Corrupt> {
    PublisherPreset::parse(text).ok_or_else(|| Corrupt(format!("`{text}` is no preset")))
}

/// The claims of a trusted publisher, out of a JSON object.
pub(crate) fn claims(text: &str) -> Result<BTreeMap<String, String>, Corrupt> {
    Ok(serde_json::from_str(text)?)
}

/// The text that [`claims`] reads back.
pub(crate) fn claims_text(claims: &BTreeMap<String, String>) -> Result<String, serde_json::Error> {
    serde_json::to_string(claims)
}

/// Digests as a JSON array of their hexadecimal texts.
pub(crate) fn digests_text(digests: &[Sha256Digest]) -> Result<String, serde_json::Error> {
    serde_json::to_string(&digests.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// Reads what [`digests_text`] wrote.
pub(crate) fn digests(text: &str) -> Result<Vec<Sha256Digest>, Corrupt> {
    let texts: Vec<String> = serde_json::from_str(text)?;
    Ok(texts.iter().map(|text| text.parse()).collect::<Result<_, InvalidName>>()?)
}

/// A count or size as a database keeps it: signed.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// How many rows to read or change at most.
pub(crate) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// The error of a database whose only row of `registry_identity` was deleted.
pub(crate) fn no_registry_id() -> Error {
    let reason = "the table `registry_identity` is empty: restore its row from a backup";
    Error::database(reason, false, Outcome::NotApplied)
}

/// An instant out of microseconds since 1970.
pub(crate) fn instant(microseconds: i64) -> Result<Timestamp, Corrupt> {
    Timestamp::from_microsecond(microseconds).map_err(|error| Corrupt(error.to_string()))
}

/// What makes an e-mail address another one: all of it but its case.
pub(crate) fn email_key(email: &str) -> String {
    email.to_lowercase()
}

/// A file: path, size, digest in hex, whether it is executable.
type FileColumns = (String, u64, String, bool);

/// The text that [`files`] reads back.
pub(crate) fn files_text(files: &[ArchiveFile]) -> Result<String, Corrupt> {
    let columns: Vec<_> =
        files.iter().map(|file| (&file.path, file.size, file.sha256.to_string(), file.executable)).collect();
    Ok(serde_json::to_string(&columns)?)
}

/// The files of an archive.
pub(crate) fn files(text: &str) -> Result<Vec<ArchiveFile>, Corrupt> {
    let files: Vec<FileColumns> = serde_json::from_str(text)?;
    files
        .into_iter()
        .map(|(path, size, sha256, executable)| Ok(ArchiveFile { path, size, sha256: sha256.parse()?, executable }))
        .collect()
}

/// The text that [`dependencies`] reads back.
pub(crate) fn dependencies_text(dependencies: &BTreeMap<PackageName, Constraint>) -> Result<String, Corrupt> {
    let columns: BTreeMap<_, _> =
        dependencies.iter().map(|(name, constraint)| (name.as_str(), constraint.as_str())).collect();
    Ok(serde_json::to_string(&columns)?)
}

/// What a version needs.
pub(crate) fn dependencies(text: &str) -> Result<BTreeMap<PackageName, Constraint>, Corrupt> {
    let dependencies: BTreeMap<String, String> = serde_json::from_str(text)?;
    dependencies.into_iter().map(|(name, constraint)| Ok((name.parse()?, constraint.parse()?))).collect()
}

/// A manifest out of its document.
pub(crate) fn manifest(text: &str) -> Result<Manifest, Corrupt> {
    Manifest::from_document(serde_json::from_str(text)?)
        .map_err(|faults| Corrupt(format!("a manifest with {} faults", faults.len())))
}

/// The columns that hold the roles of an account, in the order of [`AccountRole::ALL`]. `$of` is the alias of the table
/// with its dot, or empty.
macro_rules! role_columns {
    ($of:literal) => {
        concat!($of, "is_admin, ", $of, "is_approver, ", $of, "is_moderator, ", $of, "is_auditor")
    };
}
pub(crate) use role_columns;

/// The roles of an account, of which the columns say which it has, in the order of [`AccountRole::ALL`].
pub(crate) fn account_roles(has: [bool; AccountRole::ALL.len()]) -> AccountRoles {
    AccountRole::ALL.into_iter().zip(has).filter(|(_, has)| *has).map(|(role, _)| role).collect()
}

/// What the columns of [`role_columns`] hold.
pub(crate) fn account_role_flags(roles: AccountRoles) -> [bool; AccountRole::ALL.len()] {
    AccountRole::ALL.map(|role| roles.contains(role))
}

/// How an eval ended.
pub(crate) fn eval_status(text: &str) -> Result<EvalStatus, Corrupt> {
    EvalStatus::parse(text).ok_or_else(|| Corrupt(format!("status of an eval `{text}`")))
}

/// The text that [`eval_facts`] reads back.
pub(crate) fn eval_facts_text(facts: &Map<String, Value>) -> Result<String, Corrupt> {
    Ok(serde_json::to_string(facts)?)
}

/// What was measured in an eval, or its surroundings.
pub(crate) fn eval_facts(text: &str) -> Result<Map<String, Value>, Corrupt> {
    Ok(serde_json::from_str(text)?)
}

/// The text that [`eval_names`] reads back.
pub(crate) fn eval_names_text(names: &[EvalName]) -> Result<String, Corrupt> {
    Ok(serde_json::to_string(&names.iter().map(EvalName::as_str).collect::<Vec<_>>())?)
}

/// The evals of a gate.
pub(crate) fn eval_names(text: &str) -> Result<Vec<EvalName>, Corrupt> {
    let names: Vec<String> = serde_json::from_str(text)?;
    names.iter().map(|name| Ok(name.parse()?)).collect()
}

/// What is wrong with a package that was reported, or with a version in quarantine.
pub(crate) fn moderation_category(text: &str) -> Result<ModerationCategory, Corrupt> {
    ModerationCategory::parse(text).ok_or_else(|| Corrupt(format!("category of a report or quarantine `{text}`")))
}

/// The column that says whether an account has a role.
pub(crate) fn account_role(role: AccountRole) -> Option<&'static str> {
    match role {
        AccountRole::Admin => Some("is_admin"),
        AccountRole::Approver => Some("is_approver"),
        AccountRole::Moderator => Some("is_moderator"),
        AccountRole::Auditor => Some("is_auditor"),
        _ => None,
    }
}

/// The text that [`token_scopes`] reads back.
pub(crate) fn token_scopes_text(scopes: TokenScopes) -> Result<String, Corrupt> {
    Ok(serde_json::to_string(&scopes.iter().map(TokenScope::as_str).collect::<Vec<_>>())?)
}

/// What a token may be used for.
pub(crate) fn token_scopes(text: &str) -> Result<TokenScopes, Corrupt> {
    let scopes: Vec<String> = serde_json::from_str(text)?;
    let scope = |text: &String| TokenScope::parse(text).ok_or_else(|| Corrupt(format!("token scope `{text}`")));
    scopes.iter().map(scope).collect()
}

/// The text that [`token_patterns`] reads back.
pub(crate) fn token_patterns_text(patterns: &[TokenPattern]) -> Result<String, Corrupt> {
    Ok(serde_json::to_string(&patterns.iter().map(TokenPattern::as_str).collect::<Vec<_>>())?)
}

/// The packages a token is restricted to.
pub(crate) fn token_patterns(text: &str) -> Result<Vec<TokenPattern>, Corrupt> {
    let patterns: Vec<String> = serde_json::from_str(text)?;
    patterns.iter().map(|pattern| Ok(TokenPattern::parse(pattern)?)).collect()
}

/// The role of a member of a scope.
pub(crate) fn role(text: &str) -> Result<ScopeRole, Corrupt> {
    ScopeRole::parse(text).ok_or_else(|| Corrupt(format!("scope role `{text}`")))
}

/// Where a version stands.
pub(crate) fn version_status(text: &str) -> Result<VersionStatus, Corrupt> {
    VersionStatus::parse(text).ok_or_else(|| Corrupt(format!("status of a version `{text}`")))
}

/// What was decided about a version.
pub(crate) fn approval_status(text: &str) -> Result<ApprovalStatus, Corrupt> {
    ApprovalStatus::parse(text).ok_or_else(|| Corrupt(format!("status of an approval `{text}`")))
}

/// What a one-time token is for.
pub(crate) fn one_time_purpose(text: &str) -> Result<OneTimePurpose, Corrupt> {
    OneTimePurpose::parse(text).ok_or_else(|| Corrupt(format!("purpose of a one-time token `{text}`")))
}

/// What an audit entry records.
pub(crate) fn audit_event(text: &str) -> Result<AuditEvent, Corrupt> {
    AuditEvent::parse(text).ok_or_else(|| Corrupt(format!("audit event `{text}`")))
}

/// The text that [`audit_events`] reads back.
pub(crate) fn audit_events_text(events: &[AuditEvent]) -> Result<String, Corrupt> {
    Ok(serde_json::to_string(&events.iter().map(|event| event.as_str()).collect::<Vec<_>>())?)
}

/// What a webhook is told of.
pub(crate) fn audit_events(text: &str) -> Result<Vec<AuditEvent>, Corrupt> {
    let events: Vec<String> = serde_json::from_str(text)?;
    events.iter().map(|event| audit_event(event)).collect()
}

/// The address of a webhook.
pub(crate) fn webhook_url(text: &str) -> Result<WebhookUrl, Corrupt> {
    WebhookUrl::parse(text).map_err(|wrong| Corrupt(format!("the address of a webhook {wrong}")))
}

/// The name of a webhook of the operator.
pub(crate) fn webhook_name(text: &str) -> Result<WebhookName, Corrupt> {
    WebhookName::parse(text).map_err(|_| Corrupt(format!("name of a webhook `{text}`")))
}

/// Since when and why a webhook is not in use.
pub(crate) fn disabled(at: Option<i64>, reason: Option<&str>) -> Result<Option<DisabledWebhook>, Corrupt> {
    let (Some(at), Some(reason)) = (at, reason) else { return Ok(None) };
    let reason = DisableReason::parse(reason).ok_or_else(|| Corrupt(format!("reason `{reason}`")))?;
    Ok(Some(DisabledWebhook { at: instant(at)?, reason }))
}

/// For how long a job has been due, from microseconds; nothing where none waits or it is not due yet.
pub(crate) fn overdue(micros: Option<i64>) -> Duration {
    Duration::from_micros(micros.and_then(|micros| u64::try_from(micros).ok()).unwrap_or_default())
}

/// How a job stands.
pub(crate) fn job_state(text: &str) -> Result<JobState, Corrupt> {
    JobState::parse(text).ok_or_else(|| Corrupt(format!("state of a job `{text}`")))
}
