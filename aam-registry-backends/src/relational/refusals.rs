//! What is said to those who are refused, where the domain leaves the words to
//! whoever finds the reason.

use aam_registry_core::{
    Error,
    ports::{OwnerChange, TagChange},
    types::{PackageName, ScopeName, User, Version},
};

pub(crate) fn no_such_scope_to_publish_to(scope: &ScopeName) -> Error {
    Error::forbidden(format!("The scope @{scope} does not exist; create it first"))
}

pub(crate) fn may_not_change_members(scope: &ScopeName) -> Error {
    Error::forbidden(format!("You may not change the members of @{scope}; ask one of its owners"))
}

pub(crate) fn owns_through_scope(change: &OwnerChange) -> Error {
    let (owner, package) = (&change.owner, &change.package);
    let scope = package.scope_or_empty();
    Error::forbidden(format!("{owner} owns {package} through the scope @{scope}; change the member's role there"))
}

pub(crate) fn no_version_to_tag() -> Error {
    Error::invalid_request("Say which version to tag")
}

pub(crate) fn yanked_gets_no_tag(package: &PackageName, version: &Version) -> Error {
    Error::InvalidTag(format!("Version {version} of {package} is yanked; unyank it or tag another"))
}

pub(crate) fn latest_stays() -> Error {
    Error::InvalidTag("The tag `latest` cannot be removed; set it to another version".into())
}

pub(crate) fn no_such_tag(change: &TagChange) -> Error {
    Error::TagNotFound { package: change.package.clone(), tag: change.tag.to_string() }
}

pub(crate) fn name_is_taken(user: &User) -> Error {
    Error::UserExists(format!("The name {} is taken; choose another", user.username))
}

pub(crate) fn address_is_taken() -> Error {
    Error::UserExists("There is an account with this e-mail address; log in, or use another address".into())
}
