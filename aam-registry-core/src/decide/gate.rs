//! The gate for changes: who may do what, in one table.
//!
//! It is asked twice. Before the transaction [`Action::require_credential`] asks
//! whether the credential carries the action; inside it [`Rights::require`] asks
//! whether the user has a role that holds it, and that answer binds.

use crate::{
    error::{Error, Result},
    types::{AccountRole, AccountRoles, PackageName, Principal, ScopeName, ScopeRole, TokenScope, Visibility},
};

/// What a token that is restricted to packages may do with an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restricted {
    /// It may, whatever packages it names: the action is about no package.
    Ignored,
    /// It may if it covers the package.
    Covered,
    /// It may not: the action reaches further than single packages.
    Refused,
}

/// Something a user is, by which an action may be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Any user: the action is about what is the user's own.
    Anyone,
    /// An owner who is listed with the package itself.
    PackageOwner,
    /// A member of the scope, in this role.
    Scope(ScopeRole),
    /// In this role in the whole registry.
    Account(AccountRole),
    /// A trusted publisher of the package, which is no user.
    TrustedPublisher,
}

/// One row of the table of actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The token scopes that carry the action: one of them is enough. None
    /// where every credential does.
    pub tokens: &'static [TokenScope],
    /// What a token that is restricted to packages may do with it.
    pub restricted: Restricted,
    /// The roles that hold it: a set. No role includes another.
    pub roles: &'static [Role],
}

/// Makes the actions and their table of the same rows, so that no action is without one.
macro_rules! actions {
    ($(
        $(#[$doc:meta])*
        $action:ident { tokens: $tokens:expr, restricted: $restricted:ident, roles: $roles:expr }
    )+) => {
        /// Something that a credential and a role are needed for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Action {
            $($(#[$doc])* $action),+
        }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$action),+];

            /// Who may.
            pub const fn rule(self) -> Rule {
                match self {
                    $(Self::$action => Rule {
                        tokens: &$tokens,
                        restricted: Restricted::$restricted,
                        roles: &$roles,
                    }),+
                }
            }
        }
    };
}

const OWNER: Role = Role::Scope(ScopeRole::Owner);
const MEMBER: Role = Role::Scope(ScopeRole::Member);
const CONTRIBUTOR: Role = Role::Scope(ScopeRole::Contributor);
const ADMIN: Role = Role::Account(AccountRole::Admin);
const APPROVER: Role = Role::Account(AccountRole::Approver);
const MODERATOR: Role = Role::Account(AccountRole::Moderator);
const AUDITOR: Role = Role::Account(AccountRole::Auditor);

