use std::collections::BTreeSet;

use jiff::{Timestamp, tz::TimeZone};

use super::tables::Tables;
use crate::{
    decide::{OldVersionsFacts, PackageState, VersionUse},
    types::{PackageName, Sha256Digest, Version},
};

impl Tables {
    pub(super) fn packages_made_before(
        &self,
        before: Timestamp,
        after: Option<&PackageName>,
        limit: usize,
    ) -> Vec<PackageName> {
        let found = self.packages.iter().filter(|(name, package)| {
            package.created_at < before && after.is_none_or(|after| name.as_str() > after.as_str())
        });
        let mut names: Vec<_> = found.map(|(name, _)| name.clone()).collect();
        names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        names.truncate(limit);
        names
    }

    pub(super) fn digests_of(&self, name: &PackageName) -> Vec<(Version, Sha256Digest)> {
        let versions = self.packages.get(name).into_iter().flat_map(|package| &package.versions);
        versions.map(|version| (version.manifest.version.clone(), version.sha256)).collect()
    }

    pub(super) fn old_versions_facts(&self, name: &PackageName, before: Timestamp) -> OldVersionsFacts {
        let Some(package) = self.packages.get(name) else { return OldVersionsFacts::default() };
        let day = before.to_zoned(TimeZone::UTC).date();
        let tagged: BTreeSet<_> = package.dist_tags().into_values().collect();
        let versions =
            package.versions.iter().filter(|version| !version.status.is_removed()).map(|version| VersionUse {
                version: version.manifest.version.clone(),
                published_at: version.published_at,
                published_by: version.published_by,
                status: version.status,
                archive: version.archive.clone(),
                archive_size: version.archive_size,
                is_tagged: tagged.contains(&version.manifest.version),
                is_downloaded: version.days.range(day..).any(|(_, downloads)| *downloads > 0),
            });
        let others = self.packages.iter().filter(|(other, _)| *other != name).flat_map(|(_, other)| &other.versions);
        let demands = others
            .filter(|version| !version.status.is_removed())
            .filter_map(|version| version.manifest.dependencies.get(name));
        let mut demands: Vec<_> = demands.cloned().collect();
        demands.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        demands.dedup();
        let state = PackageState {
            updated_at: package.updated_at,
            visibility: package.visibility,
            trusted_only: package.trusted_only,
            has_open_version: package.has_open_version(),
        };
        OldVersionsFacts { package: Some(state), versions: versions.collect(), demands }
    }
}
