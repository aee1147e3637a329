//! Damaged backups.

use std::fs;

use serde_json::Value;

use super::site::{Place, Site, publish};

/// A registry of three versions, and a backup of it.
pub(crate) async fn backed_up() -> (Site, Place, String) {
    let (site, place) = (Site::local(), Place::new());
    let server = site.serve().await;
    let ada = server.user("ada").await;
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        publish(&ada, "kit", version).await;
    }
    drop(server);
    let backup = site.back_up(&place, &[]).await["backup"].as_str().expect("a name").to_owned();
    (site, place, backup)
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_to_any_file_of_a_backup_is_named_and_nothing_is_restored_from_it() {
    let (_site, place, backup) = backed_up().await;
    place.verify().await.expect_code(0);
    let files = place.files();
    assert!(files.len() > 30, "{:?}", files.keys());
    for (at, (name, file)) in files.iter().filter(|(name, _)| !name.ends_with("/begun")).enumerate() {
        let whole = fs::read(file).expect("there");
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        let short = whole[..whole.len() - 1].to_vec();
        for damaged in [Some(flipped), Some(short), None] {
            match &damaged {
                Some(bytes) => fs::write(file, bytes).expect("our own file"),
                None => fs::remove_file(file).expect("our own file"),
            }
            let verified = place.verify().await;
            let told = format!("{}{}", verified.stdout, verified.stderr);
            assert_eq!(verified.code, Some(1), "{name}: {told}");
            // A backup without a manifest is none.
            let is_named = told.contains(name) || (name.ends_with("manifest.json") && told.contains(&backup));
            assert!(is_named, "{name}: {told}");
            // Each command takes its time: try the restore of some.
            if at % 8 == 0 || name.contains("archives") || name.ends_with("manifest.json") {
                // A new one: what a restore before this one has written is not needed from the place.
                let restored = Site::local().restore(&place, &[]).await;
                assert_eq!(restored.code, Some(1), "{name}: {}", restored.stdout);
            }
        }
        fs::write(file, &whole).expect("our own file");
    }
    place.verify().await.expect_code(0);
    let target = Site::local();
    target.restore(&place, &[]).await.expect_code(0);
    target.assert_holds(&place, &backup).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_the_storage_lost_is_named_and_the_rest_is_backed_up() {
    let (site, place, _) = backed_up().await;
    let (key, file) = site.stored().into_iter().next().expect("an archive");
    fs::remove_file(file).expect("our own file");
    // An earlier backup has it: it is not needed from the storage.
    assert_eq!(site.back_up(&place, &[]).await["lost"], serde_json::json!([]));
    let other = Place::new();
    let ran = site.run(&["backup", "--to", other.name(), "--json"]).await.expect_code(1);
    let told: Value = ran.json();
    assert_eq!(told["lost"][0]["archive"], key.as_str(), "{told}");
    assert!(ran.stderr.contains("whole but for 1 archives"), "{}", ran.stderr);
    other.verify().await.expect_code(0);
    let target = Site::local();
    assert_eq!(target.restore(&other, &[]).await.expect_code(0).json()["lost"], 1);
    let verified = target.run(&["storage", "verify", "--json"]).await.expect_code(1).json();
    assert_eq!(verified["damaged"].as_array().map(Vec::len), Some(1), "{verified}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_whose_bytes_changed_in_the_storage_is_not_backed_up() {
    let (site, _, _) = backed_up().await;
    let (key, file) = site.stored().into_iter().next().expect("an archive");
    let mut bytes = fs::read(&file).expect("there");
    bytes[20] ^= 1;
    fs::write(&file, bytes).expect("our own file");
    let place = Place::new();
    let told = site.run(&["backup", "--to", place.name(), "--json"]).await.expect_code(1).json();
    assert_eq!(told["lost"][0]["archive"], key.as_str(), "{told}");
    assert!(told["lost"][0]["reason"].as_str().is_some_and(|why| why.contains("other bytes")), "{told}");
}
