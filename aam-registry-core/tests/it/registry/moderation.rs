//! Who hears of approvals and quarantines, and what becomes of the bytes of removed versions.

use std::time::Duration;

use aam_registry_core::{
    error::ErrorCode,
    memory::MemoryMailer,
    registry::{ApprovalPolicy, Policy},
    types::{
        AccountRole, ApprovalStatus, JobFilter, JobState, ModerationCategory, PageRequest, Principal, ScopeRole,
        VersionBounds, VersionRange, Viewer,
    },
};

use super::world::{World, archive, name, version};

const BASE_URL: &str = "https://registry.example.com";

/// A world in which every version waits, with somebody in each role, and the mails that it sends.
async fn strict() -> (World, MemoryMailer, [Principal; 3]) {
    let mailer = MemoryMailer::new();
    let sent = mailer.clone();
    let policy = Policy::default().with_approval(ApprovalPolicy::All);
    let world = World::with(|builder, _, _| builder.policy(policy).mailer(mailer, BASE_URL));
    let ada = world.user("ada").await;
    let mut staff = Vec::new();
    for (user, role) in [("may", AccountRole::Approver), ("mod", AccountRole::Moderator)] {
        let user = world.user(user).await;
        world.registry.set_role(&user.username, role, true).await.expect("granted");
        staff.push(Principal { roles: role.into(), ..user });
    }
    let [may, moderator]: [Principal; 2] = staff.try_into().expect("two");
    (world, sent, [ada, may, moderator])
}

