use std::collections::BTreeMap;

use aam_registry_core::{
    ErrorCode, Result,
    archive::ArchiveLimits,
    registry::Policy,
    types::{ManifestLimits, Principal},
};

use super::{
    watched::Watched,
    world::{World, archive_with, name, version},
};

async fn publish(world: &World, by: &Principal, package: &str, number: &str, needs: &[(&str, &str)]) {
    let needs: Vec<_> = needs.iter().map(|(name, constraint)| format!("\"{name}\": \"{constraint}\"")).collect();
    let dependencies = format!("dependencies: {{{}}}\n", needs.join(", "));
    world.publish(by, archive_with(package, number, &dependencies)).await.expect("published");
}

async fn one(world: &World, package: &str, spec: &str) -> Result<String> {
    let resolved = world.view().resolve(&name(package), &spec.parse().expect("selector")).await?;
    Ok(resolved.version.to_string())
}

async fn tree(world: &World, wanted: &[(&str, &str)]) -> Result<Vec<String>> {
    let wanted: BTreeMap<_, _> =
        wanted.iter().map(|(package, spec)| (name(package), spec.parse().expect("selector"))).collect();
    let resolved = world.view().resolve_tree(None, &wanted).await?;
    Ok(resolved.into_iter().map(|(name, chosen)| format!("{name} {}", chosen.version)).collect())
}

#[tokio::test]
async fn one_package_resolves_as_the_contract_says() {
    let world = World::new();
    let ada = world.user("ada").await;
    for number in ["1.0.0", "1.4.0", "2.0.0", "3.0.0-rc.1"] {
        publish(&world, &ada, "greet-kit", number, &[]).await;
    }
    let beta = "beta".parse().expect("tag");
    world.registry.set_tag(&ada, &name("greet-kit"), &beta, &version("3.0.0-rc.1")).await.expect("tagged");
    world.registry.yank(&ada, &name("greet-kit"), &version("2.0.0"), None).await.expect("yanked");
    for (spec, expected) in [
        ("", "1.4.0"),
        ("latest", "1.4.0"),
        ("*", "1.4.0"),
        ("^1", "1.4.0"),
        ("1.0.0", "1.0.0"),
        ("<1.4", "1.0.0"),
        ("2.0.0", "2.0.0"),
        ("=2.0.0", "2.0.0"),
        ("beta", "3.0.0-rc.1"),
        (">=3.0.0-rc.0", "3.0.0-rc.1"),
    ] {
        assert_eq!(one(&world, "greet-kit", spec).await.expect(spec), expected, "{spec:?}");
    }
    let error = one(&world, "greet-kit", "^2").await.expect_err("only a yanked one");
    assert_eq!(error.code(), ErrorCode::VersionNotFound);
    assert_eq!(error.to_string(), "Package greet-kit has no version matching ^2; the highest is 1.4.0");
    assert_eq!(one(&world, "greet-kit", "gamma").await.expect_err("no tag").code(), ErrorCode::TagNotFound);
    assert_eq!(one(&world, "missing", "*").await.expect_err("no package").code(), ErrorCode::PackageNotFound);
}

#[tokio::test]
async fn pre_releases_alone_satisfy_latest_but_not_any() {
    let world = World::new();
    let ada = world.user("ada").await;
    publish(&world, &ada, "pre", "1.0.0-rc.1", &[]).await;
    publish(&world, &ada, "pre", "1.0.0-rc.2", &[]).await;
    assert_eq!(one(&world, "pre", "latest").await.expect("latest"), "1.0.0-rc.2");
    assert_eq!(one(&world, "pre", "*").await.expect_err("as Cargo").code(), ErrorCode::VersionNotFound);
}

#[tokio::test]
async fn a_tree_holds_everything_needed() {
    let world = World::new();
    let ada = world.user("ada").await;
    publish(&world, &ada, "base", "1.0.0", &[]).await;
    publish(&world, &ada, "base", "2.0.0", &[]).await;
    publish(&world, &ada, "kit", "1.0.0", &[("base", "^1")]).await;
    publish(&world, &ada, "@ada/app", "1.0.0", &[("kit", "*"), ("base", ">=1")]).await;
    let expected = ["@ada/app 1.0.0", "base 1.0.0", "kit 1.0.0"];
    assert_eq!(tree(&world, &[("@ada/app", "latest")]).await.expect("resolved"), expected);
    assert_eq!(tree(&world, &[]).await.expect("resolved"), Vec::<String>::new());
}

