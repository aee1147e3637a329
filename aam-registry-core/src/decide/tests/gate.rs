//! That each command asks the table of actions inside the transaction, where the answer binds.

use std::time::Duration;

use super::{
    ADMIN, NOW,
    accounts::token,
    actor, after, caller, commit, entry, facts,
    packages::{owner, owner_change, tag_change, yank},
    private,
    publishing::free,
    trusted_publishing::{publisher, publisher_command},
    user, username, v, visibility_change,
};
use crate::{
    decide::{
        AccountActor, AccountChange, AccountFacts, AccountUpdate, Action, ApprovalDecision, CallerAccount, CallerFacts,
        CallerToken, CloseReport, CloseReportFacts, DeleteAccount, DeleteAccountFacts, EndSession, EndSessionFacts,
        InvitationChange, InvitationFacts, InvitationUpdate, LogOut, MemberChange, MemberFacts, MemberState, NewReport,
        NewReportFacts, NewScope, NewScopeFacts, NewToken, NewTokenFacts, NewUser, PackageAccess, PackageCommand,
        PackageFacts, PublishFacts, PublisherChange, PublisherFacts, QuarantineChange, QuarantineCommand, RecordEval,
        RevokeToken, RevokeTokenFacts, Rights, ScopePolicyChange, ScopePolicyFacts, SecondFactorChange,
        SecondFactorFacts, SecondFactorUpdate, SetGates, SetReadOnly, SetReadOnlyFacts, Shown, WebhookAction,
        WebhookChange, WebhookCommand, WebhookFacts, gate::closed, shown,
    },
    error::{Error, ErrorCode, Result},
    memory::{self, MemoryMetadata},
    ports::{CommandHandlerExt, PublishStore},
    registry::{AccountSearch, Registry},
    types::{
        AccountRole, AccountRoles, AccountState, Actor, ApprovalStatus, AuditFilter, Credential, EvalResult,
        EvalStatus, Gates, InvitationId, LatestPolicy, Moderation, ModerationCategory, NewUpload, OneTimePurpose,
        OneTimeToken, PageRequest, Principal, ReadOnlyMode, Report, ReportFilter, ReportId, ScopeRole, SealedSecret,
        Sha256Digest, TagRules, TokenId, TokenScope, TokenScopes, User, VersionStatus, Visibility, WebhookId,
    },
};

/// What reads are asked for: a registry with a package of the first user, who administers it.
struct Reads {
    registry: Registry,
    by: Principal,
}

impl Reads {
    async fn new() -> Self {
        let database = MemoryMetadata::new();
        let account = User { roles: AccountRoles::all(), ..account() };
        let by = Principal::of_host(&account);
        let new = NewUser { user: account, password_hash: "hash".into(), audit: entry(), invitation: None };
        database.execute(&new).await.expect("created");
        let commit = commit("kit", "1.0.0");
        let upload = NewUpload { id: commit.upload, user: by.user, lease: Duration::from_hours(1) };
        database.begin_upload(&upload).await.expect("begun");
        database.commit_publish(&commit).await.expect("published");
        Self { registry: memory::registry().database(database).build().expect("complete"), by }
    }
}

fn account() -> User {
    User {
        id: user(0),
        username: username(0),
        email: "ada@example.com".into(),
        roles: AccountRoles::NONE,
        email_verified: false,
        otp_enabled: false,
        disabled: false,
        created_at: NOW,
    }
}

fn member_change(leaves: bool) -> Result<()> {
    let member = usize::from(!leaves);
    let change = MemberChange {
        actor: actor(0),
        scope: "team".parse().expect("a scope"),
        member: username(member),
        role: None,
        max_members: 100,
        now: NOW,
        audit: entry(),
    };
    let role = Some(if leaves { ScopeRole::Member } else { ScopeRole::Owner });
    let found = MemberState { user: user(member), role: Some(ScopeRole::Member) };
    let facts = MemberFacts {
        caller: caller(0),
        scope_exists: true,
        scope_requires_2fa: false,
        role,
        member: Some(found),
        other_owners: 1,
        member_count: 2,
    };
    change.decide(&facts).map(drop)
}

