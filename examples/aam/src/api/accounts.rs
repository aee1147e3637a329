//! Users, sessions, tokens, scopes.

use aam_registry_core::types::{PackageName, ScopeName, ScopeRole, Username, Visibility};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    answer,
    answered::Answered,
    client::Client,
    retry::Repeat,
    wire::{
        Account, EnrolledOtp, Invitation, InvitationList, RecoveryCodes, Registered, ScopeInfo, SessionList,
        SessionToken, TokenInfo, TokenList, UserPage,
    },
};
use crate::{config::Secret, failure::Result, output::plain};

/// What an API token shall be.
#[derive(Debug)]
pub(crate) struct NewToken<'a> {
    pub(crate) name: &'a str,
    pub(crate) scopes: &'a [String],
    /// Names or globs; empty for all packages.
    pub(crate) packages: &'a [String],
    pub(crate) expires_at: Option<Timestamp>,
}

impl Client {
    /// Makes an account.
    pub(crate) async fn register(
        &self,
        username: &Username,
        email: &str,
        password: &Secret,
        invitation: Option<&str>,
    ) -> Result<Answered<Registered>> {
        let mut body = json!({"username": username.as_str(), "email": email, "password": password.expose()});
        if let Some(invitation) = invitation {
            body["invitation"] = json!(invitation);
        }
        let answer: Answered<Registered> =
            self.send_json(Method::POST, self.url("users/register"), &body, Repeat::IfUnsent).await?;
        if answer.read.username != username.as_str() {
            return Err(answer::unexpected(self.registry(), "it made an account of another name"));
        }
        Ok(answer)
    }

    /// Opens a session; `login` is a username or an e-mail address.
    pub(crate) async fn login(&self, login: &str, password: &Secret, otp: Option<&str>) -> Result<Secret> {
        let key = if login.contains('@') { "email" } else { "username" };
        let mut body = json!({key: login, "password": password.expose()});
        if let Some(otp) = otp {
            body["otp"] = json!(otp);
        }
        let session: SessionToken =
            self.send_json(Method::POST, self.url("users/login"), &body, Repeat::IfUnsent).await?;
        if session.access_token.is_empty() {
            return Err(answer::unexpected(self.registry(), "it gave no session"));
        }
        Ok(Secret::new(session.access_token))
    }

    /// Ends the session whose token this client has.
    pub(crate) async fn end_session(&self) -> Result<()> {
        self.act(Method::POST, self.url("users/logout"), None).await
    }

    /// Who the caller is.
    pub(crate) async fn account(&self) -> Result<Account> {
        self.get(self.url("users/me")).await
    }

    /// Changes the caller's password.
    pub(crate) async fn change_password(&self, current: &Secret, wanted: &Secret) -> Result<Account> {
        let body = json!({"current_password": current.expose(), "password": wanted.expose()});
        self.send_json(Method::PATCH, self.url("users/me"), &body, Repeat::IfUnsent).await
    }

    /// Asks the registry for a mail with a link to set another password; `login` is a username or an
    /// e-mail address.
    pub(crate) async fn request_password_reset(&self, login: &str) -> Result<Value> {
        let key = if login.contains('@') { "email" } else { "username" };
        self.send_json(Method::POST, self.url("users/password-reset"), &json!({key: login}), Repeat::IfUnsent).await
    }

    /// Sets another password with the link of a mail or of an administrator.
    pub(crate) async fn reset_password(&self, link: &Secret, wanted: &Secret) -> Result<()> {
        let body = json!({"token": link.expose(), "password": wanted.expose()});
        self.act(Method::POST, self.url("users/password-reset/confirm"), Some(&body)).await
    }

    /// Asks for a mail with a link to verify the caller's e-mail address.
    pub(crate) async fn request_email_verification(&self) -> Result<Value> {
        self.send_json(Method::POST, self.url("users/me/verify-email"), &json!({}), Repeat::IfUnsent).await
    }

    /// Verifies an e-mail address with the link of a mail.
    pub(crate) async fn verify_email(&self, link: &str) -> Result<()> {
        self.act(Method::POST, self.url("users/verify-email"), Some(&json!({"token": link}))).await
    }

