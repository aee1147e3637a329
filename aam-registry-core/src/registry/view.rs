use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{Registry, handle::RegistryParts};
use crate::{
    decide::{Audience, Insight, ReadAccess, sight},
    error::Result,
    types::{ArchiveLocation, AuditEvent, Memberships, PackageName, Principal, Sight, Viewer, Visibility},
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
pub(super) enum Reader<'a> {
    /// The registry itself, which shows nobody what it reads.
    Internal,
    /// A viewer, with the principal if there is a credential.
    Viewer(Option<&'a Principal>),
    /// Somebody who is about to change what is read. The change is on record, so the read need not be.
    Writer(&'a Principal),
}

/// Notes that an answer may show something that not everybody sees, so that it is not kept for others.
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

    /// What is there as `by` sees it, who wants to change it.
    pub(super) fn seen_by<'a>(&'a self, by: &'a Principal) -> View<'a> {
        let audience = self.policy().read_access.audience();
        View { registry: self, audience, reader: Reader::Writer(by), disclosure: None }
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
        let is_for_some = location.visibility.is_private() || !location.status.is_open();
        if is_for_some { Audience::Private } else { self.audience }
    }

    /// Who reads.
    pub(super) fn reader(&self) -> Reader<'a> {
        self.reader
    }

    /// What `by` is to a package.
    pub(super) async fn insight(&self, by: &Principal, name: &PackageName) -> Result<Insight> {
        Ok(Insight::new(by, &*self.memberships(by).await?, name))
    }

    /// What the viewer is to the package `name`, if it is known without asking the database that the viewer sees it
    /// even if it is private, by more than a role in the whole registry.
    pub(super) fn known_insight(&self, name: &PackageName) -> Option<Insight> {
        let (Reader::Viewer(Some(by)) | Reader::Writer(by)) = self.reader else { return None };
        let known = self.inner().packages.known_memberships(by.user)?;
        Some(Insight::new(by, &known, name)).filter(Insight::is_own)
    }

    /// Whether it is known without asking the database that the viewer may see `name` if it is private, by more than
    /// a role in the whole registry.
    pub(crate) fn is_known_to_see(&self, name: &PackageName) -> bool {
        self.known_insight(name).is_some()
    }

    /// Puts on record that somebody read a private package of others by a role in the whole registry: once for each
    /// answer. Without the entry there is no answer.
    pub(super) async fn record_read(&self, name: &PackageName) -> Result<()> {
        let Reader::Viewer(Some(by)) = self.reader else { return Ok(()) };
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
            Reader::Viewer(Some(by)) | Reader::Writer(by) => sight(by, &*self.memberships(by).await?),
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
    pub(super) fn principal(&self) -> Option<&'a Principal> {
        match self.reader {
            Reader::Viewer(reader) => reader,
            Reader::Writer(by) => Some(by),
            Reader::Internal => None,
        }
    }

    /// Notes that the answer may show what not everybody sees.
    pub(super) fn note_disclosure(&self) {
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
