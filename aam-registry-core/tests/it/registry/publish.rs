use std::time::Duration;

use aam_registry_core::{
    ErrorCode,
    archive::ArchiveLimits,
    registry::{Policy, PublishOptions},
    types::{DistTag, Sha256Digest},
};
use bytes::Bytes;

use super::world::{World, archive, archive_with, name, noise, tar_gz, version};

fn tagged(tag: &str) -> PublishOptions {
    PublishOptions { tag: Some(tag.parse().expect("tag")), checksum: None }
}

#[tokio::test]
async fn what_is_published_can_be_read() {
    let world = World::new();
    let ada = world.user("ada").await;
    let bytes = archive("greet-kit", "1.0.0");
    let receipt = world.publish(&ada, bytes.clone()).await.expect("published");
    assert_eq!(receipt.sha256, Sha256Digest::of(&bytes));
    assert_eq!(receipt.archive_size, bytes.len() as u64);
    assert_eq!(receipt.dist_tags, [DistTag::latest()]);

    let detail = world.view().version(&name("greet-kit"), &version("1.0.0")).await.expect("version");
    assert_eq!((detail.summary.sha256, detail.published_by.as_str()), (receipt.sha256, "ada"));
    let content = world.registry.open_archive(&detail.location(), None).await.expect("opened");
    let aam_registry_core::ports::ArchiveContent::Bytes(stored) = content else { panic!("{content:?}") };
    assert_eq!(stored, bytes);
    let files = world.view().files(&name("greet-kit"), &version("1.0.0")).await.expect("files");
    let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["README.md", "aam.yaml", "skills/one/SKILL.md"]);
    assert_eq!(world.view().readme(&name("greet-kit"), &version("1.0.0")).await.expect("readme"), "# Hello\n");
}

#[tokio::test]
async fn a_tag_is_set_beside_latest() {
    let world = World::new();
    let ada = world.user("ada").await;
    world.published(&ada, "greet-kit", "2.0.0").await;
    let receipt = world.publish_with(&ada, archive("greet-kit", "1.9.0"), tagged("stable")).await.expect("published");
    assert_eq!(receipt.dist_tags, ["stable".parse().expect("tag")]);
    let receipt = world.publish_with(&ada, archive("greet-kit", "1.9.1"), tagged("latest")).await.expect("published");
    assert_eq!(receipt.dist_tags, ["latest".parse().expect("tag")]);
}

#[tokio::test]
async fn only_tags_the_operator_allows_are_set() {
    let world = World::with_policy(Policy::default().with_allowed_tags(["stable".parse().expect("tag")]));
    let ada = world.user("ada").await;
    let refused = world.publish_with(&ada, archive("greet-kit", "1.0.0"), tagged("beta")).await.expect_err("refused");
    assert_eq!(refused.code(), ErrorCode::TagNotAllowed);
    assert_eq!(world.stored_archives().await, 0);
    for (version, tag) in [("1.0.0", "stable"), ("1.0.1", "latest")] {
        world.publish_with(&ada, archive("greet-kit", version), tagged(tag)).await.expect("published");
    }
}

#[tokio::test]
async fn a_wrong_checksum_stores_nothing() {
    let world = World::new();
    let ada = world.user("ada").await;
    let bytes = archive("greet-kit", "1.0.0");
    let wrong = PublishOptions { tag: None, checksum: Some(Sha256Digest::of(b"other")) };
    let error = world.publish_with(&ada, bytes.clone(), wrong).await.expect_err("refused");
    assert_eq!(error.code(), ErrorCode::ChecksumMismatch);
    // Also if the damage, such as a missing end, makes the archive invalid.
    let announced = PublishOptions { tag: None, checksum: Some(Sha256Digest::of(&bytes)) };
    let cut = bytes[..bytes.len() - 20].to_vec();
    let error = world.publish_with(&ada, cut, announced.clone()).await.expect_err("refused");
    assert_eq!(error.code(), ErrorCode::ChecksumMismatch);
    assert_eq!(world.stored_archives().await, 0);
    world.publish_with(&ada, bytes, announced).await.expect("nothing blocks the version");
}