// No role of an account publishes anything in another's name.
actions! {
    /// Publish a version of a package, or a new package in a scope.
    Publish {
        tokens: [TokenScope::Publish], restricted: Covered,
        roles: [Role::PackageOwner, OWNER, MEMBER, CONTRIBUTOR, Role::TrustedPublisher]
    }
    /// Add a trusted publisher, which then publishes in the name of those who own the package.
    AddPublisher { tokens: [TokenScope::Admin], restricted: Covered, roles: [Role::PackageOwner, OWNER] }
    /// Remove trusted publishers, and say whether they alone may publish.
    ManagePublishers { tokens: [TokenScope::Admin], restricted: Covered, roles: [Role::PackageOwner, OWNER, ADMIN] }
    /// List trusted publishers.
    ReadPublishers {
        tokens: [TokenScope::Admin], restricted: Covered,
        roles: [Role::PackageOwner, OWNER, ADMIN, AUDITOR]
    }
    /// Name a trusted publisher of an unscoped package that does not exist yet.
    ReserveForPublisher { tokens: [TokenScope::Admin], restricted: Covered, roles: [Role::Anyone] }
    /// Yank, unyank or deprecate a version.
    Yank {
        tokens: [TokenScope::Yank], restricted: Covered,
        roles: [Role::PackageOwner, OWNER, MEMBER, ADMIN]
    }
    /// Set or remove a dist-tag.
    Tag {
        tokens: [TokenScope::Tag, TokenScope::Publish], restricted: Covered,
        roles: [Role::PackageOwner, OWNER, MEMBER, ADMIN]
    }
    /// Record the results of evals of a version.
    RecordEval {
        tokens: [TokenScope::Publish], restricted: Covered,
        roles: [Role::PackageOwner, OWNER]
    }
    /// Set the gates of dist-tags.
    SetGates {
        tokens: [TokenScope::Admin], restricted: Covered,
        roles: [Role::PackageOwner, OWNER, ADMIN]
    }
    /// Add or remove an owner of a package.
    ChangeOwners {
        tokens: [TokenScope::Admin], restricted: Covered,
        roles: [Role::PackageOwner, OWNER, ADMIN]
    }
    /// Make a package private or public.
    ChangeVisibility {
        tokens: [TokenScope::Admin], restricted: Covered,
        roles: [Role::PackageOwner, OWNER, ADMIN]
    }
    /// See a private package. To whoever may not, it does not exist.
    SeePrivate {
        tokens: [], restricted: Covered,
        roles: [Role::PackageOwner, OWNER, MEMBER, CONTRIBUTOR, ADMIN, AUDITOR]
    }
    /// See a version that waits for approval or was refused. To whoever may not, it does not exist.
    SeeUnapproved {
        tokens: [], restricted: Covered,
        roles: [Role::PackageOwner, OWNER, MEMBER, CONTRIBUTOR, ADMIN, APPROVER, AUDITOR]
    }
    /// See that a version is in quarantine, and why. To whoever may not, it does not exist.
    SeeQuarantined {
        tokens: [], restricted: Covered,
        roles: [Role::PackageOwner, OWNER, ADMIN, MODERATOR, AUDITOR]
    }
    /// Read what is in the archive of a version in quarantine.
    FetchQuarantined { tokens: [], restricted: Covered, roles: [MODERATOR] }
    /// Approve a version or refuse it.
    Approve { tokens: [TokenScope::Approve, TokenScope::Admin], restricted: Covered, roles: [ADMIN, APPROVER] }
    /// List the versions that wait for approval.
    ListWaiting {
        tokens: [TokenScope::Approve, TokenScope::Admin], restricted: Refused,
        roles: [ADMIN, APPROVER, AUDITOR]
    }
    /// Put a version into quarantine, let it out again, or remove it.
    Quarantine {
        tokens: [TokenScope::Moderate, TokenScope::Admin], restricted: Covered,
        roles: [ADMIN, MODERATOR]
    }
    /// Read the audit log of a package.
    ReadPackageLog {
        tokens: [TokenScope::Admin], restricted: Covered,
        roles: [Role::PackageOwner, OWNER, ADMIN, AUDITOR]
    }
    /// Read the whole audit log.
    ReadLog { tokens: [TokenScope::Admin], restricted: Refused, roles: [ADMIN, AUDITOR] }
    /// Make a one-time link with which another user sets a password.
    ResetPassword { tokens: [TokenScope::Admin], restricted: Refused, roles: [ADMIN] }
    /// Give accounts roles in the whole registry, and take them away.
    SetRoles { tokens: [TokenScope::Admin], restricted: Refused, roles: [ADMIN] }
    /// List accounts.
    ListAccounts { tokens: [TokenScope::Admin], restricted: Refused, roles: [ADMIN, AUDITOR] }
    /// Disable the account of somebody else, or enable it again.
    DisableAccount { tokens: [TokenScope::Admin], restricted: Refused, roles: [ADMIN] }
    /// Delete the account of somebody else.
    DeleteAccount { tokens: [TokenScope::Admin], restricted: Refused, roles: [ADMIN] }
    /// Delete the own account.
    DeleteOwnAccount { tokens: [TokenScope::Admin], restricted: Refused, roles: [Role::Anyone] }
    /// Invite people to make an account.
    Invite { tokens: [TokenScope::Admin], restricted: Refused, roles: [ADMIN] }
    /// Switch read-only mode on or off.
    SetReadOnly { tokens: [TokenScope::Admin], restricted: Refused, roles: [ADMIN] }
    /// Make a scope.
    CreateScope { tokens: [TokenScope::Admin], restricted: Refused, roles: [Role::Anyone] }
    /// Set or remove a member of a scope. A restricted token would outgrow its
    /// restriction through the members.
    ChangeMembers { tokens: [TokenScope::Admin], restricted: Refused, roles: [OWNER, ADMIN] }
    /// Set what a scope demands of its members.
    SetScopePolicy { tokens: [TokenScope::Admin], restricted: Refused, roles: [OWNER, ADMIN] }
    /// Leave a scope.
    LeaveScope { tokens: [TokenScope::Admin], restricted: Refused, roles: [Role::Anyone] }
    /// Make, change, delete and test the webhooks of a scope.
    ManageWebhooks { tokens: [TokenScope::Admin], restricted: Refused, roles: [OWNER, ADMIN] }
    /// Read the webhooks of a scope and their deliveries. Their addresses may
    /// hold secrets of their receivers.
    ReadWebhooks { tokens: [TokenScope::Admin], restricted: Refused, roles: [OWNER, ADMIN, AUDITOR] }
    /// Report a package, which the caller sees, to the moderators.
    Report { tokens: [], restricted: Covered, roles: [Role::Anyone] }
    /// Read what was reported.
    ReadReports {
        tokens: [TokenScope::Moderate, TokenScope::Admin], restricted: Refused,
        roles: [ADMIN, MODERATOR, AUDITOR]
    }
    /// Close a report.
    CloseReport {
        tokens: [TokenScope::Moderate, TokenScope::Admin], restricted: Refused, roles: [ADMIN, MODERATOR]
    }
    /// Read the own account.
    ReadAccount { tokens: [], restricted: Ignored, roles: [Role::Anyone] }
    /// Change the own e-mail address or password.
    ChangeAccount { tokens: [TokenScope::Admin], restricted: Refused, roles: [Role::Anyone] }
    /// Ask for a mail with which the own e-mail address is verified.
    VerifyEmail { tokens: [TokenScope::Admin], restricted: Refused, roles: [Role::Anyone] }
    /// Enroll, confirm or remove the own second factor.
    ChangeSecondFactor { tokens: [TokenScope::Admin], restricted: Refused, roles: [Role::Anyone] }
    /// End the own session.
    LogOut { tokens: [], restricted: Ignored, roles: [Role::Anyone] }
    /// List the own login sessions.
    ListSessions { tokens: [TokenScope::Admin], restricted: Refused, roles: [Role::Anyone] }
    /// End one of the own login sessions, or all others.
    EndSession { tokens: [TokenScope::Admin], restricted: Refused, roles: [Role::Anyone] }
    /// Create an API token for the own account.
    CreateToken { tokens: [TokenScope::Admin], restricted: Refused, roles: [Role::Anyone] }
    /// List the own API tokens.
    ListTokens { tokens: [TokenScope::Admin], restricted: Refused, roles: [Role::Anyone] }
    /// Revoke one of the own API tokens.
    RevokeToken { tokens: [TokenScope::Admin], restricted: Refused, roles: [Role::Anyone] }
    /// Revoke the very token that is used for it.
    RevokeUsedToken { tokens: [], restricted: Ignored, roles: [Role::Anyone] }
}

