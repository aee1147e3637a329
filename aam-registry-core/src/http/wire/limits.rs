use schemars::JsonSchema;
use serde::Serialize;

use super::{ReadOnlyAnswer, rules};
use crate::{
    http::{
        call::MAX_JSON,
        endpoints::{MAX_AUDIT_PAGE, MAX_PAGE, MAX_TOKEN_DAYS},
    },
    registry::{
        ApprovalPolicy, MAX_MESSAGE, MAX_PACKAGES, MAX_PASSWORD_BYTES, MAX_TOKEN_NAME, MAX_TOKEN_PATTERNS,
        MIN_PASSWORD_CHARS, RegistrationPolicy, Registry,
    },
    types::{
        MAX_DESCRIPTION, MAX_KEYWORD, MAX_KEYWORDS, MAX_PATH, MAX_PATH_DEPTH, MAX_PATH_SEGMENT, Manifest, ReadOnlyMode,
        ScopeWebhook,
    },
};

/// What this registry takes.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Limits")]
pub(crate) struct LimitsAnswer {
    /// The most bytes of an archive.
    max_archive_size: u64,
    /// The most bytes of its files together.
    max_unpacked_size: u64,
    /// The most entries of an archive.
    max_archive_entries: u64,
    /// The most bytes of a path in an archive.
    max_path: usize,
    /// The most bytes of a segment of a path.
    max_path_segment: usize,
    /// The most segments of a path.
    max_path_depth: usize,
    /// The most bytes of all paths in an archive together.
    max_paths_size: u64,
    /// The most bytes of `aam.yaml`.
    max_manifest_size: usize,
    /// The most bytes of a key in `aam.yaml`.
    max_manifest_key: usize,
    /// The most levels of mappings and lists in `aam.yaml`, the document itself being the first.
    max_manifest_depth: usize,
    /// The most dependencies of a version.
    max_dependencies: usize,
    /// The most artifacts of a version, all types together.
    max_artifacts: usize,
    /// The most characters of a description.
    max_description: usize,
    /// The most keywords of a version.
    max_keywords: usize,
    /// The most characters of a keyword.
    max_keyword: usize,
    /// The most characters of a version.
    max_version: usize,
    /// The most characters of a version constraint.
    max_constraint: usize,
    /// The most packages that one `POST /resolve` takes, and that its answer names.
    max_resolve_packages: usize,
    /// The most bytes of a JSON body.
    max_json_body: u64,
    /// The most entries of a page of packages.
    max_page_size: u64,
    /// The most entries of a page of the audit log.
    max_audit_page_size: u64,
    /// The most characters of the message that a deprecation shows, and of the reason of a yank.
    max_message: usize,
    /// The fewest characters of a password.
    min_password: usize,
    /// The most bytes of a password.
    max_password: usize,
    /// The most characters of the name of an API token.
    max_token_name: usize,
    /// The most packages and patterns that an API token is restricted to.
    max_token_packages: usize,
    /// The most days that an API token can be asked to live for.
    max_token_days: u32,
    /// For how many seconds a login lasts.
    session_seconds: u64,
    /// How many uploads of one account may be under way at a time; twice as many from one address.
    max_uploads_per_user: usize,
    /// The most dist-tags of a package beside `latest`.
    max_tags_per_package: u64,
    /// The most owners of a package beside the owners of its scope.
    max_owners_per_package: u64,
    /// The most members of a scope.
    max_members_per_scope: u64,
    /// The most packages of a scope; `null` for any number. What was there before a limit was lowered stays.
    max_packages_per_scope: Option<u64>,
    /// The most bytes of all archives in a scope; `null` for any.
    max_storage_per_scope: Option<u64>,
    /// The most versions of a package, without those that were removed; `null` for any number.
    max_versions_per_package: Option<u64>,
    /// The most scopes that an account makes, beside the one of its name; `null` for any number. Administrators may
    /// make more.
    max_scopes_per_user: Option<u64>,
    /// The most API tokens of an account that are in force; `null` for any number.
    max_tokens_per_user: Option<u64>,
    /// The most webhooks of a scope.
    max_webhooks_per_scope: u64,
    /// How many seconds an upload may take.
    upload_timeout_seconds: u64,
    /// The dist-tags that may be set beside `latest`, in which `*` stands for any characters; `null` for any.
    allowed_tags: Option<Vec<String>>,
    /// The dist-tags that name only versions which an approver has approved, written likewise.
    tags_that_need_approval: Vec<String>,
    features: FeaturesAnswer,
    /// Whether the registry takes no changes for now.
    read_only: ReadOnlyAnswer,
    /// Whose ID tokens are taken; `null` where none are.
    trusted_publishing: Option<TrustedPublishingAnswer>,
}

