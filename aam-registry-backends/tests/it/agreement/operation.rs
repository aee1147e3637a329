use std::time::Duration;

use aam_registry_core::{
    Error, ErrorCode, Result,
    decide::{
        MemberChange, OwnerChange, PublishCheck, PublishCommit, PublishQuotas, TagChange, TextChange, Unyank, Yank,
    },
    ports::{CommandHandlerExt, Database},
    types::{
        ApprovalStatus, ArchiveFile, ArchiveKey, AuditEvent, DownloadBatch, DownloadCount, LatestPolicy, NewAuditEntry,
        NewUpload, ScopeRole, Sha256Digest, TagRules, UploadId, VersionText,
    },
};
use jiff::{SignedDuration, Timestamp};
use proptest::{option, prelude::*, sample::select};

use super::world::{self, DAYS, PACKAGES, SCOPES, TAGS, USERS, VERSIONS, World};

/// An operation: user, action and object, each by number.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    who: usize,
    package: usize,
    version: usize,
    newest: bool,
    verb: Verb,
}

#[derive(Clone, Debug)]
enum Verb {
    Publish { tag: Option<usize> },
    Yank,
    Unyank,
    SetText { text: VersionText, value: Option<&'static str> },
    SetTag { tag: usize },
    RemoveTag { tag: usize },
    AddOwner { owner: usize },
    RemoveOwner { owner: usize },
    SetMember { scope: usize, member: usize, role: Option<ScopeRole> },
    Download { day: usize, count: u64 },
    RefreshTotals,
    Sequence { limit: usize },
}

impl Operation {
    /// Any operation; those that create something are more frequent.
    pub(super) fn any() -> impl Strategy<Value = Self> {
        let role = select(&[ScopeRole::Contributor, ScopeRole::Member, ScopeRole::Owner][..]);
        let verb = prop_oneof![
            8 => option::weighted(0.3, 0..TAGS).prop_map(|tag| Verb::Publish { tag }),
            3 => Just(Verb::Yank),
            2 => Just(Verb::Unyank),
            1 => (select(&VersionText::ALL[..]), option::of(Just("use another")))
                .prop_map(|(text, value)| Verb::SetText { text, value }),
            3 => (0..TAGS).prop_map(|tag| Verb::SetTag { tag }),
            1 => (1..TAGS).prop_map(|tag| Verb::RemoveTag { tag }),
            1 => (0..USERS).prop_map(|owner| Verb::AddOwner { owner }),
            1 => (0..USERS).prop_map(|owner| Verb::RemoveOwner { owner }),
            2 => (0..SCOPES, 0..USERS, option::of(role))
                .prop_map(|(scope, member, role)| Verb::SetMember { scope, member, role }),
            1 => (0..DAYS.len(), 0..5_u64).prop_map(|(day, count)| Verb::Download { day, count }),
            1 => Just(Verb::RefreshTotals),
            1 => (0..5_usize).prop_map(|limit| Verb::Sequence { limit }),
        ];
        // Most operations are of the first user and on the first package, so that many are allowed and build on each other.
        let who = prop_oneof![5 => Just(0), 1 => 0..USERS];
        let package = prop_oneof![3 => Just(0), 1 => 0..PACKAGES];
        (who, package, 0..VERSIONS.len(), proptest::bool::weighted(0.2), verb)
            .prop_map(|(who, package, version, newest, verb)| Self { who, package, version, newest, verb })
    }

    /// Publishes of a package that the first user owns, the highest version in the middle.
    pub(super) fn first_publishes() -> Vec<Self> {
        let publish = |version| Self { who: 0, package: 0, version, newest: false, verb: Verb::Publish { tag: None } };
        [0, 5, 1].map(publish).to_vec()
    }

    /// The operation as number `at` in `world`, to be performed on any database.
    pub(super) fn task<'a>(&'a self, world: &'a World, at: i64) -> Task<'a> {
        Task { operation: self, world, upload: UploadId::generate(), now: world.start + SignedDuration::from_secs(at) }
    }
}

/// An operation with the ids and instants that all databases get alike.
pub(super) struct Task<'a> {
    operation: &'a Operation,
    world: &'a World,
    upload: UploadId,
    now: Timestamp,
}

