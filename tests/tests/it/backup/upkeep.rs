//! Many backups in one place.

use std::fs;

use aam_registry_core::types::Sha256Digest;
use aam_registry_tests::{Ran, S3Server};

use super::{
    damage::backed_up,
    site::{Site, publish},
};

#[tokio::test(flavor = "multi_thread")]
async fn backups_share_archives_and_old_ones_are_deleted() {
    let (site, place, first) = backed_up().await;
    let server = site.serve().await;
    let ada = server.user("bob").await;
    publish(&ada, "more", "1.0.0").await;
    let second = site.back_up(&place, &["--keep", "1d"]).await;
    assert_eq!((&second["copied"], &second["archives"]), (&1.into(), &4.into()), "{second}");
    assert_eq!(second["pruned"]["backups"], 0, "{second}");
    // An archive that only backups needed that are gone.
    let orphan = Sha256Digest::of(b"orphan").to_string();
    let orphan = place.path(&format!("archives/{}/{orphan}.aam", &orphan[..2]));
    fs::create_dir_all(orphan.parent().expect("in a folder")).expect("our own folder");
    fs::write(&orphan, "orphan").expect("our own file");
    let third = site.back_up(&place, &["--keep", "0s"]).await;
    assert_eq!((&third["pruned"]["backups"], &third["pruned"]["archives"]), (&2.into(), &1.into()), "{third}");
    let name = third["backup"].as_str().expect("a name");
    assert_eq!(place.backups().await, [(name.to_owned(), true)]);
    assert!(!place.path(&format!("backups/{first}")).exists() && !orphan.exists());
    place.verify().await.expect_code(0);
    // Two at once would delete what the other relies on.
    let lock = fs::File::open(place.path(".lock")).expect("there");
    lock.lock().expect("ours");
    let refused = site.run(&["backup", "--to", place.name()]).await.expect_code(1);
    assert!(refused.stderr.contains("another backup is being written"), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_are_kept_while_nobody_knows_who_needs_them() {
    let (site, place, first) = backed_up().await;
    let manifest = place.path(&format!("backups/{first}/manifest.json"));
    fs::write(&manifest, "{").expect("our own file");
    let orphan = Sha256Digest::of(b"orphan").to_string();
    let orphan = place.path(&format!("archives/{}/{orphan}.aam", &orphan[..2]));
    fs::create_dir_all(orphan.parent().expect("in a folder")).expect("our own folder");
    fs::write(&orphan, "orphan").expect("our own file");
    let told = site.back_up(&place, &["--keep", "0s"]).await;
    assert_eq!(told["pruned"]["archives"], 0, "{told}");
    assert!(orphan.exists() && manifest.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_are_written_to_a_bucket_and_restored_from_it() {
    let (site, place, _) = backed_up().await;
    let s3 = S3Server::start().await;
    let settings = site
        .settings
        .clone()
        .and(&[("S3_ENDPOINT_URL", &s3.endpoint())])
        .and(&[("AWS_ACCESS_KEY_ID", S3Server::ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", S3Server::SECRET_KEY)]);
    let bucket = format!("s3://{}/of/one", S3Server::BUCKET);
    let run = async |arguments: &[&str]| Ran::on(&settings, arguments).await.expect_code(0).json();
    let told = run(&["backup", "--to", &bucket, "--json"]).await;
    assert_eq!((&told["copied"], &told["archives"]), (&3.into(), &3.into()), "{told}");
    let again = run(&["backup", "--to", &bucket, "--keep", "0s", "--json"]).await;
    assert_eq!((&again["copied"], &again["pruned"]["backups"]), (&0.into(), &1.into()), "{again}");
    let listed = run(&["backup", "ls", &bucket, "--json"]).await;
    assert_eq!(listed["backups"].as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(run(&["backup", "verify", &bucket, "--json"]).await["archives"], 3);

    let target = Site::local();
    let credentials = [("AWS_ACCESS_KEY_ID", S3Server::ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", S3Server::SECRET_KEY)];
    let reaching = target.settings.clone().and(&[("S3_ENDPOINT_URL", &s3.endpoint())]).and(&credentials);
    Ran::on(&reaching, &["restore", "--from", &bucket]).await.expect_code(0);
    // The same rows and archives as in the folder, whose backup is of the same state.
    let backup = place.backups().await.pop().expect("one").0;
    target.assert_holds(&place, &backup).await;
}
