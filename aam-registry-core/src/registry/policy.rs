use std::{collections::BTreeSet, net::IpAddr, sync::Arc, time::Duration};

use ipnet::IpNet;

use crate::{
    archive::ArchiveLimits,
    decide::{PublishQuotas, ReadAccess},
    types::{ApprovalStatus, LatestPolicy, PackageName, Retention, ScopeName, TagPattern, TagRules},
};

/// Who may make an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrationPolicy {
    /// Everybody.
    #[default]
    Open,
    /// Who has an invitation of an administrator.
    Invite,
    /// Nobody; accounts are made by the operator.
    Closed,
}

/// Which versions wait for approval before others see them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApprovalPolicy {
    /// None.
    #[default]
    NotRequired,
    /// Those of every package.
    All,
    /// Those of packages in these scopes.
    Scopes(BTreeSet<ScopeName>),
}

impl ApprovalPolicy {
    /// Where a new version of a package stands.
    pub fn status_of(&self, package: &PackageName) -> ApprovalStatus {
        let waits = match self {
            Self::NotRequired => false,
            Self::All => true,
            Self::Scopes(scopes) => package.scope().is_some_and(|scope| scopes.contains(&scope)),
        };
        if waits { ApprovalStatus::Pending } else { ApprovalStatus::Approved }
    }
}

/// What the operator decides about the registry as a whole.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How large archives may be.
    pub archive_limits: ArchiveLimits,
    /// How `latest` is chosen.
    pub latest: LatestPolicy,
    /// Who may make an account.
    pub registration: RegistrationPolicy,
    /// Who may read what is public.
    pub read_access: ReadAccess,
    /// Which versions wait for approval.
    pub approval: ApprovalPolicy,
    /// Which dist-tags may be set, which need an approved version, and how many a package may have.
    pub tags: TagRules,
    /// What publishes may add at most.
    pub quotas: PublishQuotas,
    /// How many scopes an account may make beside the one of its name; `None` for any number.
    pub scopes_per_user: Option<u64>,
    /// How many API tokens in force an account may have; `None` for any number.
    pub tokens_per_user: Option<u64>,
    /// Names of scopes, users and unscoped packages that only administrators may take, beside those that
    /// are reserved everywhere.
    pub reserved_names: Arc<BTreeSet<String>>,
    /// From how many downloads on a name is protected against new ones that could be mistaken for it;
    /// `None` for no protection.
    pub protected_from: Option<u64>,
    /// Whether an administrator needs a second factor to act as one.
    pub require_admin_2fa: bool,
    /// The networks from which administrators may act as such; empty for all.
    pub admin_networks: Vec<IpNet>,
    /// The most days an API token lasts; `None` for any.
    pub max_token_days: Option<u32>,
    /// How long a login lasts.
    pub session_lifetime: Duration,
    /// How long one upload may take in all.
    pub upload_timeout: Duration,
    /// How many uploads of one account may be under way at a time; twice as many from one address.
    pub uploads_per_user: usize,
    /// Whether the audit log has the downloads.
    pub logs_reads: bool,
    /// For how long entries of the audit log are kept; `None` for ever.
    pub audit_retention: Option<Duration>,
    /// For how long rows are kept that would pile up, other than those of the audit log.
    pub retention: Retention,
    /// Whether every change is refused, whatever the switch in the database says.
    pub read_only: bool,
    /// How many owners may be listed with a package, beside the owners of its scope.
    pub owners_per_package: u64,
    /// How many members a scope may have.
    pub members_per_scope: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            archive_limits: ArchiveLimits::default(),
            latest: LatestPolicy::default(),
            registration: RegistrationPolicy::default(),
            read_access: ReadAccess::default(),
            approval: ApprovalPolicy::default(),
            tags: TagRules::default(),
            quotas: PublishQuotas::default(),
            scopes_per_user: Some(20),
            tokens_per_user: Some(100),
            reserved_names: Arc::default(),
            protected_from: Some(1_000),
            require_admin_2fa: false,
            admin_networks: Vec::new(),
            max_token_days: None,
            session_lifetime: Duration::from_hours(24),
            upload_timeout: Duration::from_mins(15),
            uploads_per_user: 4,
            logs_reads: false,
            audit_retention: None,
            retention: Retention::default(),
            read_only: false,
            owners_per_package: 100,
            members_per_scope: 1_000,
        }
    }
}

impl Policy {
    /// Sets how large archives may be.
    #[must_use]
    pub fn with_archive_limits(mut self, limits: ArchiveLimits) -> Self {
        self.archive_limits = limits;
        self
    }

    /// Sets how `latest` is chosen.
    #[must_use]
    pub fn with_latest(mut self, latest: LatestPolicy) -> Self {
        self.latest = latest;
        self
    }

    /// Sets who may make an account.
    #[must_use]
    pub fn with_registration(mut self, registration: RegistrationPolicy) -> Self {
        self.registration = registration;
        self
    }

    /// Sets who may read what is public.
    #[must_use]
    pub fn with_read_access(mut self, access: ReadAccess) -> Self {
        self.read_access = access;
        self
    }