#[tokio::test]
async fn a_version_is_published_once() {
    let world = World::new();
    let ada = world.user("ada").await;
    let first = world.published(&ada, "greet-kit", "1.0.0").await;
    let error =
        world.publish(&ada, archive_with("greet-kit", "1.0.0+again", "license: MIT\n")).await.expect_err("exists");
    assert_eq!(error.code(), ErrorCode::VersionExists);
    assert_eq!(error.details()[0].error, first.sha256.to_string());
    assert_eq!(world.stored_archives().await, 1);
}

#[tokio::test]
async fn of_many_at_once_one_wins() {
    let world = World::new();
    let ada = world.user("ada").await;
    let attempts = (0..8).map(|attempt| {
        let bytes = archive_with("greet-kit", "1.0.0", &format!("keywords: [k{attempt}]\n"));
        world.publish(&ada, bytes)
    });
    let results = futures_util::future::join_all(attempts).await;
    let won: Vec<_> = results.iter().flatten().collect();
    assert_eq!(won.len(), 1, "{results:?}");
    let lost = results.iter().filter_map(|result| result.as_ref().err());
    assert!(lost.clone().all(|error| error.code() == ErrorCode::VersionExists), "{results:?}");
    let detail = world.view().version(&name("greet-kit"), &version("1.0.0")).await.expect("version");
    assert_eq!(detail.summary.sha256, won[0].sha256);
}

#[tokio::test]
async fn what_cannot_succeed_fails_before_the_end() {
    let world = World::new();
    let ada = world.user("ada").await;
    let bob = world.user("bob").await;
    world.published(&ada, "greet-kit", "1.0.0").await;
    let restricted = world.token(&bob, &["publish"], &["@bob/*"]).await;
    let cases = [
        (&ada, "greet-kit", ErrorCode::VersionExists),
        (&bob, "greet-kit", ErrorCode::Forbidden),
        (&bob, "@ada/tools", ErrorCode::Forbidden),
        (&bob, "@nobody/tools", ErrorCode::Forbidden),
        (&bob, "greetkit", ErrorCode::NameTooSimilar),
        (&bob, "registry", ErrorCode::NameReserved),
        (&restricted, "bobs-tools", ErrorCode::Forbidden),
    ];
    for (by, package, code) in cases {
        let manifest = format!(
            "name: \"{package}\"\nversion: 1.0.0\ndescription: x\nartifacts:\n  skills:\n    - {{name: one, path: big.bin, description: x}}\n"
        );
        let bytes = tar_gz(&[("aam.yaml", manifest.as_bytes()), ("big.bin", &noise(2_000_000))]);
        let mut publish = world.registry.begin_publish(by, None).await.expect("begun");
        let mut chunks = bytes.chunks(10_000).map(Bytes::copy_from_slice);
        let failed = loop {
            let Some(chunk) = chunks.next() else { panic!("{package} was taken to its end") };
            if let Err(error) = publish.write(chunk).await {
                break error;
            }
        };
        assert_eq!(failed.code(), code, "{package}: {failed}");
        assert!(publish.write(Bytes::new()).await.is_err(), "a failed publish went on");
    }
    assert_eq!(world.stored_archives().await, 1);
}

#[tokio::test]
async fn an_archive_over_the_limit_is_cut_off() {
    let limits = ArchiveLimits::default().with_max_archive_size(1_000);
    let world = World::with_policy(Policy::default().with_archive_limits(limits));
    let ada = world.user("ada").await;
    let mut publish = world.registry.begin_publish(&ada, None).await.expect("begun");
    let bytes = tar_gz(&[("aam.yaml", &noise(4_000))]);
    publish.write(Bytes::copy_from_slice(&bytes[..900])).await.expect("within the limit");
    let error = publish.write(Bytes::copy_from_slice(&bytes[900..])).await.expect_err("over the limit");
    assert_eq!(error.code(), ErrorCode::PayloadTooLarge);
    assert_eq!(world.stored_archives().await, 0);
}

