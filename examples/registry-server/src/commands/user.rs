//! `user`.

use std::fmt::Write;

use aam_registry_core::{
    registry::{AccountDescription, InvitationRequest, NewAccount, OPERATOR, Registry},
    types::{AccountFilter, AccountRoles, Token, TokenPattern, TokenScope, User, Username},
};
use serde_json::{Value, json};

use super::{Answer, Failed, configuration, password, runtime};
use crate::{
    assemble::{self, Purpose},
    cli::{CreateUser, InviteUser, ListUsers, NamedUser, ResetPassword, RoleOfUser},
    config::Surroundings,
};

/// How many accounts are read at a time.
const PAGE: usize = 500;

/// Runs `work` on the registry of these settings; a server may be running on it at the same time.
pub(super) fn on_registry<T>(
    surroundings: Surroundings,
    work: impl AsyncFnOnce(Registry) -> Result<T, Failed>,
) -> Result<T, Failed> {
    let settings = configuration(surroundings)?.settings;
    runtime()?.block_on(async { work(assemble::registry(&settings, Purpose::Command).await?).await })
}

/// Creates an account.
pub(super) fn create(command: CreateUser, surroundings: Surroundings) -> Result<Answer, Failed> {
    let CreateUser { username, email, password, admin, json, .. } = command;
    let password = password::given_or_read(password)?;
    let roles = if admin { AccountRoles::ADMIN } else { AccountRoles::NONE };
    let account = NewAccount { username, email, password: Some(password), roles };
    let user = on_registry(surroundings, async |registry| Ok(registry.create_user(account, OPERATOR).await?))?;
    let what = if user.is_admin() { "administrator" } else { "user" };
    Ok(Answer::new(json, format_args!("{what} {} created", user.username), &account_json(&user)))
}