impl Action {
    /// Requires that the credential carries the action, on `package` where it
    /// is about one.
    ///
    /// # Errors
    /// [`Error::Forbidden`], saying which token it takes.
    pub fn require_credential(self, by: &Principal, package: Option<&PackageName>) -> Result<()> {
        let Rule { tokens, restricted, roles, .. } = self.rule();
        if by.credential.publisher_name().is_some() && !roles.contains(&Role::TrustedPublisher) {
            return Err(Error::forbidden(
                "A trusted publisher may publish its package and nothing else; log in to do more",
            ));
        }
        if by.is_outside_admin_networks && self.is_wanting_an_admin(by.acting_roles()) {
            return Err(Error::forbidden(
                "This registry lets administrators act as such only from certain networks; connect from one of them",
            ));
        }
        if by.needs_second_factor && self.is_wanting_an_admin(by.acting_roles()) {
            return Err(Error::TwoFactorRequired(
                "This registry requires a second factor of its administrators; enroll one first: `aam otp enrol`"
                    .into(),
            ));
        }
        if !tokens.is_empty() && !tokens.iter().any(|scope| by.scopes.contains(*scope)) {
            let names: Vec<_> = tokens.iter().map(|scope| format!("`{}`", scope.as_str())).collect();
            let names = names.join(" or ");
            return Err(Error::forbidden(format!("This token lacks the scope {names}; create one that has it")));
        }
        if by.packages.is_empty() {
            return Ok(());
        }
        match (restricted, package) {
            (Restricted::Refused, _) => Err(Error::forbidden(format!(
                "This token is restricted to packages and cannot {}; use one that is not",
                self.beyond_packages()
            ))),
            (Restricted::Covered, Some(package)) if !by.packages.iter().any(|pattern| pattern.matches(package)) => {
                Err(Error::forbidden(format!("This token is restricted to other packages than {package}")))
            }
            _ => Ok(()),
        }
    }

