//! A store of packages whose reads a test counts and holds up.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use aam_registry_core::{
    Result,
    decide::Rights,
    memory::MemoryMetadata,
    ports::PackageStore,
    types::{
        Actor, ArchiveFile, DistTag, LocatedVersion, Memberships, Package, PackageName, PackageSummary, Page,
        PublishedVersion, Reach, RegistryTotals, SearchQuery, UserId, Username, Version, VersionDetail, VersionList,
        VersionRange, VersionSummary,
    },
};
use async_trait::async_trait;

/// Records the name of each method that is called. Reads of the package `held` never end.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    store: MemoryMetadata,
    reads: Arc<Mutex<Vec<&'static str>>>,
}

impl Watched {
    pub(crate) fn new(store: &MemoryMetadata) -> Self {
        Self { store: store.clone(), reads: Arc::default() }
    }

    /// The methods that were called since this was last asked.
    pub(crate) fn reads(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.reads.lock().expect("not poisoned"))
    }

    async fn note(&self, method: &'static str, package: Option<&PackageName>) {
        self.reads.lock().expect("not poisoned").push(method);
        if package.is_some_and(|package| package.as_str() == "held") {
            std::future::pending::<()>().await;
        }
    }
}

macro_rules! watched {
    ($(fn $method:ident($($arg:ident: $kind:ty),*) $(of $package:ident)? -> $gives:ty;)+) => {
        #[async_trait]
        impl PackageStore for Watched {
            $(async fn $method(&self, $($arg: $kind),*) -> $gives {
                let package: Option<&PackageName> = None$(.or(Some($package)))?;
                self.note(stringify!($method), package).await;
                self.store.$method($($arg),*).await
            })+
        }
    };
}

watched! {
    fn package(name: &PackageName, reach: Reach) of name -> Result<Option<Package>>;
    fn version_list(name: &PackageName, range: &VersionRange, reach: Reach) of name -> Result<Option<VersionList>>;
    fn versions(name: &PackageName, reach: Reach) of name -> Result<Option<Vec<VersionSummary>>>;
    fn version_numbers(name: &PackageName, reach: Reach) of name -> Result<Option<Vec<PublishedVersion>>>;
    fn tags(name: &PackageName, reach: Reach) of name -> Result<Option<BTreeMap<DistTag, Version>>>;
    fn owners(name: &PackageName, reach: Reach) of name -> Result<Option<Vec<Username>>>;
    fn version(name: &PackageName, version: &Version, reach: Reach) of name -> Result<Option<VersionDetail>>;
    fn located_version(name: &PackageName, version: &Version, reach: Reach) of name -> Result<Option<LocatedVersion>>;
    fn files(name: &PackageName, version: &Version, reach: Reach) of name -> Result<Option<Vec<ArchiveFile>>>;
    fn readme(name: &PackageName, version: &Version, reach: Reach) of name -> Result<Option<Option<String>>>;
    fn rights(actor: &Actor, name: &PackageName) of name -> Result<Option<Rights>>;
    fn memberships(user: UserId) -> Result<Arc<Memberships>>;
    fn search(query: &SearchQuery) -> Result<Page<PackageSummary>>;
    fn totals() -> Result<RegistryTotals>;
    fn check() -> Result<()>;
}