/// Lists accounts.
pub(super) fn list(command: &ListUsers, surroundings: Surroundings) -> Result<Answer, Failed> {
    let users = on_registry(surroundings, async |registry| {
        let mut filter =
            AccountFilter { role: command.role, disabled: command.disabled.then_some(true), after: None, limit: PAGE };
        let mut users = Vec::new();
        loop {
            let page = registry.accounts(&filter).await?;
            let is_last = page.len() < PAGE;
            filter.after = page.last().map(|user| user.username.clone());
            users.extend(page);
            if is_last {
                return Ok(users);
            }
        }
    })?;
    let mut text = String::new();
    for user in &users {
        let line = format!("{:<24} {:<32} {}", user.username.as_str(), user.email, state(user));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    if users.is_empty() {
        text.push_str("no such users");
    }
    let json: Vec<_> = users.iter().map(account_json).collect();
    Ok(Answer::new(command.json, text, &json))
}

/// Shows an account.
pub(super) fn show(command: &NamedUser, surroundings: Surroundings) -> Result<Answer, Failed> {
    let username = username(&command.username)?;
    let account = on_registry(surroundings, async |registry| Ok(registry.describe_account(&username).await?))?;
    let mut json = account_json(&account.user);
    json["scopes"] =
        account.scopes.iter().map(|(name, role)| json!({"name": name.as_str(), "role": role.as_str()})).collect();
    json["packages"] = account.packages.iter().map(ToString::to_string).collect();
    json["tokens"] = account.tokens.iter().map(token_json).collect();
    Ok(Answer::new(command.json, described(&account), &json))
}

/// Disables or enables an account.
pub(super) fn set_disabled(command: &NamedUser, disabled: bool, surroundings: Surroundings) -> Result<Answer, Failed> {
    let username = username(&command.username)?;
    let done = on_registry(surroundings, async |registry| Ok(registry.set_disabled(&username, disabled).await?))?;
    let text = match (disabled, done.changed) {
        (true, true) => {
            format!("{username} is disabled: sessions are over, API tokens are refused while this lasts; packages stay")
        }
        (true, false) => format!("{username} was disabled already"),
        (false, true) => format!("{username} may log in again; API tokens that were not revoked work again"),
        (false, false) => format!("{username} was not disabled"),
    };
    Ok(Answer::new(command.json, text, &changed_json(&done.user, done.changed)))
}

/// Grants or revokes a role.
pub(super) fn set_role(command: &RoleOfUser, granted: bool, surroundings: Surroundings) -> Result<Answer, Failed> {
    let username = username(&command.username)?;
    let role = command.role;
    let done = on_registry(surroundings, async |registry| Ok(registry.set_role(&username, role, granted).await?))?;
    let has = match (granted, done.changed) {
        (true, true) => "has the role now",
        (true, false) => "had the role already",
        (false, true) => "has the role no more",
        (false, false) => "did not have the role",
    };
    let text = format!("{username}: {}: {has}", role.as_str());
    Ok(Answer::new(command.json, text, &changed_json(&done.user, done.changed)))
}

/// Sets a password.
pub(super) fn reset_password(command: ResetPassword, surroundings: Surroundings) -> Result<Answer, Failed> {
    let username = username(&command.username)?;
    if command.link {
        return reset_link(&username, command.json, surroundings);
    }
    let password = password::given_or_read(command.password)?;
    let done = on_registry(surroundings, async |registry| Ok(registry.reset_password(&username, password).await?))?;
    let text = format!(
        "{username} has a new password, and every session is over. API tokens go on: \
         `aam-registry token revoke --user {username}` ends them, too"
    );
    Ok(Answer::new(command.json, text, &changed_json(&done.user, done.changed)))
}

/// Deletes an account.
pub(super) fn delete(command: &NamedUser, surroundings: Surroundings) -> Result<Answer, Failed> {
    let username = username(&command.username)?;
    on_registry(surroundings, async |registry| match registry.delete_account_as_operator(&username).await {
        Err(error) if !error.details().is_empty() => {
            let names: Vec<_> = error.details().iter().map(|detail| detail.field.clone()).collect();
            Err(Failed(format!("{error}: {}", names.join(", "))))
        }
        done => Ok(done?),
    })?;
    let text = format!("{username} is deleted; the name stays reserved, and packages stay with their other owners");
    Ok(Answer::new(command.json, text, &json!({"username": username.as_str(), "deleted": true})))
}

/// Makes a link with which somebody makes an account.
pub(super) fn invite(command: InviteUser, surroundings: Surroundings) -> Result<Answer, Failed> {
    let InviteUser { email, roles, scopes, json, .. } = command;
    let scopes = scopes.iter().map(|text| {
        let (scope, role) = text.split_once('=').ok_or_else(|| Failed("write --scope as my_org=member".to_owned()))?;
        Ok((scope.to_owned(), role.to_owned()))
    });
    let request = InvitationRequest { email, roles, scopes: scopes.collect::<Result<_, Failed>>()? };
    let settings = configuration(surroundings)?.settings;
    let base_url = settings.base_url.as_str().to_owned();
    let made = runtime()?.block_on(async {
        let registry = assemble::registry(&settings, Purpose::Command).await?;
        Ok::<_, Failed>(registry.invite_as_operator(&request).await?)
    })?;
    let (url, expires_at) = (made.url(&base_url), made.invitation.expires_at);
    let value = json!({
        "id": made.invitation.id.to_string(),
        "token": made.secret.expose(),
        "url": url,
        "mailed": made.is_mailed,
        "expires_at": expires_at.to_string(),
    });
    let text = format!("give this link to who is invited; it works once, until {expires_at}:\n{url}");
    Ok(Answer::new(json, text, &value))
}

/// Removes the second factor of an account.
pub(super) fn reset_otp(command: &NamedUser, surroundings: Surroundings) -> Result<Answer, Failed> {
    let username = username(&command.username)?;
    on_registry(surroundings, async |registry| Ok(registry.reset_second_factor(&username).await?))?;
    let text = format!("{username} now logs in with only the password; tell the user to enroll again: `aam otp enrol`");
    Ok(Answer::new(command.json, text, &json!({"username": username.as_str(), "otp_enabled": false})))
}

/// Makes a link with which a user sets a password.
fn reset_link(username: &Username, json: bool, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    let base_url = settings.base_url.as_str().to_owned();
    let link = runtime()?.block_on(async {
        let registry = assemble::registry(&settings, Purpose::Command).await?;
        Ok::<_, Failed>(registry.make_reset_link_as_operator(username).await?)
    })?;
    let value = json!({
        "username": username.as_str(),
        "token": link.secret.expose(),
        "url": link.url(&base_url),
        "text": link.text(&base_url),
        "expires_at": link.expires_at.to_string(),
    });
    let text = format!("give this to {username} and to nobody else:\n{}", link.text(&base_url));
    Ok(Answer::new(json, text, &value))
}

/// Parses the username argument.
pub(super) fn username(text: &str) -> Result<Username, Failed> {
    text.parse().map_err(|error| Failed(format!("{text}: {error}")))
}

fn account_json(user: &User) -> Value {
    json!({
        "id": user.id.to_string(),
        "username": user.username.as_str(),
        "email": user.email,
        "is_admin": user.is_admin(),
        "roles": user.roles.names(),
        "disabled": user.disabled,
        "created_at": user.created_at.to_string(),
    })
}

fn changed_json(user: &User, changed: bool) -> Value {
    let mut json = account_json(user);
    json["changed"] = changed.into();
    json
}

fn token_json(token: &Token) -> Value {
    json!({
        "id": token.id.to_string(),
        "name": token.name,
        "scopes": token.scopes.iter().map(TokenScope::as_str).collect::<Vec<_>>(),
        "packages": token.packages.iter().map(TokenPattern::as_str).collect::<Vec<_>>(),
        "created_at": token.created_at.to_string(),
        "expires_at": token.expires_at.map(|at| at.to_string()),
        "last_used_at": token.last_used_at.map(|at| at.to_string()),
        "last_used_from": token.last_used_from.map(|from| from.to_string()),
    })
}

/// The roles of an account and whether it is disabled, in a few words.
fn state(user: &User) -> String {
    let mut words = user.roles.names();
    words.extend(user.disabled.then_some("disabled"));
    words.join(", ")
}

fn described(account: &AccountDescription) -> String {
    let AccountDescription { user, scopes, packages, tokens } = account;
    let mut text = format!("{} <{}>, since {}", user.username, user.email, user.created_at);
    if !state(user).is_empty() {
        let _ = write!(text, "\n{}", state(user));
    }
    let scopes = scopes.iter().map(|(name, role)| format!("@{name} ({})", role.as_str()));
    let packages = packages.iter().map(ToString::to_string);
    let tokens = tokens.iter().map(|token| {
        let until = token.expires_at.map_or("never expires".to_owned(), |at| format!("expires {at}"));
        let used = match (token.last_used_at, token.last_used_from) {
            (Some(at), Some(from)) => format!("last used {at} from {from}"),
            (Some(at), None) => format!("last used {at}"),
            (None, _) => "never used".to_owned(),
        };
        format!("{} {} ({until}, {used})", token.id, token.name)
    });
    let parts: [(&str, Vec<String>); 3] =
        [("scopes", scopes.collect()), ("packages", packages.collect()), ("API tokens", tokens.collect())];
    for (what, lines) in parts {
        let lines = if lines.is_empty() { "none".to_owned() } else { lines.join("\n  ") };
        let _ = write!(text, "\n{what}:\n  {lines}");
    }
    text
}