    /// Whether somebody who acts in `acting` lacks nothing but the role of an administrator.
    fn is_wanting_an_admin(self, acting: AccountRoles) -> bool {
        let roles = self.rule().roles;
        let is_of_accounts = roles.iter().all(|role| matches!(role, Role::Account(_)));
        roles.contains(&ADMIN) && is_of_accounts && !Rights::of_account(acting).permit(self)
    }

    /// Whether somebody who is part of a scope does it to the scope or to a package in it, and changes something.
    pub fn changes_a_scope(self) -> bool {
        let is_read = matches!(
            self,
            Self::SeePrivate
                | Self::SeeUnapproved
                | Self::SeeQuarantined
                | Self::ReadPublishers
                | Self::ReadPackageLog
                | Self::ReadWebhooks
        );
        !is_read && self.rule().roles.iter().any(|role| matches!(role, Role::Scope(_) | Role::PackageOwner))
    }

    /// What follows "you may not" in a refusal; the name of the package or scope comes after it, where
    /// the action is about one.
    fn what(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Yank => "yank or deprecate versions of",
            Self::Tag => "change the dist-tags of",
            Self::RecordEval => "record results of evals of",
            Self::SetGates => "set the gates of",
            Self::ChangeOwners => "change the owners of",
            Self::AddPublisher => "add trusted publishers of",
            Self::ManagePublishers => "manage the trusted publishers of",
            Self::ReadPublishers => "list the trusted publishers of",
            Self::ReserveForPublisher => "name a trusted publisher of",
            Self::ChangeVisibility => "change the visibility of",
            Self::SeePrivate | Self::SeeUnapproved | Self::SeeQuarantined => "see",
            Self::FetchQuarantined => "read what is in quarantine",
            Self::Approve => "approve or reject versions",
            Self::ListWaiting => "list the versions that wait for approval",
            Self::Quarantine => "put versions into quarantine, release or remove them",
            Self::ReadPackageLog => "read the audit log of",
            Self::ReadLog => "read the whole audit log",
            Self::SetReadOnly => "switch read-only mode on or off",
            Self::Invite => "invite people",
            Self::ListAccounts => "list accounts",
            Self::DisableAccount => "disable accounts",
            Self::DeleteAccount => "delete the accounts of others",
            Self::DeleteOwnAccount => "delete the account",
            Self::CreateScope => "create scopes",
            Self::ChangeMembers => "change the members of",
            Self::SetScopePolicy => "change the policy of",
            Self::ManageWebhooks => "manage the webhooks of",
            Self::ReadWebhooks => "read the webhooks of",
            Self::LeaveScope => "leave",
            Self::Report => "report",
            Self::ReadReports => "read reports",
            Self::CloseReport => "close reports",
            Self::ReadAccount => "read the account",
            Self::ChangeAccount => "change the account",
            Self::ChangeSecondFactor => "change the second factor",
            Self::VerifyEmail => "verify the e-mail address",
            Self::ResetPassword => "reset the passwords of others",
            Self::SetRoles => "change the roles of accounts",
            Self::LogOut => "log out",
            Self::ListSessions => "list login sessions",
            Self::EndSession => "end login sessions",
            Self::CreateToken => "create API tokens",
            Self::ListTokens => "list API tokens",
            Self::RevokeToken | Self::RevokeUsedToken => "revoke API tokens",
        }
    }

    /// What ends the sentence "this token cannot …" for a token that is restricted to packages.
    fn beyond_packages(self) -> &'static str {
        match self {
            Self::CreateScope
            | Self::ChangeMembers
            | Self::SetScopePolicy
            | Self::LeaveScope
            | Self::ManageWebhooks
            | Self::ReadWebhooks => "manage scopes",
            Self::RevokeToken => "revoke other API tokens",
            _ => self.what(),
        }
    }
}

/// What a user is to a package or a scope, read in the transaction that relies on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// The roles in the whole registry that the account has and the credential allows acting in.
    pub account: AccountRoles,
    /// Is listed as an owner of the package itself.
    pub package_owner: bool,
    /// The role in the scope, if there is one.
    pub scope_role: Option<ScopeRole>,
    /// Acts with the token of a trusted publisher, so is no user.
    pub publisher: Option<PublisherOf>,
    /// Is in a scope that demands a second factor of those who change something in it, and has none.
    pub lacks_second_factor: bool,
}

/// What a trusted publisher is one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublisherOf {
    /// The package that the action is about.
    Package,
    /// Another one, or none that the action is about.
    Another,
}

