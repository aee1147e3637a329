use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{Registry, handle::RegistryParts};
use crate::{
    decide::{Audience, ReadAccess, Standing, sees_private, sight},
    error::Result,
    types::{ArchiveLocation, AuditEvent, Memberships, PackageName, Principal, Reach, Sight, Viewer, Visibility},
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
    reader: Reader<'a>,
    disclosure: Option<&'a Disclosure>,
}

/// Who reads through a view.
#[derive(Clone, Copy, Debug)]
enum Reader<'a> {
    /// The registry itself, which shows nobody what it reads.
    Internal,
    /// A viewer, with the principal if there is a credential.
    Viewer(Option<&'a Principal>),
}

/// Notes that an answer may show something of a private package, so that it is not kept for others.
#[derive(Debug, Default)]
pub(crate) struct Disclosure {
    is_noted: AtomicBool,
    /// The packages of which the audit log has an entry that they were read.
    on_record: Mutex<BTreeSet<PackageName>>,
}

impl Disclosure {
    /// Whether it is the first time that `name` is put on record.
    fn is_new(&self, name: &PackageName) -> bool {
        self.on_record.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone())
    }

    /// Whether something was noted.
    pub(crate) fn is_noted(&self) -> bool {
        self.is_noted.load(Ordering::Relaxed)
    }
}

impl Registry {
    /// The registry as `viewer` sees it.
    ///
    /// # Errors
    /// As for [`ReadAccess::admit`], by the policy's
    /// [`read_access`](super::Policy::read_access).
    pub fn view<'a>(&'a self, viewer: &'a Viewer) -> Result<View<'a>> {
        self.view_under(self.policy().read_access, viewer)
    }

    /// The same where the host lets no more viewers read than `access` does,
    /// which is at least as strict as the policy.
    pub(crate) fn view_under<'a>(&'a self, access: ReadAccess, viewer: &'a Viewer) -> Result<View<'a>> {
        let audience = access.max(self.policy().read_access).admit(viewer)?;
        Ok(View { registry: self, audience, reader: Reader::Viewer(viewer.principal()), disclosure: None })
    }

    /// What the registry shows everybody who may read in it, also where [`ReadAccess`] lets nobody read without a
    /// credential: for commands that the operator runs.
    pub fn public_view(&self) -> View<'_> {
        View { registry: self, audience: Audience::Private, reader: Reader::Viewer(None), disclosure: None }
    }

    /// What is there, whoever may see it: for changes, which are decided on by who makes them, and for commands that
    /// the operator runs. Never for clients.
    pub fn unrestricted(&self) -> View<'_> {
        View { registry: self, audience: Audience::Private, reader: Reader::Internal, disclosure: None }
    }
}

impl<'a> View<'a> {
    /// The same view, which notes in `disclosure` whether it showed a private package.
    pub(crate) fn noting(self, disclosure: &'a Disclosure) -> Self {
        Self { disclosure: Some(disclosure), ..self }
    }

    /// The class of viewers that the answers about public packages are for, and may be kept for.
    pub fn audience(&self) -> Audience {
        self.audience
    }

    /// The class of viewers that an answer about an archive is for, and may be kept for.
    pub fn audience_of(&self, location: &ArchiveLocation) -> Audience {
        if location.visibility.is_private() { Audience::Private } else { self.audience }
    }

    /// Reads something of a package with `read`: within public packages and, where that finds nothing and the
    /// viewer may see the private package `name`, within all. So a public package costs one read, and a private
    /// one takes those who may not see it just the reads that a package takes that does not exist.
    pub(super) async fn find<T, F>(&self, name: &PackageName, read: impl Fn(Reach) -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let by = match self.reader {
            Reader::Internal => return read(Reach::Everything).await,
            Reader::Viewer(None) => return read(Reach::Public).await,
            // Only a package in a scope can be private.
            Reader::Viewer(Some(_)) if name.scope_or_empty().is_empty() => return read(Reach::Public).await,
            Reader::Viewer(Some(by)) => by,
        };
        if self.is_known_to_see(name) {
            self.note_disclosure();
            return read(Reach::Everything).await;
        }
        if let Some(found) = read(Reach::Public).await? {
            return Ok(Some(found));
        }
        let Some(standing) = sees_private(by, &*self.memberships(by).await?, name) else { return Ok(None) };
        self.note_disclosure();
        let found = read(Reach::Everything).await?;
        if found.is_some() && standing == Standing::RegistryRole {
            self.record_read(by, name).await?;
        }
        Ok(found)
    }

    /// Whether it is known without asking the database that the viewer may see `name` if it is private, by more than
    /// a role in the registry.
    pub(crate) fn is_known_to_see(&self, name: &PackageName) -> bool {
        let Reader::Viewer(Some(by)) = self.reader else { return false };
        let sees = |known: Arc<Memberships>| sees_private(by, &known, name) == Some(Standing::Own);
        !name.scope_or_empty().is_empty() && self.inner().packages.known_memberships(by.user).is_some_and(sees)
    }

    /// Puts on record that somebody read a private package of others by a role in the registry: once for each answer. Without the entry
    /// there is no answer.
    async fn record_read(&self, by: &Principal, name: &PackageName) -> Result<()> {
        if self.disclosure.is_some_and(|disclosure| !disclosure.is_new(name)) {
            return Ok(());
        }
        let entry = self.registry.entry(AuditEvent::AdminRead, by, name).with_visibility(Visibility::Private);
        self.inner().audit.append(&entry).await
    }

    /// The private packages that the viewer sees.
    pub(super) async fn sight(&self) -> Result<Sight> {
        let sight = match self.reader {
            Reader::Internal => Sight::unrestricted(),
            Reader::Viewer(None) => Sight::default(),
            Reader::Viewer(Some(by)) => sight(by, &*self.memberships(by).await?),
        };
        if !sight.is_public_only() {
            self.note_disclosure();
        }
        Ok(sight)
    }

    async fn memberships(&self, by: &Principal) -> Result<Arc<Memberships>> {
        self.inner().packages.memberships(by.user).await
    }

    /// The principal who reads, if there is a credential.
    pub(super) fn reader(&self) -> Option<&'a Principal> {
        match self.reader {
            Reader::Viewer(reader) => reader,
            Reader::Internal => None,
        }
    }

    fn note_disclosure(&self) {
        if let Some(disclosure) = self.disclosure {
            disclosure.is_noted.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn registry(&self) -> &'a Registry {
        self.registry
    }

    pub(super) fn inner(&self) -> &'a RegistryParts {
        self.registry.inner()
    }
}
