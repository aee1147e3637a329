//! Trusted publishers, what they publish, and the tokens that ID tokens are swapped for.

use std::collections::BTreeMap;

use super::{NOW, actor, after, caller, commit, entry, user};
use crate::{
    decide::{
        CallerFacts, CallerPublisher, PackageAccess, PackageState, PublishFacts, PublisherCandidate, PublisherChange,
        PublisherCommand, PublisherFacts, PublisherQuery, TokenExchange, TokenExchangeFacts, Write,
    },
    error::{Error, ErrorCode},
    types::{
        AccountRoles, Actor, Credential, DistTag, IdToken, Issuer, PublisherId, PublisherPreset, PublisherTokenId,
        ScopeRole, Sha256Digest, TrustedPublisher, Username, Visibility,
    },
};

const NAME: &str = "trusted-publisher:https://token.actions.githubusercontent.com:repo:acme/kit";

fn pairs(claims: &[(&str, &str)]) -> BTreeMap<String, String> {
    claims.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A publisher that the first user added.
pub(super) fn publisher(package: &str) -> TrustedPublisher {
    TrustedPublisher {
        id: PublisherId::generate(),
        package: package.parse().expect("a name"),
        issuer: Issuer::parse(Issuer::GITHUB).expect("an issuer"),
        preset: PublisherPreset::GitHub,
        claims: pairs(&[("repository", "acme/kit"), ("job_workflow_ref", "acme/kit/.github/workflows/publish.yml")]),
        pinned: BTreeMap::new(),
        pending: false,
        created_at: NOW,
        created_by: user(0),
    }
}

pub(super) fn publisher_command(package: &str, change: PublisherChange) -> PublisherCommand {
    let package = package.parse().expect("a name");
    PublisherCommand { actor: actor(0), package, change, now: NOW, audit: entry() }
}

fn standing() -> PackageState {
    PackageState { updated_at: after(10), visibility: Visibility::Public, trusted_only: false, has_open_version: true }
}

/// Facts of a package that the first user owns, with those publishers.
fn owned(publishers: Vec<TrustedPublisher>) -> PublisherFacts {
    let access = PackageAccess { package: Some(standing()), package_owner: true, ..free(vec![]).access };
    PublisherFacts { access, publishers, ..PublisherFacts::default() }
}

/// Facts of a name that is free.
fn free(publishers: Vec<TrustedPublisher>) -> PublisherFacts {
    let access = PackageAccess { caller: caller(0), ..PackageAccess::default() };
    PublisherFacts { access, publishers, ..PublisherFacts::default() }
}

fn refusal(command: &PublisherCommand, facts: &PublisherFacts) -> Option<ErrorCode> {
    command.decide(facts).err().map(|error| error.code())
}

#[test]
fn an_owner_adds_a_publisher_once() {
    let new = publisher("kit");
    let add = publisher_command("kit", PublisherChange::Add(new.clone()));
    let decision = add.decide(&owned(vec![])).expect("added");
    assert!(matches!(&decision.changes.writes[..], [Write::PutPublisher(put)] if !put.pending), "{decision:?}");
    let known = TrustedPublisher { id: PublisherId::generate(), ..new };
    let again = add.decide(&owned(vec![known.clone()])).expect("there already");
    assert!(again.changes.writes.is_empty() && again.changes.audit.is_empty());
    assert_eq!(again.answer.map(|answer| answer.id), Some(known.id));
    let many = (0..TrustedPublisher::MAX_PER_PACKAGE).map(|at| {
        let claims = pairs(&[("repository", &format!("acme/kit-{at}")), ("job_workflow_ref", "x")]);
        TrustedPublisher { claims, ..publisher("kit") }
    });
    assert_eq!(refusal(&add, &owned(many.collect())), Some(ErrorCode::QuotaExceeded));
    let mut strange = owned(vec![]);
    strange.access.package_owner = false;
    assert_eq!(refusal(&add, &strange), Some(ErrorCode::Forbidden));
}

#[test]
fn a_free_name_may_be_waited_for_by_anybody_and_in_a_scope_by_its_owners() {
    let add = publisher_command("kit", PublisherChange::Add(publisher("kit")));
    let decision = add.decide(&free(vec![])).expect("added");
    assert!(matches!(&decision.changes.writes[..], [Write::PutPublisher(put)] if put.pending), "{decision:?}");
    let others = TrustedPublisher { pending: true, created_by: user(1), ..publisher("kit") };
    assert_eq!(add.decide(&free(vec![others])).expect("added").changes.writes.len(), 1, "others may wait, too");
    let many = PublisherFacts { pending_of_actor: TrustedPublisher::MAX_PENDING_PER_USER, ..free(vec![]) };
    assert_eq!(refusal(&add, &many), Some(ErrorCode::QuotaExceeded));
    let words = publisher_command("a--b", PublisherChange::Add(publisher("a--b")));
    assert_eq!(refusal(&words, &free(vec![])), Some(ErrorCode::InvalidRequest));

    let scoped = publisher_command("@team/kit", PublisherChange::Add(publisher("@team/kit")));
    assert_eq!(refusal(&scoped, &free(vec![])), Some(ErrorCode::Forbidden), "the scope does not exist");
    for (role, refused) in [(Some(ScopeRole::Owner), None), (Some(ScopeRole::Member), Some(ErrorCode::Forbidden))] {
        let mut facts = PublisherFacts { scope_exists: true, ..free(vec![]) };
        facts.access.scope_role = role;
        assert_eq!(refusal(&scoped, &facts), refused, "{role:?}");
    }
}

#[test]
fn where_there_is_no_package_everybody_sees_the_own_publishers_alone() {
    let own = TrustedPublisher { pending: true, ..publisher("kit") };
    let others = TrustedPublisher { pending: true, created_by: user(1), ..publisher("kit") };
    let query = PublisherQuery { actor: actor(0), package: "kit".parse().expect("a name"), now: NOW };
    let seen = query.decide(&free(vec![others.clone(), own.clone()])).expect("seen");
    assert_eq!(seen.publishers, std::slice::from_ref(&own));
    let none = query.decide(&free(vec![others.clone()])).expect_err("nothing to see");
    assert_eq!(none.code(), ErrorCode::PackageNotFound);
    let remove = |id| publisher_command("kit", PublisherChange::Remove(id));
    assert_eq!(refusal(&remove(others.id), &free(vec![others.clone(), own.clone()])), Some(ErrorCode::NotFound));
    assert_eq!(refusal(&remove(own.id), &free(vec![others, own.clone()])), None);
    assert_eq!(refusal(&remove(PublisherId::generate()), &owned(vec![own])), Some(ErrorCode::NotFound));
}

#[test]
fn publishers_of_an_unseen_package_are_as_if_there_were_none() {
    let added = publisher("@team/kit");
    let private = PackageState { visibility: Visibility::Private, ..standing() };
    let facts = |package: Option<PackageState>, role| {
        let access = PackageAccess { caller: caller(0), package, scope_role: role, ..PackageAccess::default() };
        let publishers = package.map(|_| added.clone()).into_iter().collect();
        PublisherFacts { access, scope_exists: true, publishers, ..PublisherFacts::default() }
    };
    let changes = [
        PublisherChange::Add(publisher("@team/kit")),
        PublisherChange::Remove(added.id),
        PublisherChange::SetOnly(true),
    ];
    let commands = changes.map(|change| publisher_command("@team/kit", change));
    let query = PublisherQuery { actor: actor(0), package: "@team/kit".parse().expect("a name"), now: NOW };
    let told = |facts: &PublisherFacts| {
        let refusals = commands.iter().map(|command| command.decide(facts).expect_err("refused").to_string());
        refusals.chain([query.decide(facts).expect_err("refused").to_string()]).collect::<Vec<_>>()
    };
    assert_eq!(told(&facts(Some(private), None)), told(&facts(None, None)));
    let seen = facts(Some(private), Some(ScopeRole::Owner));
    assert_eq!(query.decide(&seen).expect("seen").publishers, std::slice::from_ref(&added));
    let decision = commands[1].decide(&seen).expect("removed");
    assert!(decision.changes.audit[0].is_private(), "events of it are withheld from those who may not see it");
    let pending = commands[0].decide(&facts(None, Some(ScopeRole::Owner))).expect("added");
    assert!(pending.changes.audit[0].is_private(), "the package may become a private one");
}

#[test]
fn a_package_is_closed_to_tokens_only_where_somebody_can_publish_it() {
    let close = publisher_command("kit", PublisherChange::SetOnly(true));
    assert_eq!(refusal(&close, &owned(vec![])), Some(ErrorCode::InvalidRequest));
    let decision = close.decide(&owned(vec![publisher("kit")])).expect("closed");
    assert!(matches!(decision.changes.writes[..], [Write::SetTrustedOnly { only: true, .. }]));
    assert_eq!(refusal(&close, &free(vec![])), Some(ErrorCode::PackageNotFound));
}

/// What a trusted publisher is that the first user added for `package`.
fn acting(package: &str, pending: bool) -> (Actor, CallerFacts) {
    let (token, id) = (PublisherTokenId::generate(), PublisherId::generate());
    let credential = Credential::Publisher { publisher: id, token, name: NAME.into() };
    let by = Actor {
        user: uuid::Uuid::from(id).into(),
        username: Username::trusted_publisher(),
        credential,
        roles: AccountRoles::NONE,
    };
    let publisher = CallerPublisher {
        package: package.parse().expect("a name"),
        pending,
        expires_at: after(900),
        created_by: user(0),
        creator_is_enabled: true,
        creator_role: None,
    };
    (by, CallerFacts { publisher: Some(publisher), ..CallerFacts::default() })
}

fn publishing(caller: CallerFacts, package: Option<PackageState>) -> PublishFacts {
    let access = PackageAccess { caller, package, ..PackageAccess::default() };
    PublishFacts { access, upload_is_live: true, scope_exists: true, ..PublishFacts::default() }
}

#[test]
fn a_publisher_publishes_its_package_and_no_other() {
    let (by, caller) = acting("kit", false);
    let mut kit = crate::decide::PublishCommit { actor: by, ..commit("kit", "1.0.0") };
    let facts = publishing(caller, Some(standing()));
    let decision = kit.decide(&facts).expect("published");
    let [Write::Publish(new)] = &decision.changes.writes[..] else { panic!("{decision:?}") };
    assert_eq!((new.published_by, new.publisher.as_deref(), new.owner), (user(0), Some(NAME), None));

    let tagged = PublishFacts { tag_is_set: true, ..facts.clone() };
    kit.tag = Some("beta".parse::<DistTag>().expect("a tag"));
    assert!(kit.decide(&tagged).is_ok(), "it moves the tags that it publishes under");

    let other = crate::decide::PublishCommit { manifest: commit("other", "1.0.0").manifest, ..kit.clone() };
    assert_eq!(other.decide(&facts).expect_err("refused").code(), ErrorCode::Forbidden);
    let mut ended = facts.clone();
    ended.access.caller.publisher = None;
    assert_eq!(kit.decide(&ended).expect_err("refused").code(), ErrorCode::Unauthorized, "it ends with its entry");
    let mut expired = facts;
    expired.access.caller.publisher.as_mut().expect("one").expires_at = NOW;
    assert_eq!(kit.decide(&expired).expect_err("refused").code(), ErrorCode::Unauthorized);
}

#[test]
fn a_waiting_publisher_makes_the_package_of_whoever_added_it() {
    let (by, caller) = acting("kit", true);
    let kit = crate::decide::PublishCommit { actor: by, ..commit("kit", "1.0.0") };
    let facts = publishing(caller, None);
    let decision = kit.decide(&facts).expect("published");
    let [Write::Publish(new), Write::SettlePublishers { owner, .. }] = &decision.changes.writes[..] else {
        panic!("{decision:?}")
    };
    assert_eq!((new.is_new_package, new.owner, *owner), (true, Some(user(0)), Some(user(0))));

    let taken =
        PublishFacts { access: PackageAccess { package: Some(standing()), ..facts.access.clone() }, ..facts.clone() };
    let refused = kit.decide(&taken).expect_err("somebody else made it");
    assert!(matches!(refused, Error::Forbidden(_)), "{refused}");
    let mut disabled = facts;
    disabled.access.caller.publisher.as_mut().expect("one").creator_is_enabled = false;
    assert!(matches!(kit.decide(&disabled), Err(Error::Forbidden(_))));

    let (by, mut caller) = acting("@team/kit", true);
    let scoped = crate::decide::PublishCommit { actor: by, ..commit("@team/kit", "1.0.0") };
    assert!(matches!(scoped.decide(&publishing(caller.clone(), None)), Err(Error::Forbidden(_))), "no owner any more");
    caller.publisher.as_mut().expect("one").creator_role = Some(ScopeRole::Owner);
    assert!(scoped.decide(&publishing(caller, None)).is_ok());
}

#[test]
fn where_publishers_alone_publish_owners_do_not() {
    let closed = PackageState { trusted_only: true, ..standing() };
    let access = PackageAccess { package: Some(closed), package_owner: true, ..free(vec![]).access };
    let facts = PublishFacts { access, upload_is_live: true, ..PublishFacts::default() };
    let refused = commit("kit", "1.0.0").decide(&facts).expect_err("refused");
    assert!(refused.to_string().contains("Only the trusted publishers of"), "{refused}");
    let (by, caller) = acting("kit", false);
    let kit = crate::decide::PublishCommit { actor: by, ..commit("kit", "1.0.0") };
    assert!(kit.decide(&publishing(caller, Some(closed))).is_ok());
}

fn exchange(claims: &[(&str, &str)], package: Option<&str>) -> TokenExchange {
    let workflow = "acme/kit/.github/workflows/publish.yml@refs/heads/main";
    let mut all = pairs(&[
        ("repository", "acme/kit"),
        ("job_workflow_ref", workflow),
        ("repository_id", "1"),
        ("repository_owner_id", "7"),
    ]);
    all.extend(pairs(claims));
    TokenExchange {
        id_token: IdToken {
            issuer: Issuer::parse(Issuer::GITHUB).expect("an issuer"),
            subject: "repo:acme/kit".into(),
            id: Some("1".into()),
            digest: Sha256Digest::of(b"token"),
            ends_at: after(300),
            claims: all,
        },
        package: package.map(|name| name.parse().expect("a name")),
        token: PublisherTokenId::generate(),
        secret: Sha256Digest::of(b"secret"),
        expires_at: after(900),
    }
}

fn candidate(publisher: TrustedPublisher) -> PublisherCandidate {
    PublisherCandidate { publisher, package_exists: true, creator_is_enabled: true, creator_role: None }
}

fn found(candidates: Vec<PublisherCandidate>) -> TokenExchangeFacts {
    TokenExchangeFacts { used: false, candidates }
}

#[test]
fn the_first_id_token_pins_the_ids() {
    let facts = found(vec![candidate(publisher("kit"))]);
    let decision = exchange(&[], None).decide(&facts).expect("swapped");
    assert_eq!(decision.answer.pinned, pairs(&[("repository_id", "1"), ("repository_owner_id", "7")]));
    let writes = &decision.changes.writes;
    assert!(matches!(&writes[..], [Write::PutPublisher(_), Write::UseIdToken { .. }, Write::AddPublisherToken(token)]
        if token.name == NAME));
    let pinned = found(vec![candidate(decision.answer)]);
    assert_eq!(exchange(&[], None).decide(&pinned).expect("swapped").changes.writes.len(), 2);
    let other = exchange(&[("repository_id", "2")], None).decide(&pinned).expect_err("another repository");
    assert!(other.to_string().contains("`repository_id` is not that of the first"), "{other}");
}

#[test]
fn an_id_token_counts_once_and_for_a_publisher_that_matches() {
    let used = TokenExchangeFacts { used: true, ..found(vec![candidate(publisher("kit"))]) };
    assert_eq!(exchange(&[], None).decide(&used).expect_err("used").code(), ErrorCode::Unauthorized);
    let facts = found(vec![candidate(publisher("kit"))]);
    for claims in [("repository", "eve/kit"), ("job_workflow_ref", "acme/kit/.github/workflows/test.yml@x")] {
        let refused = exchange(&[claims], None).decide(&facts).expect_err("another");
        assert!(matches!(&refused, Error::NoTrustedPublisher { details, .. } if !details.is_empty()), "{refused}");
    }
    assert!(exchange(&[], Some("other")).decide(&facts).is_err());
    let mut without_ids = exchange(&[], None);
    without_ids.id_token.claims.remove("repository_id");
    assert!(without_ids.decide(&facts).expect_err("no ids").to_string().contains("`repository_id`"));
}

#[test]
fn of_several_packages_one_has_to_be_named() {
    let facts = found(vec![candidate(publisher("kit")), candidate(publisher("tools"))]);
    let refused = exchange(&[], None).decide(&facts).expect_err("which?");
    assert!(refused.to_string().contains("kit, tools"), "{refused}");
    let one = exchange(&[], Some("tools")).decide(&facts).expect("swapped");
    assert_eq!(one.answer.package.as_str(), "tools");
}

#[test]
fn a_waiting_publisher_counts_while_whoever_added_it_could_make_the_package() {
    let waiting = |name| PublisherCandidate {
        package_exists: false,
        ..candidate(TrustedPublisher { pending: true, ..publisher(name) })
    };
    let swapped = |candidate| exchange(&[], None).decide(&found(vec![candidate])).is_ok();
    assert!(swapped(waiting("kit")));
    assert!(!swapped(PublisherCandidate { package_exists: true, ..waiting("kit") }), "somebody else made it");
    assert!(!swapped(PublisherCandidate { creator_is_enabled: false, ..waiting("kit") }));
    assert!(!swapped(waiting("@team/kit")));
    assert!(swapped(PublisherCandidate { creator_role: Some(ScopeRole::Owner), ..waiting("@team/kit") }));
    assert!(!swapped(PublisherCandidate { package_exists: false, ..candidate(publisher("kit")) }));
}

/// Whoever added the publisher will own the package: a stranger must not come to own what another's workflow publishes.
#[test]
fn where_several_users_wait_for_a_name_nobody_publishes_it() {
    let waiting = |by, package| PublisherCandidate {
        package_exists: false,
        creator_role: Some(ScopeRole::Owner),
        ..candidate(TrustedPublisher { pending: true, created_by: user(by), ..publisher(package) })
    };
    let swapped = |candidates| exchange(&[], None).decide(&found(candidates)).map(drop);
    let refused = swapped(vec![waiting(0, "kit"), waiting(1, "kit")]).expect_err("whose is it?");
    assert!(refused.to_string().contains("Several users"), "{refused}");
    assert!(swapped(vec![waiting(0, "kit"), waiting(0, "kit")]).is_ok());
    assert!(swapped(vec![waiting(0, "@team/kit"), waiting(1, "@team/kit")]).is_ok(), "the scope will own it");
}