impl Task<'_> {
    /// The result: the answer, or the code of the refusal.
    pub(super) async fn perform(&self, db: &dyn Database) -> Result<String, ErrorCode> {
        self.ask(db).await.map_err(|error| error.code())
    }

    async fn ask(&self, db: &dyn Database) -> Result<String> {
        let Operation { who, package, version, newest, verb } = self.operation;
        let (world, now) = (self.world, self.now);
        let (actor, package) = (world.actors[*who].clone(), world.packages[*package].clone());
        let version = VERSIONS[*version].parse().expect("a version");
        let latest_policy = if *newest { LatestPolicy::Newest } else { LatestPolicy::Highest };
        let audit = |event| NewAuditEntry {
            id: self.upload.to_string().parse().expect("an id"),
            ..NewAuditEntry::new(event, now).with_actor(actor.username.as_str()).with_package(&package)
        };
        match verb {
            Verb::Publish { tag } => {
                let check = PublishCheck {
                    actor: actor.clone(),
                    package: package.clone(),
                    version,
                    quotas: PublishQuotas::default(),
                    now,
                };
                let checked = db.check_publish(&check).await;
                let committed = self.publish(db, &check, tag.map(|tag| &world.tags[tag]), latest_policy).await;
                // A check must answer what the commit will, except about the tag, which it does not know.
                let (checked, said) =
                    (checked.map_err(|e| e.code()), committed.as_ref().map(drop).map_err(Error::code));
                let over_the_tag = tag.is_some() && checked.is_ok() && said == Err(ErrorCode::Forbidden);
                assert!(checked == said || over_the_tag, "checked {checked:?}, committed {said:?}");
                committed
            }
            Verb::Yank => {
                let (reason, audit) = (newest.then(|| "leaks".to_owned()), audit(AuditEvent::VersionYank));
                let yank =
                    Yank { actor: actor.clone(), package: package.clone(), version, reason, latest_policy, now, audit };
                db.execute(&yank).await.map(|yanked| format!("{yanked:?}"))
            }
            Verb::Unyank => {
                let audit = audit(AuditEvent::VersionUnyank);
                let unyank =
                    Unyank { actor: actor.clone(), package: package.clone(), version, latest_policy, now, audit };
                db.execute(&unyank).await.map(|moved| format!("{moved:?}"))
            }
            Verb::SetText { text, value } => {
                let (text, value, audit) = (*text, value.map(str::to_owned), audit(text.event()));
                let change =
                    TextChange { actor: actor.clone(), package: package.clone(), version, text, value, now, audit };
                db.execute(&change).await.map(|()| String::new())
            }
            Verb::SetTag { tag } | Verb::RemoveTag { tag } => {
                let sets = matches!(verb, Verb::SetTag { .. });
                let (tag, audit) = (world.tags[*tag].clone(), audit(AuditEvent::TagSet));
                let version = sets.then_some(version);
                let change = TagChange {
                    actor: actor.clone(),
                    package: package.clone(),
                    tag,
                    version,
                    rules: TagRules::at_most(2),
                    now,
                    audit,
                };
                db.execute(&change).await.map(|()| String::new())
            }
            Verb::AddOwner { owner } | Verb::RemoveOwner { owner } => {
                let (owner, audit) = (world.actors[*owner].username.clone(), audit(AuditEvent::OwnershipAdd));
                let owns = matches!(verb, Verb::AddOwner { .. });
                let change = OwnerChange {
                    actor: actor.clone(),
                    package: package.clone(),
                    owner,
                    owns,
                    max_owners: 2,
                    now,
                    audit,
                };
                db.execute(&change).await.map(|()| String::new())
            }
            Verb::SetMember { scope, member, role } => {
                let (scope, member) = (world.scopes[*scope].clone(), world.actors[*member].username.clone());
                let audit = audit(AuditEvent::ScopeMemberSet);
                let change =
                    MemberChange { actor: actor.clone(), scope, member, role: *role, max_members: 3, now, audit };
                db.execute(&change).await.map(|()| String::new())
            }
            Verb::Download { day, count } => {
                let count = DownloadCount { package: package.clone(), version, day: DAYS[*day], count: *count };
                db.add_downloads(&DownloadBatch::new(now, vec![count])).await.map(|()| String::new())
            }
            Verb::RefreshTotals => db.refresh_totals().await.map(|()| String::new()),
            Verb::Sequence { limit } => db.sequence(*limit).await.map(|count| count.to_string()),
        }
    }

    async fn publish(
        &self,
        db: &dyn Database,
        asked: &PublishCheck,
        tag: Option<&aam_registry_core::types::DistTag>,
        latest_policy: LatestPolicy,
    ) -> Result<String> {
        let (id, now, actor) = (self.upload, self.now, asked.actor.clone());
        db.begin_upload(&NewUpload { id, user: actor.user, lease: Duration::from_hours(1) }).await?;
        let audit = NewAuditEntry::new(AuditEvent::PackagePublish, now).with_actor(actor.username.as_str());
        let audit = NewAuditEntry { id: id.to_string().parse().expect("an id"), ..audit.with_package(&asked.package) };
        let sha256 = Sha256Digest::of(id.to_string().as_bytes());
        let commit = PublishCommit {
            actor,
            upload: id,
            archive: ArchiveKey::from(id),
            manifest: world::manifest(&asked.package, &asked.version),
            sha256,
            archive_size: 1000,
            files: vec![ArchiveFile { path: "aam.yaml".to_owned(), size: 10, sha256, executable: false }],
            readme: None,
            tag: tag.cloned(),
            approval: ApprovalStatus::Approved,
            tags: TagRules::at_most(2),
            quotas: PublishQuotas::default(),
            latest_policy,
            now,
            audit,
        };
        db.commit_publish(&commit).await.map(|published| format!("{published:?}"))
    }
}
