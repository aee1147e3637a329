use crate::{
    decide::{Action, MemberChange, NewScope, ScopePolicyChange},
    error::{Error, Result},
    ports::CommandHandlerExt,
    registry::{Registry, View, reserved},
    types::{AccountRole, AuditEvent, Principal, Scope, ScopeName, ScopeRole, Username},
};

impl Registry {
    /// Makes a scope that the caller owns.
    ///
    /// # Errors
    /// [`Error::NameReserved`], [`Error::ScopeExists`] where a scope or user
    /// of that name exists, [`Error::Forbidden`].
    pub async fn create_scope(&self, by: &Principal, name: &ScopeName) -> Result<Scope> {
        Action::CreateScope.require_credential(by, None)?;
        if !by.acts_as_admin() {
            reserved::check_scope(name.as_str(), &self.policy().reserved_names)?;
            self.require_unlike_scopes(name.as_str()).await?;
        }
        let audit = self.entry_by(AuditEvent::ScopeCreate, by).with("scope", name.as_str());
        let max_scopes = self.policy().scopes_per_user;
        let new = NewScope { actor: by.actor(), name: name.clone(), max_scopes, now: audit.timestamp, audit };
        self.inner().commands.execute(&new).await?;
        tracing::info!(event = "scope_created", user = %by.username, scope = %name, "scope created");
        self.unrestricted().scope(name).await
    }

    /// Sets whether a scope demands a second factor of those who change something in it, or in one of its packages.
    /// Trusted publishers, which are no accounts, need none.
    ///
    /// # Errors
    /// [`Error::ScopeNotFound`], [`Error::Forbidden`]; [`Error::TwoFactorRequired`] for a caller without one.
    pub async fn set_scope_policy(&self, by: &Principal, name: &ScopeName, require_2fa: bool) -> Result<Scope> {
        Action::SetScopePolicy.require_credential(by, None)?;
        let audit =
            self.entry_by(AuditEvent::PolicySet, by).with("scope", name.as_str()).with("require_2fa", require_2fa);
        let (actor, scope) = (by.actor(), name.clone());
        let change = ScopePolicyChange { actor, scope, require_2fa, now: audit.timestamp, audit };
        self.inner().commands.execute(&change).await?;
        tracing::info!(event = "policy_set", user = by.name(), scope = %name, require_2fa, "policy set");
        self.seen_by(by).scope(name).await
    }

    /// Adds or changes a member of a scope.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::ScopeNotFound`], [`Error::UserNotFound`],
    /// [`Error::LastOwner`], [`Error::QuotaExceeded`].
    pub async fn set_member(
        &self,
        by: &Principal,
        scope: &ScopeName,
        member: &Username,
        role: ScopeRole,
    ) -> Result<()> {
        let change = self.member_change(by, scope, member, Some(role))?;
        self.inner().commands.execute(&change).await?;
        tracing::info!(
            event = "scope_member_set",
            user = %by.username,
            scope = %scope,
            member = %member,
            role = role.as_str(),
            "scope member set",
        );
        Ok(())
    }

    /// Removes a member of a scope; nothing happens where the user is none.
    ///
    /// # Errors
    /// As for [`set_member`](Self::set_member).
    pub async fn remove_member(&self, by: &Principal, scope: &ScopeName, member: &Username) -> Result<()> {
        let change = self.member_change(by, scope, member, None)?;
        self.inner().commands.execute(&change).await?;
        tracing::info!(
            event = "scope_member_removed",
            user = %by.username,
            scope = %scope,
            member = %member,
            "scope member removed",
        );
        Ok(())
    }

    fn member_change(
        &self,
        by: &Principal,
        scope: &ScopeName,
        member: &Username,
        role: Option<ScopeRole>,
    ) -> Result<MemberChange> {
        let event = if role.is_some() { AuditEvent::ScopeMemberSet } else { AuditEvent::ScopeMemberRemove };
        let mut audit = self.entry_by(event, by).with("scope", scope.as_str()).with("member", member.as_str());
        if let Some(role) = role {
            audit = audit.with("role", role.as_str());
        }
        let (actor, scope, member) = (by.actor(), scope.clone(), member.clone());
        let max_members = self.policy().members_per_scope;
        let change = MemberChange { actor, scope, member, role, max_members, now: audit.timestamp, audit };
        change.action().require_credential(by, None)?;
        Ok(change)
    }
}

impl View<'_> {
    /// A scope with its members, and with the collaborators of packages that the viewer sees.
    ///
    /// # Errors
    /// [`Error::ScopeNotFound`].
    pub async fn scope(&self, name: &ScopeName) -> Result<Scope> {
        self.inner().scopes.scope(name, &self.sight().await?).await?.ok_or_else(|| Error::ScopeNotFound(name.clone()))
    }

    /// Whether the viewer may know what the scope demands of those who change something in it: they may, and those
    /// who read what administrators read. Others would learn which scopes are easier to break into.
    pub fn sees_policy_of(&self, scope: &Scope) -> bool {
        let Some(by) = self.principal() else { return false };
        let members = scope.members.iter().map(|member| &member.username);
        let mut part = members.chain(scope.collaborators.iter().map(|owner| &owner.username));
        let sees = part.any(|username| *username == by.username)
            || by.acts_as(AccountRole::Admin)
            || by.acts_as(AccountRole::Auditor);
        if sees {
            self.note_disclosure();
        }
        sees
    }
}
