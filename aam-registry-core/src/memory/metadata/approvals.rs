//! Decisions about versions, and recalls.

use super::tables::{StoredPackage, StoredVersion, Tables};
use crate::types::{
    Approval, ApprovalStatus, Moderation, PackageName, Page, PageRequest, Recall, RecallList, RecallQuery, Version,
    VersionStatus, WaitingVersion,
};

impl Tables {
    /// The decisions about a version, oldest first.
    pub(super) fn approvals_of(&self, name: &PackageName, version: &Version) -> Vec<Approval> {
        let version = self.packages.get(name).and_then(|package| package.version(version));
        let approvals = version.into_iter().flat_map(|version| &version.approvals);
        let approval = approvals.map(|stored| Approval {
            approver: self.username(stored.approver).cloned(),
            status: stored.status,
            comment: stored.comment.clone(),
            created_at: stored.at,
        });
        approval.collect()
    }

    /// The versions of that approval status, oldest first.
    pub(super) fn versions_by_approval(&self, status: ApprovalStatus, page: PageRequest) -> Page<WaitingVersion> {
        let wanted = VersionStatus { approval: status, moderation: Moderation::None };
        let mut versions: Vec<_> = self
            .each_version()
            .filter(|(_, _, version)| {
                let tag_waits = version.wanted_tag.is_some() && version.status.is_open();
                version.status == wanted || status == ApprovalStatus::Pending && tag_waits
            })
            .filter_map(|(name, package, version)| {
                Some(WaitingVersion {
                    package: name.clone(),
                    visibility: package.visibility,
                    version: version.manifest.version.clone(),
                    published_by: self.username(version.published_by)?.clone(),
                    published_at: version.published_at,
                    status: version.status.approval,
                    tag: version.wanted_tag.clone(),
                })
            })
            .collect();
        versions.sort_by_key(|version| version.published_at);
        let (total, start) = (versions.len() as u64, usize::try_from(page.offset()).unwrap_or(usize::MAX));
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        Page { items: versions.into_iter().skip(start).take(limit).collect(), total, request: page }
    }

    pub(super) fn recalls(&self, query: &RecallQuery) -> RecallList {
        let could_be_seen = self.each_version().filter(|(name, package, version)| {
            version.status.approval == ApprovalStatus::Approved
                && (!package.visibility.is_private() || query.sight.sees(name))
        });
        let recalls = could_be_seen.flat_map(|(name, _, version)| {
            version.recalls.iter().map(move |recall| Recall {
                package: name.clone(),
                version: version.manifest.version.clone(),
                sha256: version.sha256,
                category: recall.quarantine.category,
                reason: recall.quarantine.reason.clone(),
                at: recall.quarantine.at,
                lifted_at: recall.lifted_at,
            })
        });
        let mut recalls: Vec<_> =
            recalls.filter(|recall| query.since.is_none_or(|since| recall.changed_at() >= since)).collect();
        recalls.sort_by_key(Recall::changed_at);
        let next_since = recalls.get(query.limit).map(Recall::changed_at);
        recalls.truncate(query.limit);
        RecallList { recalls, next_since }
    }

    fn each_version(&self) -> impl Iterator<Item = (&PackageName, &StoredPackage, &StoredVersion)> {
        let packages = self.packages.iter();
        packages.flat_map(|(name, package)| package.versions.iter().map(move |version| (name, package, version)))
    }
}