#[tokio::test]
async fn faults_in_archive_and_manifest_are_told() {
    let world = World::new();
    let ada = world.user("ada").await;
    let cases = [
        (b"no gzip at all".to_vec(), ErrorCode::InvalidArchive),
        (Vec::new(), ErrorCode::InvalidArchive),
        (tar_gz(&[("README.md", b"x")]), ErrorCode::InvalidArchive),
        (tar_gz(&[("aam.yaml", b"name: Bad\nversion: 1\n")]), ErrorCode::InvalidManifest),
        (archive_with("greet-kit", "1.0.0", "private: true\n"), ErrorCode::InvalidManifest),
    ];
    for (bytes, code) in cases {
        let error = world.publish(&ada, bytes).await.expect_err("refused");
        assert_eq!(error.code(), code, "{error}");
    }
}

#[tokio::test]
async fn publishing_needs_the_scope() {
    let world = World::new();
    let ada = world.user("ada").await;
    let reader = world.token(&ada, &["read", "yank"], &[]).await;
    let error = world.registry.begin_publish(&reader, None).await.expect_err("refused");
    assert_eq!(error.code(), ErrorCode::Forbidden);
    let publisher = world.token(&ada, &["publish"], &["@ada/*"]).await;
    world.published(&publisher, "@ada/tools", "1.0.0").await;
}

#[tokio::test]
async fn a_token_revoked_meanwhile_publishes_nothing() {
    let world = World::new();
    let ada = world.user("ada").await;
    let token = world.token(&ada, &["publish"], &[]).await;
    let mut publish = world.registry.begin_publish(&token, None).await.expect("begun");
    let aam_registry_core::types::Credential::Token(id) = token.credential else { panic!("{token:?}") };
    world.registry.revoke_token(&ada, id).await.expect("revoked");
    let written = publish.write(archive("greet-kit", "1.0.0").into()).await;
    let error = match written {
        Ok(()) => publish.finish(PublishOptions::default()).await.expect_err("refused"),
        Err(error) => error,
    };
    assert_eq!(error.code(), ErrorCode::Unauthorized);
}

#[tokio::test]
async fn warnings_tell_what_could_be_better() {
    let world = World::new();
    let ada = world.user("ada").await;
    let bare = tar_gz(&[
        ("aam.yaml", b"name: bare\nversion: 1.0.0\ndescription: x\nartifacts:\n  skills:\n    - {name: one, path: s/SKILL.md, description: x}\n"),
        ("s/SKILL.md", b"---\nname: one\ndescription: x\n---\n"),
    ]);
    let receipt = world.publish(&ada, bare).await.expect("published");
    assert_eq!(receipt.warnings.len(), 3, "{:?}", receipt.warnings);
    let receipt = world.publish(&ada, archive_with("good", "1.0.0", "license: MIT\n")).await.expect("published");
    assert_eq!(receipt.warnings, Vec::<String>::new());
}