impl Rights {
    /// Whether `action` is allowed on a package or scope that exists.
    pub fn permit(self, action: Action) -> bool {
        #[cfg(test)]
        if closed::is(action) {
            return false;
        }
        action.rule().roles.iter().any(|role| self.has(*role))
    }

    /// The rights of an account that is nothing to the package or scope.
    pub fn of_account(account: AccountRoles) -> Self {
        Self { account, ..Self::default() }
    }

    /// Whether it is a trusted publisher of the package itself.
    pub fn is_trusted_publisher(self) -> bool {
        self.publisher == Some(PublisherOf::Package)
    }

    /// Whether a package of that visibility is shown, on which these are the rights.
    pub fn sees(self, visibility: Visibility) -> bool {
        visibility == Visibility::Public || self.permit(Action::SeePrivate)
    }

    fn has(self, role: Role) -> bool {
        match role {
            Role::Anyone => self.publisher.is_none(),
            Role::PackageOwner => self.package_owner,
            Role::Scope(role) => self.scope_role == Some(role),
            Role::Account(role) => self.account.contains(role),
            Role::TrustedPublisher => self.is_trusted_publisher(),
        }
    }

    /// Requires the right to `action` on `package`, which exists.
    ///
    /// # Errors
    /// [`Error::Forbidden`], saying whom to ask; [`Error::TwoFactorRequired`] where the scope demands a second factor.
    pub fn require(self, action: Action, package: &PackageName) -> Result<()> {
        if self.permit(action) {
            return match package.scope() {
                Some(scope) => self.require_second_factor(action, &scope),
                None => Ok(()),
            };
        }
        let whom = match package.scope() {
            Some(scope) => format!("an owner of the scope @{scope}"),
            None => "one of its owners".to_owned(),
        };
        Err(Error::forbidden(format!("You may not {} {package}; ask {whom}", action.what())))
    }

    /// Requires the right to `action` on `scope`, which exists.
    ///
    /// # Errors
    /// [`Error::Forbidden`], saying whom to ask; [`Error::TwoFactorRequired`] where the scope demands a second factor.
    pub fn require_in_scope(self, action: Action, scope: &ScopeName) -> Result<()> {
        if self.permit(action) {
            return self.require_second_factor(action, scope);
        }
        Err(Error::forbidden(format!("You may not {} @{scope}; ask one of its owners", action.what())))
    }

    /// Requires a second factor for `action` in `scope`, where the scope demands one.
    ///
    /// # Errors
    /// [`Error::TwoFactorRequired`], saying how to enroll one.
    pub(super) fn require_second_factor(self, action: Action, scope: &ScopeName) -> Result<()> {
        if !self.lacks_second_factor || !action.changes_a_scope() {
            return Ok(());
        }
        Err(Error::TwoFactorRequired(format!(
            "The scope @{scope} requires a second factor of everybody who changes something in it, with API tokens too; \
             enroll one first: `aam otp enrol`"
        )))
    }

    /// Requires the right to `action` on the registry as a whole.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn require_everywhere(self, action: Action) -> Result<()> {
        if self.permit(action) {
            return Ok(());
        }
        let hint = match action {
            Action::ReadLog => "; owners may read that of their packages",
            _ => "",
        };
        let roles = action.rule().roles.iter().filter_map(|role| match role {
            Role::Account(role) => Some(role.described()),
            _ => None,
        });
        let roles = roles.collect::<Vec<_>>().join(" or ");
        Err(Error::forbidden(format!("Only {roles} may {}{hint}", action.what())))
    }

    /// Requires the right to `action` on what is the user's own.
    ///
    /// # Errors
    /// [`Error::Forbidden`], saying whom to ask.
    pub fn require_self(self, action: Action) -> Result<()> {
        if self.permit(action) {
            return Ok(());
        }
        Err(Error::forbidden(format!("You may not {}; ask an administrator of this registry", action.what())))
    }
}

/// Lets a test close a row of the table, on its own thread: then nobody may.
#[cfg(test)]
pub(super) mod closed {
    use std::cell::Cell;

    use super::Action;

    thread_local! {
        static CLOSED: Cell<Option<Action>> = const { Cell::new(None) };
    }

    pub(super) fn is(action: Action) -> bool {
        CLOSED.get() == Some(action)
    }

    pub(crate) fn set(action: Option<Action>) {
        CLOSED.set(action);
    }
}

#[cfg(test)]
mod tests;
