//! `token`.

use aam_registry_core::decide::RevokedTokens;
use serde_json::json;

use super::{
    Answer, Failed,
    user::{on_registry, username},
};
use crate::{cli::RevokeTokens, config::Surroundings};

/// Revokes API tokens in the database: every replica refuses them within a second.
pub(super) fn revoke(command: &RevokeTokens, surroundings: Surroundings) -> Result<Answer, Failed> {
    let tokens = match (&command.id, &command.user) {
        (Some(id), _) => RevokedTokens::Id(id.parse().map_err(|_| Failed(format!("{id} is not the id of a token")))?),
        (None, Some(user)) => RevokedTokens::Of(username(user)?),
        (None, None) => RevokedTokens::All,
    };
    let count = on_registry(surroundings, async |registry| Ok(registry.revoke_tokens(tokens).await?))?;
    let text = match count {
        0 => "no live API token was left to revoke".to_owned(),
        1 => "1 API token revoked".to_owned(),
        many => format!("{many} API tokens revoked"),
    };
    Ok(Answer::new(command.json, text, &json!({ "revoked": count })))
}