fn account_change() -> Result<()> {
    let update = AccountUpdate::Credentials {
        known_hash: "hash".into(),
        email: Some("ada@example.org".into()),
        password_hash: None,
        address_before: None,
    };
    let by = AccountActor::Itself(actor(0));
    let change = AccountChange { by, username: username(0), update, now: NOW, audit: vec![entry()] };
    let account =
        AccountState { user: account(), password_hash: "hash".into(), session_generation: 0, kept_session: None };
    let facts = AccountFacts { account: Some(account), caller: caller(0), ..AccountFacts::default() };
    change.decide(&facts).map(drop)
}

/// A change of the account of somebody else.
fn admins_change(update: AccountUpdate) -> Result<()> {
    let by = AccountActor::Admin(actor(1));
    let change = AccountChange { by, username: username(0), update, now: NOW, audit: vec![entry()] };
    let account =
        AccountState { user: account(), password_hash: "hash".into(), session_generation: 0, kept_session: None };
    let admin = CallerAccount { roles: AccountRoles::ADMIN, ..CallerAccount::default() };
    let facts = AccountFacts {
        account: Some(account),
        caller: CallerFacts { account: Some(admin), ..caller(1) },
        ..AccountFacts::default()
    };
    change.decide(&facts).map(drop)
}

fn deletion(by: usize) -> Result<()> {
    let actor = actor(by);
    let by = if by == 0 { AccountActor::Itself(actor) } else { AccountActor::Admin(actor) };
    let delete = DeleteAccount { by, username: username(0), password_hash: "none".into(), now: NOW, audit: entry() };
    let account =
        AccountState { user: account(), password_hash: "hash".into(), session_generation: 0, kept_session: None };
    let admin = CallerAccount { roles: AccountRoles::ADMIN, ..CallerAccount::default() };
    let caller = match delete.by {
        AccountActor::Admin(_) => CallerFacts { account: Some(admin), ..caller(1) },
        _ => caller(0),
    };
    let facts = DeleteAccountFacts { account: Some(account), caller, ..DeleteAccountFacts::default() };
    delete.decide(&facts).map(drop)
}

fn new_report() -> NewReport {
    let report = Report {
        id: ReportId::generate(),
        package: "kit".parse().expect("a name"),
        version: None,
        category: ModerationCategory::Other,
        text: "odd".into(),
        reporter: user(0),
        created_at: NOW,
        closure: None,
    };
    NewReport { actor: actor(0), report, audit: entry() }
}

fn revocation(with_itself: bool) -> Result<()> {
    let token = TokenId::generate();
    let credential = if with_itself { Credential::Token(token) } else { Credential::Host };
    let caller = CallerFacts { token: Some(CallerToken::default()), ..caller(0) };
    let facts = RevokeTokenFacts { caller, owner: Some(user(0)) };
    RevokeToken { actor: Actor { credential, ..actor(0) }, token, audit: entry() }.decide(&facts).map(drop)
}

const PENDING: VersionStatus = VersionStatus { approval: ApprovalStatus::Pending, ..VersionStatus::OPEN };
const QUARANTINED: VersionStatus = VersionStatus { moderation: Moderation::Quarantined, ..VersionStatus::OPEN };

/// Facts of a package of the first user, and of a version that somebody else published and that stands so.
fn standing(status: VersionStatus) -> PackageFacts {
    let mut facts = facts(&["1.0.0"], "1.0.0");
    let version = facts.version.as_mut().expect("a version");
    (version.status, version.published_by) = (status, user(1));
    facts
}

/// The same facts for the administrator.
fn by_admin(facts: PackageFacts) -> PackageFacts {
    let access = PackageAccess { caller: caller(ADMIN), package_owner: false, ..facts.access };
    PackageFacts { access, ..facts }
}

