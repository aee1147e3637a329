//! The types of the domain: newtypes that are validated when they are parsed.

mod account;
mod archive_key;
mod archive_location;
mod artifact;
mod audit;
mod client_network;
mod constraint;
mod digest;
mod dist_tag;
mod downloads;
mod id;
mod latest;
mod manifest;
mod name;
mod not_built;
mod package;
mod package_path;
mod page;
mod principal;
mod registry_id;
mod rights;
mod search;
mod token;
mod upload;
mod user;
mod version;
mod version_list;

pub use account::{AccountFilter, AccountRole, AccountState, is_session_ended};
pub use archive_key::ArchiveKey;
pub use archive_location::ArchiveLocation;
pub use artifact::{Artifact, ArtifactType, Artifacts};
pub use audit::{AuditEntry, AuditEvent, AuditFilter, ChainHash, NewAuditEntry};
pub use client_network::ClientNetwork;
pub use constraint::{Constraint, Selector};
pub use digest::Sha256Digest;
pub use dist_tag::DistTag;
pub use downloads::{DayDownloads, DownloadBatch, DownloadBatchId, DownloadCount, DownloadQuery};
pub use latest::{LatestPolicy, LatestTag, PublishedVersion};
pub(crate) use manifest::{MAX_DESCRIPTION, MAX_KEYWORD, MAX_KEYWORDS};
pub use manifest::{Manifest, ManifestFault, ManifestLimits};
pub use name::{PackageName, ScopeName, Username};
pub(crate) use not_built::{AskedIn, not_built};
pub use package::{
    ApprovalStatus, ArchiveFile, Package, PackageSummary, RegistryTotals, VersionDetail, VersionSummary, Visibility,
};
pub(crate) use package_path::{MAX_PATH, MAX_PATH_DEPTH, MAX_PATH_SEGMENT, package_path};
pub use page::{Page, PageRequest};
pub use principal::{Actor, Credential, Principal};
pub use registry_id::RegistryId;
pub use rights::{Action, Rights, ScopeRole};
pub use search::{SearchQuery, SearchSort, search_words};
pub use token::{Token, TokenId, TokenPattern, TokenScope, TokenScopes, TokenSecret};
pub use upload::{NewUpload, Upload, UploadId};
pub use user::{Collaborator, Scope, ScopeMember, User, UserId, UserProfile};
pub use version::Version;
pub use version_list::{VersionBounds, VersionList, VersionRange};