    /// A page of accounts, for administrators.
    pub(crate) async fn users(
        &self,
        text: Option<&str>,
        role: Option<&str>,
        disabled: bool,
        page: u64,
    ) -> Result<UserPage> {
        let mut url = self.url("users");
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("limit", "200").append_pair("page", &page.to_string());
            for (key, value) in [("q", text), ("role", role), ("disabled", disabled.then_some("true"))] {
                if let Some(value) = value {
                    query.append_pair(key, value);
                }
            }
        }
        self.get(url).await
    }

    /// Changes an account of somebody else.
    pub(crate) async fn change_user(&self, user: &Username, change: &Value) -> Result<Value> {
        self.send_json(Method::PATCH, self.url(&format!("users/{user}")), change, Repeat::IfUnsent).await
    }

    /// Makes a link with which somebody sets a password.
    pub(crate) async fn make_reset_link(&self, user: &Username) -> Result<Value> {
        let url = self.url(&format!("users/{user}/password-reset"));
        self.send_json(Method::POST, url, &json!({}), Repeat::IfUnsent).await
    }

    /// Deletes an account of somebody else.
    pub(crate) async fn delete_user(&self, user: &Username) -> Result<()> {
        self.act(Method::DELETE, self.url(&format!("users/{user}")), None).await
    }

    /// Deletes the caller's account.
    pub(crate) async fn delete_account(&self, password: &Secret, otp: Option<&str>) -> Result<()> {
        let body = json!({"current_password": password.expose(), "otp": otp});
        self.act(Method::DELETE, self.url("users/me"), Some(&body)).await
    }

    /// Makes an invitation.
    pub(crate) async fn invite(&self, wanted: &Value) -> Result<Invitation> {
        self.send_json(Method::POST, self.url("invitations"), wanted, Repeat::IfUnsent).await
    }

    /// The invitations that are open.
    pub(crate) async fn invitations(&self) -> Result<Vec<Invitation>> {
        let list: InvitationList = self.get(self.url("invitations")).await?;
        Ok(list.invitations)
    }

    /// Revokes an invitation.
    pub(crate) async fn revoke_invitation(&self, id: &str) -> Result<()> {
        self.act(Method::DELETE, self.url(&format!("invitations/{id}")), None).await
    }

    /// Begins to enroll a second factor.
    pub(crate) async fn enroll_otp(&self) -> Result<EnrolledOtp> {
        self.send_json(Method::POST, self.url("users/me/totp"), &json!({}), Repeat::IfUnsent).await
    }

    /// Confirms the second factor with a code; gives the recovery codes.
    pub(crate) async fn confirm_otp(&self, otp: &str) -> Result<Vec<String>> {
        let body = json!({"otp": otp});
        let codes: RecoveryCodes =
            self.send_json(Method::POST, self.url("users/me/totp/confirm"), &body, Repeat::IfUnsent).await?;
        Ok(codes.recovery_codes)
    }

    /// Removes the second factor.
    pub(crate) async fn disable_otp(&self, otp: &str) -> Result<()> {
        self.act(Method::POST, self.url("users/me/totp/disable"), Some(&json!({"otp": otp}))).await
    }

    /// The caller's login sessions.
    pub(crate) async fn sessions(&self) -> Result<SessionList> {
        self.get(self.url("users/me/sessions")).await
    }

    /// Ends one of the caller's login sessions.
    pub(crate) async fn end_session_of(&self, id: &str) -> Result<()> {
        self.act(Method::DELETE, self.url(&format!("users/me/sessions/{id}")), None).await
    }

    /// Ends all of the caller's login sessions but the one of this client.
    pub(crate) async fn end_other_sessions(&self) -> Result<()> {
        self.act(Method::DELETE, self.url("users/me/sessions"), None).await
    }

    /// Makes an API token, whose secret is in the answer.
    pub(crate) async fn create_token(&self, token: &NewToken<'_>) -> Result<TokenInfo> {
        let mut body = json!({"name": token.name, "scopes": token.scopes});
        if !token.packages.is_empty() {
            body["packages"] = json!(token.packages);
        }
        if let Some(expires_at) = token.expires_at {
            body["expires_at"] = json!(expires_at.to_string());
        }
        let made: TokenInfo = self.send_json(Method::POST, self.url("users/tokens"), &body, Repeat::IfUnsent).await?;
        if made.token.as_deref().unwrap_or_default().is_empty() {
            return Err(answer::unexpected(self.registry(), "it made a token and does not say which"));
        }
        Ok(made)
    }

    /// The caller's API tokens, as the registry lists them.
    pub(crate) async fn tokens(&self) -> Result<Vec<TokenInfo>> {
        let answer: TokenList = self.get(self.url("users/tokens")).await?;
        Ok(answer.tokens)
    }

    /// The API tokens of somebody else, for administrators.
    pub(crate) async fn tokens_of(&self, username: &Username) -> Result<Vec<TokenInfo>> {
        let answer: TokenList = self.get(self.url(&format!("users/{username}/tokens"))).await?;
        Ok(answer.tokens)
    }

    /// Revokes a token.
    pub(crate) async fn revoke_token(&self, id: &str) -> Result<()> {
        self.act(Method::DELETE, self.url(&format!("users/tokens/{id}")), None).await
    }

    /// Makes a scope.
    pub(crate) async fn create_scope(&self, name: &ScopeName) -> Result<Answered<ScopeInfo>> {
        let body = json!({"name": name.as_str()});
        let made = self.send_json(Method::POST, self.url("scopes"), &body, Repeat::IfUnsent).await?;
        self.is_scope(name, made)
    }

    /// A scope and its members.
    pub(crate) async fn scope(&self, name: &ScopeName) -> Result<Answered<ScopeInfo>> {
        let shown = self.get(self.url(&format!("scopes/{name}"))).await?;
        self.is_scope(name, shown)
    }

    /// Sets whether those who change something in a scope need a second factor.
    pub(crate) async fn require_2fa(&self, name: &ScopeName, require: bool) -> Result<Answered<ScopeInfo>> {
        let body = json!({"require_2fa": require});
        let changed =
            self.send_json(Method::PATCH, self.url(&format!("scopes/{name}")), &body, Repeat::Harmless).await?;
        self.is_scope(name, changed)
    }

    /// Fails unless an answer about the scope `name` says that it is.
    fn is_scope(&self, name: &ScopeName, answer: Answered<ScopeInfo>) -> Result<Answered<ScopeInfo>> {
        let told = &answer.read.name;
        if told == name.as_str() {
            return Ok(answer);
        }
        let what = format!("it was asked for @{name} and told of `{}`", plain(told));
        Err(answer::unexpected(self.registry(), &what))
    }

    /// Gives somebody a role in a scope.
    pub(crate) async fn set_member(&self, scope: &ScopeName, user: &Username, role: ScopeRole) -> Result<()> {
        let url = self.url(&format!("scopes/{scope}/members/{user}"));
        self.act(Method::PUT, url, Some(&json!({"role": role.as_str()}))).await
    }

    /// Takes somebody out of a scope.
    pub(crate) async fn remove_member(&self, scope: &ScopeName, user: &Username) -> Result<()> {
        self.act(Method::DELETE, self.url(&format!("scopes/{scope}/members/{user}")), None).await
    }

    /// The name of a package and who may see it.
    pub(crate) async fn visibility(&self, name: &PackageName) -> Result<Value> {
        let package: Value = self.get(self.package_url(name, "")).await?;
        Ok(json!({"package": name.as_str(), "visibility": package.get("visibility")}))
    }

    /// Makes a package private or public.
    pub(crate) async fn set_visibility(&self, name: &PackageName, visibility: Visibility) -> Result<()> {
        let body = json!({"visibility": visibility.as_str()});
        self.act(Method::PUT, self.package_url(name, "visibility"), Some(&body)).await
    }

    /// Makes somebody an owner of a package.
    pub(crate) async fn add_owner(&self, name: &PackageName, user: &Username) -> Result<()> {
        self.act(Method::PUT, self.package_url(name, &format!("owners/{user}")), None).await
    }

    /// Takes a package from one of its owners.
    pub(crate) async fn remove_owner(&self, name: &PackageName, user: &Username) -> Result<()> {
        self.act(Method::DELETE, self.package_url(name, &format!("owners/{user}")), None).await
    }
}
