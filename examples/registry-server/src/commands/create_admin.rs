//! `create-admin`.

use aam_registry_core::registry::Registration;
use serde_json::json;

use super::{Answer, Failed, configuration, password, runtime};
use crate::{
    assemble::{self, Purpose},
    cli::CreateAdmin,
    config::Surroundings,
};

/// Creates an administrator in the database, whether or not a server runs on it.
pub(super) fn run(command: CreateAdmin, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    let CreateAdmin { username, email, password, json: as_json, .. } = command;
    let password = password::given_or_read(password)?;
    let user = runtime()?.block_on(async {
        let registry = assemble::registry(&settings, Purpose::Create).await?;
        Ok::<_, Failed>(registry.create_admin(Registration { username, email, password }).await?)
    })?;
    let json = json!({ "id": user.id.to_string(), "username": user.username.as_str(), "is_admin": user.is_admin() });
    Ok(Answer::new(as_json, format_args!("administrator {} created", user.username), &json))
}