#[tokio::test]
async fn a_conflict_names_both_sides_and_what_to_relax() {
    let world = World::new();
    let ada = world.user("ada").await;
    publish(&world, &ada, "base", "1.0.0", &[]).await;
    publish(&world, &ada, "base", "2.0.0", &[]).await;
    publish(&world, &ada, "old", "1.0.0", &[("base", "^1")]).await;
    publish(&world, &ada, "fresh", "1.0.0", &[("base", "^2")]).await;
    let error = tree(&world, &[("old", "*"), ("fresh", "*")]).await.expect_err("conflict");
    assert_eq!(error.code(), ErrorCode::ResolutionConflict);
    let told: Vec<_> =
        error.details().into_iter().map(|detail| format!("{}: {}", detail.field, detail.error)).collect();
    assert_eq!(
        told,
        [
            "base: fresh 1.0.0 needs ^2",
            "base: old 1.0.0 needs ^1",
            "base: no other version of fresh helps; without its ^2, 1.0.0 would do",
            "base: no other version of old helps; without its ^1, 2.0.0 would do",
        ]
    );
    let error = tree(&world, &[("old", "*"), ("base", "2.0.0")]).await.expect_err("conflict");
    let told: Vec<_> = error.details().into_iter().map(|detail| detail.error).collect();
    assert_eq!(told[..2], ["you ask for 2.0.0", "old 1.0.0 needs ^1"]);
    // A tag is told as it was asked for, with the version that it names.
    let error = tree(&world, &[("old", "*"), ("base", "latest")]).await.expect_err("conflict");
    let told: Vec<_> = error.details().into_iter().map(|detail| detail.error).collect();
    assert_eq!(told[..2], ["you ask for latest, which is 2.0.0", "old 1.0.0 needs ^1"]);
    assert_eq!(told[2], "if you did not ask for latest, 1.0.0 would do");
}

#[tokio::test]
async fn what_is_missing_is_told_apart() {
    let world = World::new();
    let ada = world.user("ada").await;
    publish(&world, &ada, "app", "1.0.0", &[("gone", "^1")]).await;
    publish(&world, &ada, "far", "1.0.0", &[("app", "^9")]).await;
    let error = tree(&world, &[("missing", "*")]).await.expect_err("no package");
    assert_eq!(error.code(), ErrorCode::PackageNotFound);
    assert_eq!(tree(&world, &[("app", "^2")]).await.expect_err("no version").code(), ErrorCode::VersionNotFound);
    assert_eq!(tree(&world, &[("app", "beta")]).await.expect_err("no tag").code(), ErrorCode::TagNotFound);
    let error = tree(&world, &[("app", "*")]).await.expect_err("no dependency");
    assert_eq!(error.to_string(), "Package gone is needed but does not exist");
    assert_eq!(error.details()[0].error, "app 1.0.0 needs ^1");
    let error = tree(&world, &[("far", "*")]).await.expect_err("no version of a dependency");
    assert_eq!(error.to_string(), "No version of app satisfies ^9, which far 1.0.0 needs");
    assert_eq!(error.details()[1].error, "has no version that any of these would accept; the highest is 1.0.0");
}

/// Versions that an earlier release took, which knew no limit of their dependencies.
#[tokio::test]
async fn no_more_is_read_for_one_resolution_than_it_may_hold_in_memory() {
    const PACKAGES: usize = 60;
    let mut reads = None;
    let world = World::with(|builder, database, _| {
        let watched = Watched::new(database);
        reads = Some(watched.clone());
        let wide = ManifestLimits::default().with_max_dependencies(usize::MAX);
        let policy = Policy::default().with_archive_limits(ArchiveLimits::default().with_manifest(wide));
        builder.packages(watched).policy(policy)
    });
    let reads = reads.expect("a store");
    let ada = world.user("ada").await;
    // 390 KB of dependencies each, and 23 MB in all.
    let (scope, long) = ("x".repeat(60), "y".repeat(55));
    let dependencies =
        (0..3_000).map(|at| format!("  \"@{scope}/{long}-{at:04}\": \"*\"\n")).collect::<Vec<_>>().concat();
    for at in 0..PACKAGES {
        let archive = archive_with(&format!("wide-{at:02}"), "1.0.0", &format!("dependencies:\n{dependencies}"));
        world.publish(&ada, archive).await.expect("published");
    }
    let versions_read = || reads.reads().iter().filter(|read| **read == "versions").count();
    versions_read();
    let all: Vec<_> = (0..PACKAGES).map(|at| (format!("wide-{at:02}"), "*")).collect();
    let all: Vec<_> = all.iter().map(|(package, spec)| (&**package, *spec)).collect();
    let error = tree(&world, &all).await.expect_err("too much");
    assert_eq!(error.code(), ErrorCode::ResolutionConflict);
    assert!(error.to_string().contains("ask for fewer packages at once"), "{error}");
    let read = versions_read();
    assert!((35..55).contains(&read), "{read} of {PACKAGES} were read");

    // The same where dependencies need so much.
    publish(&world, &ada, "needs-all", "1.0.0", &all).await;
    tree(&world, &[("needs-all", "*")]).await.expect_err("too much");
    let read = versions_read();
    assert!((35..55).contains(&read), "{read} of {PACKAGES} were read");
}
