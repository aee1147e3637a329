//! Clocks that are wrong.

use aam_registry_tests::{Settings, Stopped};
use insta::assert_snapshot;

use super::line;

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_before_the_release() {
    let clock = aam_registry_tests::ShiftedClock::by_days(-20_000);
    let server = Stopped::new(clock.settings(Settings::default())).start().await;
    let told = line(&server, "clock_wrong").await;
    assert_snapshot!(told.replace(char::is_numeric, "N"), @r"error: the clock of this machine says that it is NNNN, before this release was made: set it right, and keep it so with NTP (`timedatectl set-ntp true`); until then tokens and certificates are judged by a wrong time");
}

#[cfg(feature = "service-tests")]
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_not_that_of_the_database() {
    let database = aam_registry_tests::postgres::Database::create().await;
    let settings = Settings::default().with("DATABASE_URL", database.url()).with("AUTO_MIGRATE", "true");
    let clock = aam_registry_tests::ShiftedClock::by_days(1);
    let server = Stopped::new(clock.settings(settings)).start().await;
    assert_snapshot!(line(&server, "clock_skewed").await, @r"warn: the clock of this machine is not that of the database, which counts: set it right, and keep it so with NTP (`timedatectl set-ntp true`)");
}