    /// Sets which versions wait for approval before others see them.
    #[must_use]
    pub fn with_approval(mut self, approval: ApprovalPolicy) -> Self {
        self.approval = approval;
        self
    }

    /// Restricts the dist-tags that may be set beside `latest`. Tags that exist stay.
    #[must_use]
    pub fn with_allowed_tags(mut self, tags: impl IntoIterator<Item = TagPattern>) -> Self {
        self.tags.allowed = Some(tags.into_iter().collect());
        self
    }

    /// Sets which dist-tags beside `latest` name only versions that an approver has approved. Tags that exist stay.
    #[must_use]
    pub fn with_approval_for_tags(mut self, tags: impl IntoIterator<Item = TagPattern>) -> Self {
        self.tags.need_approval = tags.into_iter().collect();
        self
    }

    /// Sets what publishes may add at most. What is over it already stays.
    #[must_use]
    pub fn with_quotas(mut self, quotas: PublishQuotas) -> Self {
        self.quotas = quotas;
        self
    }

    /// Sets how many scopes an account may make beside the one of its name; `None` for any number.
    #[must_use]
    pub fn with_scopes_per_user(mut self, scopes: Option<u64>) -> Self {
        self.scopes_per_user = scopes;
        self
    }

    /// Sets how many API tokens in force an account may have; `None` for any number.
    #[must_use]
    pub fn with_tokens_per_user(mut self, tokens: Option<u64>) -> Self {
        self.tokens_per_user = tokens;
        self
    }

    /// Reserves names of scopes, users and unscoped packages for administrators.
    #[must_use]
    pub fn with_reserved_names(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.reserved_names = Arc::new(names.into_iter().collect());
        self
    }

    /// Sets from how many downloads on a name is protected against new ones that could be mistaken for it;
    /// `None` for no protection.
    #[must_use]
    pub fn with_protected_from(mut self, downloads: Option<u64>) -> Self {
        self.protected_from = downloads;
        self
    }

    /// Sets whether an administrator needs a second factor to act as one.
    #[must_use]
    pub fn with_require_admin_2fa(mut self, required: bool) -> Self {
        self.require_admin_2fa = required;
        self
    }

    /// Restricts the networks from which administrators may act as such; none for no restriction.
    #[must_use]
    pub fn with_admin_networks(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.admin_networks = networks.into_iter().collect();
        self
    }

    /// Sets the most days an API token lasts; `None` for any. Tokens that exist keep their end.
    #[must_use]
    pub fn with_max_token_days(mut self, days: Option<u32>) -> Self {
        self.max_token_days = days;
        self
    }

    /// Sets how long a login lasts.
    #[must_use]
    pub fn with_session_lifetime(mut self, lifetime: Duration) -> Self {
        self.session_lifetime = lifetime;
        self
    }

    /// Sets how long one upload may take in all.
    #[must_use]
    pub fn with_upload_timeout(mut self, timeout: Duration) -> Self {
        self.upload_timeout = timeout;
        self
    }

    /// Sets how many uploads of one account may be under way at a time, at
    /// least one; twice as many may be from one address. Of several replicas
    /// each counts its own.
    #[must_use]
    pub fn with_uploads_per_user(mut self, uploads: usize) -> Self {
        self.uploads_per_user = uploads.max(1);
        self
    }

    /// Sets whether the audit log has the downloads: each minute one entry (`package.download`) for each version and
    /// each user, and one for all who gave no credential.
    #[must_use]
    pub fn with_logged_reads(mut self, logs: bool) -> Self {
        self.logs_reads = logs;
        self
    }

    /// Sets for how long entries of the audit log are kept, `None` for ever. They are deleted by whole days, by
    /// [`run_background`](super::Registry::run_background).
    #[must_use]
    pub fn with_audit_retention(mut self, retention: Option<Duration>) -> Self {
        self.audit_retention = retention;
        self
    }

    /// Sets for how long rows are kept that would pile up. They are deleted by
    /// [`run_background`](super::Registry::run_background), by whole days.
    #[must_use]
    pub fn with_retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Sets whether this process refuses every change, whatever the switch in the database says. Reads, downloads and
    /// logins go on.
    #[must_use]
    pub fn with_read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Sets how many dist-tags a package may have beside `latest`.
    #[must_use]
    pub fn with_tags_per_package(mut self, tags: u64) -> Self {
        self.tags.max = tags;
        self
    }

    /// Sets how many owners may be listed with a package, beside the owners of its scope; at least one.
    #[must_use]
    pub fn with_owners_per_package(mut self, owners: u64) -> Self {
        self.owners_per_package = owners.max(1);
        self
    }

    /// Sets how many members a scope may have; at least one.
    #[must_use]
    pub fn with_members_per_scope(mut self, members: u64) -> Self {
        self.members_per_scope = members.max(1);
        self
    }

    /// Whether administrators may act as such from that address.
    pub(super) fn lets_administer_from(&self, client: Option<IpAddr>) -> bool {
        let is_inside = |client: IpAddr| self.admin_networks.iter().any(|network| network.contains(&client));
        self.admin_networks.is_empty() || client.map(|client| client.to_canonical()).is_some_and(is_inside)
    }
}