#[tokio::test]
async fn what_tools_cannot_read_of_an_artifact_is_a_warning_at_publish() {
    let world = World::new();
    let ada = world.user("ada").await;
    let manifest = b"name: kit\nversion: 1.0.0\ndescription: x\nlicense: MIT\nartifacts:\n  skills:\n    - {name: none, \
        path: skills/none}\n    - {name: colon, path: skills/colon}\n    - {name: other, path: skills/other}\n    \
        - {name: moved, path: skills/elsewhere}\n    - {name: long, path: skills/long}\n    - {name: latin, path: \
        skills/latin/SKILL.md}\n    - {name: gone, path: skills/gone}\n    - {name: good, path: skills/good}\n  prompts:\n    \
        - {name: p, path: p}\n  instructions:\n    - {name: r, path: r.mdc}\n";
    let long = format!("---\nname: long\ndescription: {}\n---\n", "x".repeat(1025));
    let files: &[(&str, &[u8])] = &[
        ("README.md", b"# Kit\n"),
        ("skills/none/SKILL.md", b"# None\n"),
        ("skills/colon/SKILL.md", b"---\nname: colon\ndescription: Reviews: fast\n---\n"),
        ("skills/other/SKILL.md", b"---\nname: another\n---\n"),
        ("skills/elsewhere/SKILL.md", b"---\nname: moved\ndescription: d\n---\n"),
        ("skills/long/SKILL.md", long.as_bytes()),
        ("skills/latin/SKILL.md", b"---\nname: latin\ndescription: caf\xe9\n---\n"),
        ("skills/gone/README.md", b"x"),
        ("skills/good/SKILL.md", b"---\nname: good\ndescription: d\n---\n"),
        ("skills/good/notes.md", b"---\nname: Reviews: fast\n---\n\xe9"),
        ("p/x.md", b"x"),
        ("r.mdc", b"---\nglobs:\n  - *.py\n---\nx\n"),
    ];
    let expected = [
        ("p: is a folder; a prompt is one Markdown file"),
        ("r.mdc:3: `*.py` is no YAML: write `- \"*.py\"`"),
        ("skills/colon/SKILL.md:3: `description` is no YAML; put its value in double quotes"),
        ("skills/elsewhere/SKILL.md:2: is called `moved` and lies in the folder `elsewhere`"),
        ("skills/gone/SKILL.md: is missing: a skill is a folder with SKILL.md"),
        ("skills/latin/SKILL.md:3: the line holds bytes that are not UTF-8"),
        ("skills/long/SKILL.md:3: the description has 1025 characters"),
        ("skills/none/SKILL.md:1: has no front matter"),
        ("skills/other/SKILL.md:1: its front matter has no `description`"),
        ("skills/other/SKILL.md:2: is called `another` here and `other` in aam.yaml"),
    ];
    // Wherever the manifest stands in the archive.
    for (at, version) in [(0, "1.0.0"), (files.len(), "2.0.0")] {
        let manifest = String::from_utf8_lossy(manifest).replace("1.0.0", version);
        let mut entries = files.to_vec();
        entries.insert(at, ("aam.yaml", manifest.as_bytes()));
        let receipt = world.publish(&ada, tar_gz(&entries)).await.expect("published");
        assert_eq!(receipt.warnings.len(), expected.len(), "{:#?}", receipt.warnings);
        for (warning, expected) in receipt.warnings.iter().zip(expected) {
            assert!(warning.starts_with(expected), "{warning}\n{expected}");
        }
    }
}

#[tokio::test]
async fn warnings_are_bounded_in_number_and_size() {
    let world = World::new();
    let ada = world.user("ada").await;
    let skills: Vec<_> = (0..60).map(|at| format!("skills/{}-{at:03}/SKILL.md", "d".repeat(240))).collect();
    let entry = |(at, path): (usize, &String)| format!("    - {{name: skill-{at}, path: {path}}}\n");
    let listed: Vec<_> = skills.iter().enumerate().map(entry).collect();
    let listed = listed.concat();
    let manifest = format!("name: kit\nversion: 1.0.0\ndescription: x\nlicense: MIT\nartifacts:\n  skills:\n{listed}");
    let skill = format!("---\nname: {}\n{}---\n", "m".repeat(9000), "bad: a: b\n".repeat(1000));
    for (version, last) in [("1.0.0", false), ("2.0.0", true)] {
        let manifest = manifest.replace("1.0.0", version);
        let mut entries: Vec<(&str, &[u8])> = skills.iter().map(|path| (&**path, skill.as_bytes())).collect();
        entries.insert(if last { entries.len() } else { 0 }, ("aam.yaml", manifest.as_bytes()));
        entries.push(("README.md", b"# Kit\n"));
        let warnings = world.publish(&ada, tar_gz(&entries)).await.expect("published").warnings;
        assert_eq!(warnings.len(), 21);
        assert!(warnings.iter().all(|warning| warning.chars().count() <= 501), "{warnings:#?}");
        assert!(
            warnings[20].ends_with("more warnings about artifacts; `aam pkg validate` lists all"),
            "{}",
            warnings[20]
        );
    }
}