/// Which ID tokens are taken.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TrustedPublishing")]
struct TrustedPublishingAnswer {
    /// Who may issue them.
    issuers: Vec<String>,
    /// The only audience that they may be for.
    audience: String,
}

/// Which features are on. One that is off is refused wherever it is asked for.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Features")]
#[expect(clippy::struct_excessive_bools, reason = "a client asks for one feature by its name")]
struct FeaturesAnswer {
    /// Whether everybody may make an account.
    registration: bool,
    /// Whether scopes may have webhooks.
    webhooks: bool,
    signatures: bool,
    attestation: bool,
    /// Whether new versions wait for approval, in all packages or in some scopes.
    approval: bool,
    evaluation_results: bool,
    private_packages: bool,
    trusted_publishing: bool,
    /// Whether mails are sent, as a link to reset a password is.
    mail: bool,
    two_factor: bool,
    single_sign_on: bool,
}

impl LimitsAnswer {
    pub(crate) fn new(registry: &Registry, read_only: Option<ReadOnlyMode>) -> Self {
        let policy = registry.policy();
        let archive = &policy.archive_limits;
        let manifest = archive.manifest();
        let trusted_publishing = registry.trusted_issuers().map(|(issuers, audience)| TrustedPublishingAnswer {
            issuers: issuers.iter().map(ToString::to_string).collect(),
            audience,
        });
        Self {
            max_archive_size: archive.max_archive_size(),
            max_unpacked_size: archive.max_unpacked_size(),
            max_archive_entries: archive.max_entries(),
            max_path: MAX_PATH,
            max_path_segment: MAX_PATH_SEGMENT,
            max_path_depth: MAX_PATH_DEPTH,
            max_paths_size: archive.max_paths_size(),
            max_manifest_size: Manifest::MAX_SIZE,
            max_manifest_key: manifest.max_key(),
            max_manifest_depth: manifest.max_depth(),
            max_dependencies: manifest.max_dependencies(),
            max_artifacts: manifest.max_artifacts(),
            max_description: MAX_DESCRIPTION,
            max_keywords: MAX_KEYWORDS,
            max_keyword: MAX_KEYWORD,
            max_version: rules::VERSION_LENGTH,
            max_constraint: rules::SELECTOR_LENGTH,
            max_resolve_packages: MAX_PACKAGES,
            max_json_body: MAX_JSON,
            max_page_size: MAX_PAGE,
            max_audit_page_size: MAX_AUDIT_PAGE,
            max_message: MAX_MESSAGE,
            min_password: MIN_PASSWORD_CHARS,
            max_password: MAX_PASSWORD_BYTES,
            max_token_name: MAX_TOKEN_NAME,
            max_token_packages: MAX_TOKEN_PATTERNS,
            max_token_days: policy.max_token_days.map_or(MAX_TOKEN_DAYS, |days| days.min(MAX_TOKEN_DAYS)),
            session_seconds: policy.session_lifetime.as_secs(),
            max_uploads_per_user: policy.uploads_per_user,
            max_tags_per_package: policy.tags.max,
            max_owners_per_package: policy.owners_per_package,
            max_members_per_scope: policy.members_per_scope,
            max_packages_per_scope: policy.quotas.packages_per_scope,
            max_storage_per_scope: policy.quotas.storage_per_scope,
            max_versions_per_package: policy.quotas.versions_per_package,
            max_scopes_per_user: policy.scopes_per_user,
            max_tokens_per_user: policy.tokens_per_user,
            max_webhooks_per_scope: ScopeWebhook::MAX_PER_SCOPE,
            upload_timeout_seconds: policy.upload_timeout.as_secs(),
            allowed_tags: policy.tags.allowed.as_ref().map(|tags| tags.iter().map(ToString::to_string).collect()),
            tags_that_need_approval: policy.tags.need_approval.iter().map(ToString::to_string).collect(),
            features: FeaturesAnswer {
                registration: policy.registration == RegistrationPolicy::Open,
                webhooks: registry.has_scope_webhooks(),
                trusted_publishing: trusted_publishing.is_some(),
                mail: registry.mailing().is_some(),
                approval: policy.approval != ApprovalPolicy::NotRequired,
                two_factor: registry.has_second_factors(),
                // None of these features is built. Building one changes its line here.
                signatures: false,
                attestation: false,
                evaluation_results: true,
                private_packages: true,
                single_sign_on: false,
            },
            read_only: read_only.into(),
            trusted_publishing,
        }
    }
}