fn publisher_change(name: &str, of_owner: bool) -> Result<()> {
    let command = publisher_command(name, PublisherChange::Add(publisher(name)));
    let role = of_owner.then_some(ScopeRole::Owner);
    let access = PackageAccess { caller: caller(0), scope_role: role, ..PackageAccess::default() };
    let facts = PublisherFacts { access, scope_exists: of_owner, ..PublisherFacts::default() };
    command.decide(&facts).map(drop)
}

/// What somebody gets who may do `action` by its row.
#[expect(clippy::too_many_lines, reason = "one arm for each action")]
async fn attempt(action: Action, reads: &Reads) -> Result<()> {
    let Reads { registry, by } = reads;
    let (name, page) = ("kit".parse().expect("a name"), PageRequest { page: 1, limit: 1 });
    match action {
        Action::Publish => {
            let facts = PublishFacts { access: facts(&["1.0.0"], "1.0.0").access, ..free() };
            commit("kit", "1.1.0").decide(&facts).map(drop)
        }
        Action::Yank => yank("1.0.0").decide(&facts(&["1.0.0"], "1.0.0")).map(drop),
        Action::Tag => tag_change("beta", Some("1.0.0")).decide(&facts(&["1.0.0"], "1.0.0")).map(drop),
        Action::ChangeOwners => {
            let facts = PackageFacts { user: Some(owner(false, None)), ..facts(&["1.0.0"], "1.0.0") };
            owner_change("kit", true).decide(&facts).map(drop)
        }
        Action::ChangeVisibility => {
            visibility_change("@team/kit", Visibility::Private).decide(&facts(&["1.0.0"], "1.0.0")).map(drop)
        }
        // Changing it takes a right of its own, and seeing it first.
        Action::SeePrivate => {
            let mut facts = facts(&["1.0.0"], "1.0.0");
            facts.access.package = facts.access.package.map(private);
            tag_change("beta", Some("1.0.0")).decide(&facts).map(drop)
        }
        Action::SeeUnapproved => yank("1.0.0").decide(&standing(PENDING)).map(drop),
        Action::SeeQuarantined => yank("1.0.0").decide(&standing(QUARANTINED)).map(drop),
        Action::FetchQuarantined => {
            let moderator = Rights::of_account(AccountRole::Moderator.into());
            match shown(moderator, Visibility::Public, QUARANTINED, false) {
                Shown::Whole => Ok(()),
                other => Err(Error::forbidden(format!("{other:?}"))),
            }
        }
        Action::Approve => {
            let (actor, package, version, latest_policy) = (actor(ADMIN), name, v("1.0.0"), LatestPolicy::Highest);
            let (status, comment, now, audit) = (ApprovalStatus::Approved, None, NOW, entry());
            let approve = ApprovalDecision {
                actor,
                package,
                version,
                status,
                comment,
                tags: TagRules::default(),
                latest_policy,
                now,
                audit,
            };
            approve.decide(&by_admin(standing(PENDING))).map(drop)
        }
        Action::ListWaiting => registry.versions_by_approval(by, ApprovalStatus::Pending, page).await.map(drop),
        Action::Quarantine => {
            let (actor, package, version, latest_policy) = (actor(ADMIN), name, v("1.0.0"), LatestPolicy::Highest);
            let (change, now, audit) = (QuarantineChange::Lift, NOW, entry());
            let lift = QuarantineCommand {
                actor,
                package,
                version,
                change,
                tags: TagRules::default(),
                latest_policy,
                now,
                audit,
            };
            lift.decide(&by_admin(standing(QUARANTINED))).map(drop)
        }
        Action::ReadPackageLog => registry.package_audit_log(by, &name, None, page).await.map(drop),
        Action::ReadLog => {
            let filter = AuditFilter { package: None, event: None, actor: None, from: None, to: None, page };
            registry.audit_log(by, &filter).await.map(drop)
        }
        Action::AddPublisher => publisher_change("@team/kit", true),
        Action::ReserveForPublisher => publisher_change("new-kit", false),
        Action::ReadPublishers => registry.publishers(by, &name).await.map(drop),
        Action::ManagePublishers => {
            let command = publisher_command("kit", PublisherChange::SetOnly(false));
            let access = facts(&["1.0.0"], "1.0.0").access;
            command.decide(&PublisherFacts { access, ..PublisherFacts::default() }).map(drop)
        }
        Action::CreateScope => {
            let new = NewScope {
                actor: actor(0),
                name: "team".parse().expect("a scope"),
                max_scopes: None,
                now: NOW,
                audit: entry(),
            };
            let facts = NewScopeFacts { caller: caller(0), ..NewScopeFacts::default() };
            new.decide(&facts).map(drop)
        }
        Action::ChangeMembers => member_change(false),
        Action::SetScopePolicy => {
            let scope = "team".parse().expect("a scope");
            let change = ScopePolicyChange { actor: actor(0), scope, require_2fa: false, now: NOW, audit: entry() };
            let (requires_2fa, role) = (Some(false), Some(ScopeRole::Owner));
            change.decide(&ScopePolicyFacts { caller: caller(0), requires_2fa, role }).map(drop)
        }
        Action::LeaveScope => member_change(true),
        Action::ManageWebhooks => {
            let change = WebhookChange::Existing { id: WebhookId::generate(), action: WebhookAction::Delete };
            let scope = "team".parse().expect("a scope");
            let command = WebhookCommand { actor: actor(0), scope, change, now: NOW, audit: entry() };
            let role = Some(ScopeRole::Owner);
            let facts = WebhookFacts { caller: caller(0), scope_exists: true, role, ..WebhookFacts::default() };
            let refused = command.decide(&facts).expect_err("there is no such webhook");
            if refused.code() == ErrorCode::NotFound { Ok(()) } else { Err(refused) }
        }
        Action::ReadWebhooks => registry.scope_webhooks(by, &"user-0".parse().expect("a scope")).await.map(drop),
        Action::RecordEval => {
            let (name, status) = ("quality".parse().expect("a name"), EvalStatus::Passed);
            let (metrics, environment) = (serde_json::Map::new(), serde_json::Map::new());
            let (run_at, recorded_at) = (NOW, NOW);
            let result = EvalResult { name, status, metrics, run_at, runner: None, environment, recorded_at };
            let (package, version) = ("kit".parse().expect("a name"), v("1.0.0"));
            let record = RecordEval { actor: actor(0), package, version, result, audit: entry() };
            record.decide(&facts(&["1.0.0"], "1.0.0")).map(drop)
        }
        Action::SetGates => {
            let (package, gates) = ("kit".parse().expect("a name"), Gates::new());
            let set = SetGates { actor: actor(0), package, gates, now: NOW, audit: entry() };
            set.decide(&facts(&["1.0.0"], "1.0.0")).map(drop)
        }
        Action::Report => {
            new_report().decide(&NewReportFacts { package: facts(&["1.0.0"], "1.0.0"), open: 0 }).map(drop)
        }
        Action::ReadReports => registry.reports(by, &ReportFilter { state: None, page }).await.map(drop),
        Action::CloseReport => {
            let id = ReportId::generate();
            let close = CloseReport { actor: actor(ADMIN), id, comment: None, now: NOW, audit: entry() };
            let facts = CloseReportFacts { caller: caller(ADMIN), report: None };
            let refused = close.decide(&facts).expect_err("there is no such report");
            if refused.code() == ErrorCode::NotFound { Ok(()) } else { Err(refused) }
        }
        Action::ReadAccount => registry.account(by).await.map(drop),
        Action::ChangeAccount => account_change(),
        Action::ResetPassword => {
            let (digest, purpose) = (Sha256Digest::of(b"one"), OneTimePurpose::PasswordReset);
            admins_change(AccountUpdate::OneTimeToken(OneTimeToken { digest, purpose, expires_at: after(1) }))
        }
        Action::SetRoles => {
            admins_change(AccountUpdate::Roles { granted: AccountRole::Auditor.into(), revoked: AccountRoles::NONE })
        }
        Action::ListAccounts => {
            let search = AccountSearch { text: None, role: None, disabled: None, page };
            registry.find_accounts(by, &search).await.map(drop)
        }
        Action::DisableAccount => admins_change(AccountUpdate::Disabled(true)),
        Action::DeleteAccount => deletion(1),
        Action::DeleteOwnAccount => deletion(0),
        Action::SetReadOnly => {
            let mode = Some(ReadOnlyMode { since: NOW, by: "ada".to_owned(), reason: None });
            let switch = SetReadOnly { actor: Some(actor(ADMIN)), mode, audit: entry() };
            switch.decide(&SetReadOnlyFacts { caller: caller(ADMIN), mode: None }).map(drop)
        }
        Action::Invite => {
            let update = InvitationUpdate::Revoke(InvitationId::generate());
            let change = InvitationChange { actor: Some(actor(ADMIN)), update, audit: entry() };
            let facts = InvitationFacts { caller: caller(ADMIN), exists: true, ..InvitationFacts::default() };
            change.decide(&facts).map(drop)
        }
        Action::ChangeSecondFactor => {
            let secret = SealedSecret::new("sealed");
            let update = SecondFactorUpdate::Begin { actor: actor(0), secret };
            let change = SecondFactorChange { username: username(0), update, now: NOW, audit: None };
            let facts = SecondFactorFacts { user: Some(actor(0).user), factor: None, caller: caller(0) };
            change.decide(&facts).map(drop)
        }
        Action::VerifyEmail => {
            let update = AccountUpdate::TokenRequest(OneTimePurpose::EmailVerification);
            let username = username(0);
            let change =
                AccountChange { by: AccountActor::Itself(actor(0)), username, update, now: NOW, audit: vec![entry()] };
            let account = AccountState {
                user: account(),
                password_hash: "hash".into(),
                session_generation: 0,
                kept_session: None,
            };
            let facts = AccountFacts { account: Some(account), caller: caller(0), ..AccountFacts::default() };
            change.decide(&facts).map(drop)
        }
        Action::LogOut => {
            let credential = Credential::Session { id: "one".into(), generation: 0, expires_at: after(1) };
            let log_out = LogOut { actor: Actor { credential, ..actor(0) }, now: NOW, audit: entry() };
            log_out.decide(&caller(0)).map(drop)
        }
        Action::ListSessions => registry.login_sessions(by).await.map(drop),
        Action::EndSession => {
            let end = EndSession { actor: actor(0), session: "one".into(), audit: entry() };
            end.decide(&EndSessionFacts { caller: caller(0), expires_at: Some(after(1)) }).map(drop)
        }
        Action::CreateToken => {
            let (scopes, token) = (TokenScopes::all(), token(&[TokenScope::Publish], None));
            let new = NewToken {
                actor: actor(0),
                scopes,
                token,
                secret: Sha256Digest::of(b"one"),
                max_tokens: None,
                audit: entry(),
            };
            new.decide(&NewTokenFacts { caller: caller(0), live_tokens: 0 }).map(drop)
        }
        Action::ListTokens => registry.tokens(by).await.map(drop),
        Action::RevokeToken => revocation(false),
        Action::RevokeUsedToken => revocation(true),
    }
}

#[tokio::test]
async fn whatever_row_is_closed_nobody_does_the_action() {
    let reads = Reads::new().await;
    for action in Action::ALL {
        attempt(*action, &reads).await.unwrap_or_else(|error| panic!("{action:?}: {error}"));
        closed::set(Some(*action));
        let refused = attempt(*action, &reads).await;
        closed::set(None);
        match action {
            Action::SeePrivate => assert!(matches!(refused, Err(Error::PackageNotFound(_))), "{refused:?}"),
            Action::SeeUnapproved | Action::SeeQuarantined => {
                assert!(matches!(refused, Err(Error::VersionNotFound { .. })), "{refused:?}");
            }
            _ => assert!(matches!(refused, Err(Error::Forbidden(_))), "{action:?}: {refused:?}"),
        }
    }
}
