use jiff::{Timestamp, civil::date, tz::TimeZone};

/// Logs if the clock of this machine is before this release was made: certificates, tokens and links would be judged by
/// a wrong time. Where it is wrong by less, PostgreSQL's clock shows it.
pub(super) fn tell_if_wrong() {
    let made = date(2026, 1, 1).to_zoned(TimeZone::UTC).map(|made| made.timestamp());
    let now = Timestamp::now();
    if made.is_ok_and(|made| now < made) {
        tracing::error!(
            event = "clock_wrong",
            "the clock of this machine says that it is {}, before this release was made: set it right, and keep it so with \
             NTP (`timedatectl set-ntp true`); until then tokens and certificates are judged by a wrong time",
            now.strftime("%Y"),
        );
    }
}
