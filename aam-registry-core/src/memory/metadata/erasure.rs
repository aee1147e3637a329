use std::collections::BTreeSet;

use super::tables::Tables;
use crate::{
    decide::{CallerFacts, DeleteAccount, DeleteAccountFacts},
    types::{AccountRole, PackageName, ScopeName, ScopeRole, UserId, Username},
};

impl Tables {
    /// Those of these names that accounts had which are deleted: their scopes are there without them.
    pub(super) fn erased_usernames(&self, names: &[Username]) -> Vec<Username> {
        let is_erased =
            |name: &&Username| self.scopes.contains_key(&ScopeName::from(*name)) && self.user_named(name).is_none();
        names.iter().filter(is_erased).cloned().collect()
    }

    pub(super) fn delete_account_facts(&self, delete: &DeleteAccount) -> DeleteAccountFacts {
        let account = self.users.values().find(|account| account.user.username == delete.username).cloned();
        let id = account.as_ref().map(|account| account.user.id);
        let administers = |user: &crate::types::User| user.roles.contains(AccountRole::Admin) && !user.disabled;
        let mut others = self.users.values().filter(|other| Some(other.user.id) != id);
        DeleteAccountFacts {
            caller: delete.actor().map_or_else(CallerFacts::default, |actor| self.caller(actor)),
            has_other_admin: others.any(|other| administers(&other.user)),
            ownerless: id.map(|id| self.ownerless_without(id)).unwrap_or_default(),
            account,
        }
    }

    fn ownerless_without(&self, user: UserId) -> Vec<String> {
        let is_enabled = |id: &UserId| self.users.get(id).is_some_and(|account| !account.user.disabled);
        let scopes_with_packages: BTreeSet<_> = self.packages.keys().filter_map(PackageName::scope).collect();
        let packages = self.packages.iter().filter(|(name, package)| {
            let has_other = package.owners.iter().any(|owner| *owner != user && is_enabled(owner));
            name.scope().is_none() && package.owners.contains(&user) && !has_other
        });
        let scopes = self.scopes.iter().filter(|(name, scope)| {
            let mut others = scope.owners().filter(|owner| *owner != user);
            let is_needed = scopes_with_packages.contains(name) || scope.members.len() > 1;
            scope.members.get(&user) == Some(&ScopeRole::Owner) && is_needed && !others.any(|other| is_enabled(&other))
        });
        let packages = packages.map(|(name, _)| name.to_string());
        packages.chain(scopes.map(|(name, _)| format!("@{name}"))).collect()
    }

    /// Erases what belongs to an account.
    pub(super) fn erase_account(&mut self, user: UserId) {
        for scope in self.scopes.values_mut() {
            scope.members.remove(&user);
        }
        for package in self.packages.values_mut() {
            package.owners.retain(|owner| *owner != user);
        }
        let tokens: Vec<_> = self.tokens.iter().filter(|(_, stored)| stored.token.user == user).collect();
        let tokens: Vec<_> = tokens.into_iter().map(|(id, _)| *id).collect();
        for id in tokens {
            self.tokens.remove(&id);
            self.revoked_tokens.insert(id);
        }
        self.one_time_tokens.retain(|(of, _)| *of != user);
        self.sessions.retain(|session| session.user != user);
        self.second_factors.remove(&user);
        self.publishers.retain(|_, publisher| !(publisher.pending && publisher.created_by == user));
        let publishers = &self.publishers;
        self.publisher_tokens.retain(|_, token| publishers.contains_key(&token.publisher));
    }
}
