use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Time, rules};
use crate::types::Scope;

/// A scope to make.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ScopeRequest {
    /// The scope, without `@`. Scopes and usernames are one namespace.
    #[schemars(regex(pattern = rules::SCOPE))]
    pub(crate) name: String,
}

/// A scope.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Scope")]
pub(crate) struct ScopeAnswer {
    /// The scope, without `@`.
    name: String,
    created_at: Time,
    /// By username.
    members: Vec<MemberRow>,
}

/// A member of a scope.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScopeMember")]
struct MemberRow {
    username: String,
    /// `owner`, `member` or `contributor`.
    role: &'static str,
}

impl From<Scope> for ScopeAnswer {
    fn from(scope: Scope) -> Self {
        let members = scope.members.into_iter();
        let members =
            members.map(|member| MemberRow { username: member.username.to_string(), role: member.role.as_str() });
        Self { name: scope.name.to_string(), created_at: scope.created_at.into(), members: members.collect() }
    }
}

/// The role to give a member.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct MemberRequest {
    /// `owner`: everything; `member`: publish, yank, tags; `contributor`: publish.
    #[schemars(extend("enum" = ["owner", "member", "contributor"]))]
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
