//! `create-admin`.

use std::io::{self, BufRead, IsTerminal};

use aam_registry_core::registry::Registration;
use serde_json::json;

use super::{Answer, Failed, configuration, runtime};
use crate::{
    assemble::{self, Purpose},
    cli::CreateAdmin,
    config::Surroundings,
};

/// Creates an administrator in the database, whether or not a server runs on it.
pub(super) fn run(command: CreateAdmin, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    let CreateAdmin { username, email, password, json: as_json, .. } = command;
    let password = match password {
        Some(password) => password,
        None => read_password().map_err(|error| Failed(format!("the password cannot be read: {error}")))?,
    };
    let user = runtime()?.block_on(async {
        let registry = assemble::registry(&settings, Purpose::Command).await?;
        Ok::<_, Failed>(registry.create_admin(Registration { username, email, password }).await?)
    })?;
    let json = json!({ "id": user.id.to_string(), "username": user.username.as_str(), "is_admin": user.is_admin });
    Ok(Answer::new(as_json, format_args!("administrator {} created", user.username), &json))
}

fn read_password() -> io::Result<String> {
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    loop {
        let password = rpassword::prompt_password("Password (at least 12 characters): ")?;
        if password == rpassword::prompt_password("The same again: ")? {
            return Ok(password);
        }
        super::answer::warn("the two differ; once more");
    }
}