#[tokio::test]
async fn a_slow_upload_lives_while_bytes_arrive_but_not_for_ever() {
    let world = World::with_policy(Policy::default().with_upload_timeout(Duration::from_mins(10)));
    let ada = world.user("ada").await;
    let bytes = archive("greet-kit", "1.0.0");
    let mut publish = world.registry.begin_publish(&ada, None).await.expect("begun");
    let (first, rest) = bytes.split_at(100);
    publish.write(Bytes::copy_from_slice(first)).await.expect("written");
    for _ in 0..5 {
        world.clock.advance(Duration::from_secs(100));
        assert_eq!(world.registry.sweep_uploads().await.expect("swept").abandoned, 0);
        publish.write(Bytes::new()).await.expect("alive");
    }
    publish.write(Bytes::copy_from_slice(rest)).await.expect("alive");
    world.clock.advance(Duration::from_secs(99));
    publish.write(Bytes::new()).await.expect("alive");
    world.clock.advance(Duration::from_secs(2));
    let error = publish.write(Bytes::new()).await.expect_err("too long");
    assert_eq!(error.code(), ErrorCode::Timeout);
}

#[tokio::test]
async fn an_upload_that_stood_still_cannot_be_committed() {
    let world = World::new();
    let ada = world.user("ada").await;
    let bytes = archive("greet-kit", "1.0.0");
    let mut publish = world.registry.begin_publish(&ada, None).await.expect("begun");
    publish.write(bytes.clone().into()).await.expect("written");
    world.clock.advance(Duration::from_secs(121));
    assert_eq!(world.registry.sweep_uploads().await.expect("swept").abandoned, 1);
    let error = publish.finish(PublishOptions::default()).await.expect_err("abandoned");
    assert_eq!(error.code(), ErrorCode::Timeout);
    world.publish(&ada, bytes).await.expect("nothing blocks the version");
}

#[tokio::test]
async fn one_account_has_so_many_uploads_under_way() {
    let world = World::with_policy(Policy::default().with_uploads_per_user(2));
    let ada = world.user("ada").await;
    let first = world.registry.begin_publish(&ada, None).await.expect("begun");
    let _second = world.registry.begin_publish(&ada, None).await.expect("begun");
    let mut third = Box::pin(world.registry.begin_publish(&ada, None));
    assert!(futures_util::poll!(&mut third).is_pending(), "a third upload was begun");
    let bob = world.user("bob").await;
    world.published(&bob, "bobs-tools", "1.0.0").await;
    drop(first);
    third.await.expect("begun when another one ended");
}

#[tokio::test]
async fn uploads_that_stand_still_keep_nobody_from_publishing() {
    // More than there are processors on machines that run the tests.
    let world = World::with_policy(Policy::default().with_uploads_per_user(64));
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let large = |package: &str| {
        let manifest = format!(
            "name: {package}\nversion: 1.0.0\ndescription: x\nartifacts:\n  skills:\n    - {{name: one, path: big.bin, description: x}}\n"
        );
        tar_gz(&[("aam.yaml", manifest.as_bytes()), ("big.bin", &noise(200_000))])
    };
    let mut still = Vec::new();
    for number in 0..64 {
        let mut publish = world.registry.begin_publish(&ada, None).await.expect("begun");
        // So much that it is checked on a thread of its own.
        let half = Bytes::copy_from_slice(&large(&format!("adas-tools-{number}"))[..100_000]);
        publish.write(half).await.expect("written");
        still.push(publish);
    }
    world.publish(&bob, large("bobs-tools")).await.expect("published beside them");
}

#[tokio::test]
async fn a_dropped_publish_leaves_nothing_visible() {
    let world = World::new();
    let ada = world.user("ada").await;
    let mut publish = world.registry.begin_publish(&ada, None).await.expect("begun");
    publish.write(archive("greet-kit", "1.0.0").into()).await.expect("written");
    drop(publish);
    assert_eq!(world.stored_archives().await, 0);
    let error = world.view().package(&name("greet-kit")).await.expect_err("nothing there");
    assert_eq!(error.code(), ErrorCode::PackageNotFound);
    world.published(&ada, "greet-kit", "1.0.0").await;
}
