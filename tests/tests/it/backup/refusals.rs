//! What is not backed up, not restored, and not restored into.

use std::fs;

use aam_registry_core::types::Sha256Digest;

use super::{
    damage::backed_up,
    site::{Place, Site, publish},
};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_restored_into_a_database_or_a_storage_that_is_not_empty() {
    let (site, place, backup) = backed_up().await;
    let refused = site.restore(&place, &[]).await.expect_code(1);
    assert!(refused.stderr.contains("it is not empty, its table audit_log has rows"), "{}", refused.stderr);

    // A storage with archives of its own.
    let other = Site::local();
    let server = other.serve().await;
    publish(&server.user("bob").await, "other", "1.0.0").await;
    drop(server);
    let on_others = Site::local().with("STORAGE_PATH", &other.archives.display().to_string());
    let refused = on_others.restore(&place, &[]).await.expect_code(1);
    assert!(refused.stderr.contains("the archive storage is that of another registry"), "{}", refused.stderr);
    fs::remove_file(other.archives.join("archives/registry-id")).expect("the mark");
    let refused = on_others.restore(&place, &[]).await.expect_code(1);
    assert!(refused.stderr.contains("the archive storage is not empty: it has 1 archives"), "{}", refused.stderr);

    // A migrated database without any row is empty.
    let target = Site::local();
    target.run(&["migrate"]).await.expect_code(0);
    target.restore(&place, &[]).await.expect_code(0);
    target.assert_holds(&place, &backup).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_database_is_restored_beside_the_archives_that_are_left() {
    let (site, place, backup) = backed_up().await;
    let restored = Site::local().with("STORAGE_PATH", &site.archives.display().to_string());
    restored.restore(&place, &["--database-only"]).await.expect_code(0);
    restored.run(&["storage", "verify", "--deep"]).await.expect_code(0);
    let again = Place::new();
    let told = restored.back_up(&again, &[]).await;
    assert_eq!(again.rows(told["backup"].as_str().expect("a name")), place.rows(&backup));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_newer_release_is_refused() {
    let (_site, place, backup) = backed_up().await;
    let file = place.path(&format!("backups/{backup}/manifest.json"));
    let text = fs::read_to_string(&file).expect("there");
    let (before, rest) = text.rsplit_once("\"sha256\": \"").expect("the digest comes last");
    let (_, after) = rest.split_once('"').expect("closed");
    let before = before
        .replace("\"migrations\": [\n", "\"migrations\": [\n    \"from_a_release_to_come\",\n")
        .replace(&format!("\"release\": \"{}\"", env!("CARGO_PKG_VERSION")), "\"release\": \"99.0.0\"");
    let signed = |digest: &str| format!("{before}\"sha256\": \"{digest}\"{after}");
    fs::write(&file, signed(&Sha256Digest::of(signed("").as_bytes()).to_string())).expect("our own file");
    place.verify().await.expect_code(0);
    let refused = Site::local().restore(&place, &[]).await.expect_code(1);
    assert!(refused.stderr.contains("restore it with release 99.0.0 or a later one"), "{}", refused.stderr);

    let newer = text.replace("\"format\": 1", "\"format\": 2");
    fs::write(&file, newer).expect("our own file");
    let refused = Site::local().restore(&place, &[]).await.expect_code(1);
    assert!(refused.stderr.contains("the format 2 of a newer release"), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn places_that_hold_or_take_no_backup_are_named() {
    let (site, place) = (Site::local(), Place::new());
    let ran = site.run(&["backup", "--to", place.name()]).await.expect_code(1);
    assert!(ran.stderr.contains("there is no registry in"), "{}", ran.stderr);
    let ran = site.restore(&place, &[]).await.expect_code(1);
    assert!(ran.stderr.contains("there is no whole backup in"), "{}", ran.stderr);
    let ran = place.verify().await.expect_code(1);
    assert!(ran.stdout.contains("there is no whole backup in"), "{}", ran.stdout);
    let missing = place.path("missing");
    let ran = site.run(&["restore", "--from", missing.to_str().expect("UTF-8")]).await.expect_code(1);
    assert!(ran.stderr.contains("there is no folder"), "{}", ran.stderr);
    let ran = site.run(&["backup", "--to", "gopher://backups"]).await.expect_code(1);
    assert!(ran.stderr.contains("give a folder, or s3://BUCKET/PREFIX"), "{}", ran.stderr);
}
