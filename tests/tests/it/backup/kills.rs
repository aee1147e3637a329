//! Backups and restores that are killed.

use std::time::Duration;

use aam_registry_tests::{Ran, Server};

use super::{
    damage::backed_up,
    site::{Place, Site, publish},
};

/// How many instants are tried.
const KILLS: u32 = 12;

/// How long an undisturbed run takes: kills are spread over that and a little more.
async fn instants(run: impl Future<Output = ()>) -> impl Iterator<Item = Duration> {
    let began = std::time::Instant::now();
    run.await;
    let whole = began.elapsed() + Duration::from_millis(20);
    (1..=KILLS).map(move |step| whole * step / KILLS)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_backup_is_never_taken_for_a_whole_one() {
    let (site, place, first) = backed_up().await;
    let server: Server = site.serve().await;
    let ada = server.user("bob").await;
    let again = Place::new();
    let run = async { drop(site.back_up(&again, &[]).await) };
    let (mut ended, mut whole) = (0, 1);
    let enough = usize::try_from(KILLS).expect("few");
    for (at, instant) in instants(run).await.enumerate() {
        publish(&ada, "moving", &format!("1.{at}.0")).await;
        let arguments = ["backup", "--to", place.name(), "--json"];
        if let Some(ran) = Ran::killed_after(instant, &site.settings, &arguments).await {
            ran.expect_code(0);
            ended += 1;
        }
        let backups = place.backups().await;
        let now = backups.iter().filter(|(_, is_whole)| *is_whole).count();
        assert!(now == whole || now == whole + 1, "{backups:?}");
        whole = now;
        let verified = place.verify().await.expect_code(0).json();
        assert_eq!(verified["backups"].as_array().map(Vec::len), Some(whole), "{verified}");
    }
    assert!(ended < enough && whole > ended, "{ended} of {KILLS} ended, {whole} are whole");
    // The next one sweeps up what they left.
    let told = site.back_up(&place, &["--keep", "30d"]).await;
    let backups = place.backups().await;
    assert!(backups.iter().all(|(_, is_whole)| *is_whole), "{backups:?}");
    assert!(place.files().keys().all(|name| !name.contains(".part-")), "{:?}", place.files().keys());
    for backup in [first.as_str(), told["backup"].as_str().expect("a name")] {
        let target = Site::local();
        target.restore(&place, &["--backup", backup]).await.expect_code(0);
        target.assert_holds(&place, backup).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_restore_is_told_as_half_and_can_be_started_again() {
    let (_site, place, backup) = backed_up().await;
    check_killed_restores(&place, &backup, async || Site::local()).await;
}

/// Kills restores into new targets at many instants.
pub(crate) async fn check_killed_restores(place: &Place, backup: &str, target: impl AsyncFn() -> Site) {
    let undisturbed = target().await;
    let run = async { drop(undisturbed.restore(place, &[]).await.expect_code(0)) };
    let arguments = ["restore", "--from", place.name()];
    let mut half = 0;
    for instant in instants(run).await {
        let target = target().await;
        let killed = Ran::killed_after(instant, &target.settings, &arguments).await.map(|ran| ran.expect_code(0));
        let looked = target.run(&["storage", "verify", "--json"]).await;
        // Either nothing can be used, or all of it; before it is marked, the database is as good as new.
        if looked.stderr.contains("a restore into it was not finished; run `aam-registry restore` again") {
            half += 1;
        }
        if looked.code != Some(0) || looked.json()["checked"] == 0 {
            assert!(killed.is_none(), "{}{}", looked.stdout, looked.stderr);
            target.restore(place, &[]).await.expect_code(0);
        }
        target.assert_holds(place, backup).await;
    }
    assert!(half > 0, "no restore was killed in the middle");
}
