use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Time, rules};
use crate::types::{Scope, ScopeRole};

/// A scope to create.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ScopeRequest {
    /// The scope, without `@`. Scopes and usernames share one namespace.
    #[schemars(regex(pattern = rules::SCOPE))]
    pub(crate) name: String,
}

/// What to change of a scope.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ScopePatch {
    /// Whether everybody who changes something in the scope or its packages needs a second factor, also with an API
    /// token. Trusted publishers need none.
    pub(crate) require_2fa: Option<bool>,
}

/// A scope.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Scope")]
pub(crate) struct ScopeAnswer {
    /// The scope, without `@`.
    name: String,
    created_at: Time,
    /// Whether everybody who changes something in it needs a second factor. Shown to its members and collaborators,
    /// administrators and auditors.
    #[serde(skip_serializing_if = "Option::is_none")]
    require_2fa: Option<bool>,
    /// By username.
    members: Vec<MemberRow>,
    /// Users who own single packages in the scope, whether or not they are members: at most 100, by
    /// package and username. They may publish these packages even if they are not members.
    collaborators: Vec<CollaboratorRow>,
    /// Whether there are more collaborators than are listed.
    collaborators_truncated: bool,
}

/// An owner of one package of a scope.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScopeCollaborator")]
struct CollaboratorRow {
    username: String,
    /// The package's full name.
    package: String,
}

/// A member of a scope.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScopeMember")]
struct MemberRow {
    username: String,
    /// `owner`, `member` or `contributor`.
    role: &'static str,
}

impl ScopeAnswer {
    /// The scope, and what it demands where `shows_policy`.
    pub(crate) fn new(scope: Scope, shows_policy: bool) -> Self {
        let members = scope.members.into_iter();
        let members =
            members.map(|member| MemberRow { username: member.username.to_string(), role: member.role.as_str() });
        let collaborators = scope.collaborators.into_iter().map(|collaborator| CollaboratorRow {
            username: collaborator.username.to_string(),
            package: collaborator.package.to_string(),
        });
        Self {
            name: scope.name.to_string(),
            created_at: scope.created_at.into(),
            require_2fa: shows_policy.then_some(scope.require_2fa),
            members: members.collect(),
            collaborators: collaborators.collect(),
            collaborators_truncated: scope.has_more_collaborators,
        }
    }
}

/// The role to give a member.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct MemberRequest {
    /// `owner`: everything; `member`: publish, yank, tags; `contributor`: publish.
    #[schemars(extend("enum" = ScopeRole::ALL.map(ScopeRole::as_str)))]
    pub(crate) role: String,
}

/// A member and its role.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Member")]
pub(crate) struct MemberAnswer {
    /// The scope, without `@`.
    pub(crate) scope: String,
    pub(crate) username: String,
    /// `owner`, `member` or `contributor`.
    pub(crate) role: &'static str,
}
