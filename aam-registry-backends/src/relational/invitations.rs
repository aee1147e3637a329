//! The columns of invitations.

use std::collections::BTreeMap;

use aam_registry_core::types::{AccountRole, ScopeName, ScopeRole};
use serde_json::{Map, Value};

use super::columns::{self, Corrupt};

/// The roles of an invitation as a JSON array.
pub(crate) fn roles_text(roles: &[AccountRole]) -> String {
    Value::from(roles.iter().map(|role| role.as_str()).collect::<Vec<_>>()).to_string()
}

/// Reads what [`roles_text`] wrote.
pub(crate) fn roles(text: &str) -> Result<Vec<AccountRole>, Corrupt> {
    let names: Vec<String> = serde_json::from_str(text)?;
    names.iter().map(|name| AccountRole::parse(name).ok_or_else(|| Corrupt(format!("role `{name}`")))).collect()
}

/// The scopes of an invitation as a JSON object of their roles.
pub(crate) fn scopes_text(scopes: &[(ScopeName, ScopeRole)]) -> String {
    let fields = scopes.iter().map(|(scope, role)| (scope.to_string(), Value::from(role.as_str())));
    Value::from(fields.collect::<Map<_, _>>()).to_string()
}

/// Reads what [`scopes_text`] wrote.
pub(crate) fn scopes(text: &str) -> Result<Vec<(ScopeName, ScopeRole)>, Corrupt> {
    let fields: BTreeMap<String, String> = serde_json::from_str(text)?;
    let read = |(scope, role): (String, String)| Ok((scope.parse::<ScopeName>()?, columns::role(&role)?));
    fields.into_iter().map(read).collect()
}
