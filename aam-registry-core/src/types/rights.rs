//! Who may do what to a package.

use crate::{
    error::{Error, Result},
    types::{ManifestFault, PackageName},
};

/// The role of a member of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScopeRole {
    /// Publishes.
    Contributor,
    /// Publishes, yanks, tags.
    Member,
    /// Everything.
    Owner,
}

impl ScopeRole {
    /// The role as text: `contributor`, `member`, `owner`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contributor => "contributor",
            Self::Member => "member",
            Self::Owner => "owner",
        }
    }

    /// Reads the role's text.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Contributor, Self::Member, Self::Owner].into_iter().find(|role| role.as_str() == text)
    }
}

/// What somebody wants to do to a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Publish a version.
    Publish,
    /// Yank, unyank, deprecate.
    Yank,
    /// Set or remove a dist-tag.
    Tag,
    /// Change owners; read the package's audit log.
    Manage,
}

/// What a user is to one package, read in the transaction that relies on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Acts as an administrator: is one, and uses a credential that says so.
    pub admin: bool,
    /// Is listed as an owner of the package itself.
    pub package_owner: bool,
    /// The role in the package's scope, where it has one.
    pub scope_role: Option<ScopeRole>,
}

impl Rights {
    /// Whether `action` is allowed on a package that exists.
    ///
    /// An administrator moderates (yank, tags, owners) but publishes nothing
    /// in another's name.
    pub fn permit(self, action: Action) -> bool {
        let least = match action {
            Action::Publish => ScopeRole::Contributor,
            Action::Yank | Action::Tag => ScopeRole::Member,
            Action::Manage => ScopeRole::Owner,
        };
        self.package_owner
            || self.scope_role.is_some_and(|role| role >= least)
            || (self.admin && action != Action::Publish)
    }

    /// Requires the right to `action` on `package`, which exists.
    ///
    /// # Errors
    /// [`Error::Forbidden`], saying whom to ask.
    pub fn require(self, action: Action, package: &PackageName) -> Result<()> {
        if self.permit(action) {
            return Ok(());
        }
        let what = match action {
            Action::Publish => "publish",
            Action::Yank => "yank or deprecate versions of",
            Action::Tag => "change the dist-tags of",
            Action::Manage => "manage",
        };
        let whom = match package.scope() {
            Some(scope) => format!("an owner of the scope @{scope}"),
            None => "one of its owners".to_owned(),
        };
        Err(Error::forbidden(format!("You may not {what} {package}; ask {whom}")))
    }

    /// Requires the right to publish `package`: a new unscoped name is
    /// anybody's, in a scope a role is needed for new and existing alike. A new
    /// unscoped name holds no `--`, which stands between scope and name where a
    /// full name has to be one word.
    ///
    /// # Errors
    /// [`Error::Forbidden`], saying whom to ask; [`Error::InvalidManifest`] for
    /// a new unscoped name with `--`.
    pub fn require_publish(self, package: &PackageName, exists: bool) -> Result<()> {
        if exists || package.scope().is_some() {
            return self.require(Action::Publish, package);
        }
        if package.bare().contains("--") {
            let error = "a new name without a scope holds no `--`; choose another name".to_owned();
            return Err(Error::InvalidManifest(vec![ManifestFault { field: "name".to_owned(), error }]));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_grow_from_contributor_to_owner() {
        let of = |role| Rights { scope_role: Some(role), ..Rights::default() };
        assert!(of(ScopeRole::Contributor).permit(Action::Publish));
        assert!(!of(ScopeRole::Contributor).permit(Action::Yank));
        assert!(of(ScopeRole::Member).permit(Action::Tag));
        assert!(!of(ScopeRole::Member).permit(Action::Manage));
        assert!(of(ScopeRole::Owner).permit(Action::Manage));
    }

    #[test]
    fn an_admin_moderates_but_does_not_publish() {
        let admin = Rights { admin: true, ..Rights::default() };
        assert!(admin.permit(Action::Yank) && admin.permit(Action::Manage));
        assert!(!admin.permit(Action::Publish));
        assert!(!Rights::default().permit(Action::Yank));
    }

    #[test]
    fn a_new_name_is_anybodys_outside_of_scopes() {
        let (plain, scoped) = ("greet-kit".parse().expect("name"), "@team/greet-kit".parse().expect("name"));
        assert!(Rights::default().require_publish(&plain, false).is_ok());
        assert!(Rights::default().require_publish(&plain, true).is_err());
        assert!(Rights::default().require_publish(&scoped, false).is_err());
    }

    #[test]
    fn a_new_name_that_looks_like_a_scope_and_a_name_is_nobodys() {
        let (owner, confusing) =
            (Rights { package_owner: true, ..Rights::default() }, "acme--review".parse().expect("name"));
        assert!(matches!(owner.require_publish(&confusing, false), Err(Error::InvalidManifest(_))));
        assert!(owner.require_publish(&confusing, true).is_ok());
    }
}