/// The mails about versions that were sent since the last call: to whom, and about what.
async fn mails(world: &World, mailer: &MemoryMailer, seen: &mut usize) -> Vec<(String, String)> {
    let registry = &world.registry;
    let waiting = async || {
        let page = PageRequest { page: 1, limit: 100 };
        let filter = JobFilter { id: None, kind: None, state: None, with_done: false, newest_first: false, page };
        registry.jobs(&filter).await.expect("listed").items.iter().any(|job| job.state != JobState::Failed)
    };
    let settled = async {
        while waiting().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    registry.run_background(settled).await;
    let mut sent: Vec<_> = mailer.sent().into_iter().map(|mail| (mail.to, mail.subject)).collect();
    let mut new = sent.split_off(*seen);
    *seen += new.len();
    new.retain(|(_, subject)| subject.contains("kit"));
    new.sort();
    new
}

#[tokio::test]
async fn those_concerned_hear_of_approvals_and_quarantines() {
    let (world, mailer, [ada, may, moderator]) = strict().await;
    let (kit, one, two) = (name("kit"), version("1.0.0"), version("1.1.0"));
    let (registry, mut seen) = (&world.registry, 0);
    mails(&world, &mailer, &mut seen).await;
    let told = |mails: Vec<(String, String)>| mails.into_iter().map(|(to, about)| format!("{to}: {about}")).collect();
    let receipt = world.published(&ada, "kit", "1.0.0").await;
    let warning = "kit 1.0.0 waits for approval: others see it once an approver has approved it";
    assert_eq!(receipt.warnings.last().map(String::as_str), Some(warning));
    let mut all: Vec<String> = told(mails(&world, &mailer, &mut seen).await);
    registry.decide_approval(&may, &kit, &one, ApprovalStatus::Approved, None).await.expect("approved");
    world.published(&ada, "kit", "1.1.0").await;
    registry.decide_approval(&may, &kit, &two, ApprovalStatus::Rejected, Some("no".into())).await.expect("rejected");
    let category = ModerationCategory::Malware;
    registry.quarantine(&moderator, &kit, &one, category, "it steals").await.expect("quarantined");
    registry.release(&moderator, &kit, &one).await.expect("released");
    registry.quarantine(&moderator, &kit, &one, category, "it does steal").await.expect("quarantined");
    registry.remove_version(&moderator, &kit, &one).await.expect("removed");
    all.extend(told(mails(&world, &mailer, &mut seen).await));
    assert_eq!(
        all,
        [
            "may@example.com: kit 1.0.0 waits for approval",
            "ada@example.com: kit 1.0.0 is out of quarantine",
            "ada@example.com: kit 1.0.0 was approved",
            "ada@example.com: kit 1.0.0 was put into quarantine",
            "ada@example.com: kit 1.0.0 was put into quarantine",
            "ada@example.com: kit 1.0.0 was removed",
            "ada@example.com: kit 1.1.0 was rejected",
            "may@example.com: kit 1.1.0 waits for approval",
        ]
    );
}

/// Two versions with the same bytes have an archive each, so that removing the one takes nothing from the other.
#[tokio::test]
async fn the_bytes_of_a_removed_version_are_deleted_and_no_others() {
    let world = World::new();
    let (ada, moderator) = (world.user("ada").await, world.user("mod").await);
    world.registry.set_role(&moderator.username, AccountRole::Moderator, true).await.expect("granted");
    let moderator = Principal { roles: AccountRole::Moderator.into(), ..moderator };
    world.published(&ada, "kit", "1.0.0").await;
    world.publish(&ada, archive("other", "1.0.0")).await.expect("published");
    assert_eq!(world.stored_archives().await, 2);
    let (kit, one) = (name("kit"), version("1.0.0"));
    let removed = world.registry.remove_version(&moderator, &kit, &one).await.expect_err("not in quarantine");
    assert_eq!(removed.code(), ErrorCode::InvalidRequest);
    world
        .registry
        .quarantine(&moderator, &kit, &one, ModerationCategory::Legal, "a court says so")
        .await
        .expect("done");
    world.registry.remove_version(&moderator, &kit, &one).await.expect("removed");
    world.registry.sweep_uploads().await.expect("swept");
    assert_eq!(world.stored_archives().await, 2, "a download may still be reading it");
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(world.registry.sweep_uploads().await.expect("swept").deleted, 1);
    assert_eq!(world.stored_archives().await, 1);
    let other = world.view().locate(&name("other"), &one).await.expect("there");
    world.registry.open_archive(&other, None).await.expect("its bytes are there");
    assert_eq!(world.view().locate(&kit, &one).await.expect_err("gone").code(), ErrorCode::VersionGone);
}

/// A list that has a part of the versions tells of no others than those that its reader sees.
#[tokio::test]
async fn a_version_that_is_not_shown_is_not_counted_either() {
    let world = World::new();
    let (ada, cat, moderator) = (world.user("ada").await, world.user("cat").await, world.user("mod").await);
    let registry = &world.registry;
    registry.set_role(&moderator.username, AccountRole::Moderator, true).await.expect("granted");
    let moderator = Principal { roles: AccountRole::Moderator.into(), ..moderator };
    let team = "team".parse().expect("a scope");
    registry.create_scope(&ada, &team).await.expect("a scope");
    registry.set_member(&ada, &team, &cat.username, ScopeRole::Contributor).await.expect("a member");
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        world.published(&ada, "@team/kit", version).await;
    }
    let (kit, oldest) = (name("@team/kit"), version("1.0.0"));
    registry.quarantine(&moderator, &kit, &oldest, ModerationCategory::Malware, "it steals").await.expect("done");
    for (viewer, total) in [(Viewer::Anonymous, 2), (Viewer::Known(cat), 2), (Viewer::Known(ada), 3)] {
        for listed in [1, 2] {
            let bounds = VersionBounds { versions: listed, ..VersionBounds::LISTED };
            let range = VersionRange { before: None, bounds };
            let list = registry.view(&viewer).expect("admitted").version_list(&kit, &range).await.expect("read");
            let told = (list.versions.len(), list.total, list.has_older);
            assert_eq!(told, (listed, total, (listed as u64) < total), "{viewer:?}");
        }
    }
}
