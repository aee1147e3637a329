//! How much of something there may be.

use crate::{
    error::{Error, Result},
    types::{PackageName, ScopeName, Version},
};

/// What a publish may add at most; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublishQuotas {
    /// Packages in a scope.
    pub packages_per_scope: Option<u64>,
    /// Bytes of all archives in a scope.
    pub storage_per_scope: Option<u64>,
    /// Versions of a package.
    pub versions_per_package: Option<u64>,
}

/// How much there is of what a publish adds to. Removed versions do not count, those that wait for approval, are yanked
/// or in quarantine do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Packages in the scope.
    pub packages: u64,
    /// Bytes of all archives in the scope.
    pub storage: u64,
    /// Versions of the package.
    pub versions: u64,
}

impl PublishQuotas {
    /// Whether what a scope has must be counted for a publish of `package`.
    pub fn count_scope_of(self, package: &PackageName) -> bool {
        package.scope().is_some() && (self.packages_per_scope.is_some() || self.storage_per_scope.is_some())
    }

    /// Requires room for one more version of `package`, with so many bytes. What is over a quota that was lowered
    /// stays as it is.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`].
    pub(super) fn require_room(
        self,
        package: &PackageName,
        version: &Version,
        is_new: bool,
        used: Usage,
        bytes: u64,
    ) -> Result<()> {
        if let Some(most) = self.versions_per_package
            && used.versions >= most
        {
            return Err(Error::QuotaExceeded(format!(
                "{package} has {} versions, and this registry allows {most} of a package (MAX_VERSIONS_PER_PACKAGE), so \
                 {version} is not published; ask the operator of the registry to allow more",
                used.versions
            )));
        }
        let Some(scope) = package.scope() else { return Ok(()) };
        if let Some(most) = self.packages_per_scope
            && is_new
            && used.packages >= most
        {
            return Err(Error::QuotaExceeded(format!(
                "The scope @{scope} has {} packages, and this registry allows {most} in a scope \
                 (MAX_PACKAGES_PER_SCOPE), so {package} is not made; publish a version of a package that exists, or ask \
                 the operator of the registry to allow more",
                used.packages
            )));
        }
        if let Some(most) = self.storage_per_scope
            && used.storage.saturating_add(bytes.max(1)) > most
        {
            return Err(Error::QuotaExceeded(format!(
                "The archives in the scope @{scope} take up {} bytes, and this registry allows {most} in a scope \
                 (MAX_STORAGE_PER_SCOPE), so {} is not published; make the archive smaller, or ask the operator of the \
                 registry to allow more",
                used.storage,
                if bytes == 0 { format!("{version}") } else { format!("{version} with {bytes} bytes more") },
            )));
        }
        Ok(())
    }
}

/// Requires that an account that made so many scopes may make one more.
pub(super) fn require_room_for_scope(name: &ScopeName, made: u64, most: Option<u64>) -> Result<()> {
    let Some(most) = most.filter(|most| made >= *most) else { return Ok(()) };
    Err(Error::QuotaExceeded(format!(
        "Your account has made {made} scopes beside its own, and this registry allows {most} (MAX_SCOPES_PER_USER), so \
         @{name} is not made; use one that you have, or ask an administrator to make it and add you as an owner"
    )))
}

/// Requires that an account with so many API tokens in force may have one more.
pub(super) fn require_room_for_token(tokens: u64, most: Option<u64>) -> Result<()> {
    let Some(most) = most.filter(|most| tokens >= *most) else { return Ok(()) };
    Err(Error::QuotaExceeded(format!(
        "Your account has {tokens} API tokens in force, and this registry allows {most} (MAX_TOKENS_PER_USER); revoke \
         those that nobody uses (`aam token ls`, `aam token revoke ID`), and create this one then"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(quotas: PublishQuotas, package: &str, is_new: bool, used: Usage, bytes: u64) -> Option<String> {
        let (package, version) = (package.parse().expect("a name"), "1.2.0".parse().expect("a version"));
        quotas.require_room(&package, &version, is_new, used, bytes).err().map(|error| {
            assert_eq!(error.code(), crate::ErrorCode::QuotaExceeded);
            error.to_string()
        })
    }

    #[test]
    fn without_a_quota_there_is_room() {
        let used = Usage { packages: u64::MAX, storage: u64::MAX, versions: u64::MAX };
        for (package, is_new) in [("kit", true), ("@team/kit", true), ("@team/kit", false)] {
            assert_eq!(refusal(PublishQuotas::default(), package, is_new, used, u64::MAX), None);
        }
    }

    #[test]
    fn each_quota_tells_what_there_is_and_what_may_be() {
        let quotas = PublishQuotas {
            packages_per_scope: Some(3),
            storage_per_scope: Some(1_000),
            versions_per_package: Some(5),
        };
        let used = |packages, storage, versions| Usage { packages, storage, versions };
        for (used, is_new, bytes, told) in [
            (used(2, 900, 4), true, 100, None),
            (used(3, 900, 4), false, 100, None),
            (used(3, 0, 0), true, 1, Some("@team has 3 packages, and this registry allows 3 in a scope")),
            (used(4, 0, 0), true, 1, Some("@team has 4 packages, and this registry allows 3 in a scope")),
            (used(1, 901, 1), false, 100, Some("take up 901 bytes, and this registry allows 1000 in a scope")),
            (used(1, 1_000, 1), false, 0, Some("take up 1000 bytes, and this registry allows 1000 in a scope")),
            (used(1, 999, 1), false, 0, None),
            (used(1, 0, 5), false, 1, Some("has 5 versions, and this registry allows 5 of a package")),
        ] {
            let refusal = refusal(quotas, "@team/kit", is_new, used, bytes);
            match told {
                None => assert_eq!(refusal, None),
                Some(told) => assert!(refusal.as_ref().is_some_and(|text| text.contains(told)), "{told}: {refusal:?}"),
            }
        }
        let outside = refusal(quotas, "kit", true, used(9, 9_999, 4), 9_999);
        assert_eq!(outside, None, "a package without a scope counts for none");
    }

    #[test]
    fn accounts_may_have_no_limit() {
        let name: ScopeName = "team".parse().expect("a scope");
        assert!(require_room_for_scope(&name, 20, None).is_ok() && require_room_for_token(100, None).is_ok());
        assert!(require_room_for_scope(&name, 19, Some(20)).is_ok() && require_room_for_token(99, Some(100)).is_ok());
        assert!(
            require_room_for_scope(&name, 20, Some(20)).is_err() && require_room_for_token(100, Some(100)).is_err()
        );
        assert!(require_room_for_scope(&name, 0, Some(0)).is_err());
    }
}
