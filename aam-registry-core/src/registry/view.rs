use super::{Registry, handle::RegistryParts};
use crate::{
    decide::{Audience, ReadAccess},
    error::Result,
    types::Viewer,
};

/// The registry as a viewer sees it: every read of packages, users and scopes
/// is a method of this, so that none goes around the gate for reads.
///
/// ```
/// use aam_registry_core::{
///     memory,
///     types::{SearchQuery, SearchSort, PageRequest, Viewer},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = memory::registry().build()?;
/// let query = SearchQuery::everything(SearchSort::Name, PageRequest { page: 1, limit: 20 });
/// let page = registry.view(&Viewer::Anonymous)?.search(&query).await?;
/// assert_eq!(page.total, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    registry: &'a Registry,
    audience: Audience,
}

impl Registry {
    /// The registry as `viewer` sees it.
    ///
    /// # Errors
    /// As for [`ReadAccess::admit`], by the policy's
    /// [`read_access`](super::Policy::read_access).
    pub fn view(&self, viewer: &Viewer) -> Result<View<'_>> {
        self.view_under(self.policy().read_access, viewer)
    }

    /// The same where the host lets no more viewers read than `access` does,
    /// which is at least as strict as the policy.
    pub(crate) fn view_under(&self, access: ReadAccess, viewer: &Viewer) -> Result<View<'_>> {
        let audience = access.max(self.policy().read_access).admit(viewer)?;
        Ok(View { registry: self, audience })
    }

    /// What is there, whoever may see it: for changes, which are decided on by
    /// who makes them.
    pub(super) fn unrestricted(&self) -> View<'_> {
        View { registry: self, audience: Audience::Members }
    }
}

impl<'a> View<'a> {
    /// The class of viewers that the answers are for, and may be kept for.
    pub fn audience(&self) -> Audience {
        self.audience
    }

    pub(super) fn registry(&self) -> &'a Registry {
        self.registry
    }

    pub(super) fn inner(&self) -> &'a RegistryParts {
        self.registry.inner()
    }
}
