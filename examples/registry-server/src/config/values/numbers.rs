//! Types of settings that are numbers, with or without a unit.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

use crate::config::setting::{Refusal, Value};

macro_rules! number {
    ($(#[$doc:meta])* $type:ident($inner:ty), $min:literal..=$max:expr, $placeholder:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) struct $type(pub(crate) $inner);

        impl Value for $type {
            const PLACEHOLDER: &'static str = $placeholder;

            fn allowed() -> String {
                format!("a whole number from {} to {}", $min, $max)
            }

            fn parse(text: &str) -> Result<Self, Refusal> {
                let range: std::ops::RangeInclusive<$inner> = $min..=$max;
                let number = text.parse().map_err(|_| Refusal::NotAllowed)?;
                if range.contains(&number) { Ok(Self(number)) } else { Err(Refusal::NotAllowed) }
            }
        }
    };
}

number! {
    /// A TCP port; 0 for any free one.
    Port(u16), 0..=u16::MAX, "PORT"
}
number! {
    /// How many threads serve requests.
    Threads(usize), 1..=1024, "N"
}
number! {
    /// The most connections.
    Connections(usize), 1..=1_000_000, "N"
}
number! {
    /// The most connections of one address; 0 for no limit.
    ConnectionsPerAddress(usize), 0..=1_000_000, "N"
}
number! {
    /// The most concurrent requests on one HTTP/2 connection.
    Streams(u32), 1..=10_000, "N"
}
number! {
    /// The most concurrent uploads of one account.
    Uploads(usize), 1..=64, "N"
}
number! {
    /// The most connections that wait to be accepted.
    Backlog(u16), 1..=u16::MAX, "N"
}
number! {
    /// The most connections of a pool.
    PoolSize(u16), 1..=1024, "N"
}
number! {
    /// Hours, up to a year.
    Hours(u32), 1..=8760, "HOURS"
}

impl Hours {
    /// As a duration.
    pub(crate) fn lifetime(self) -> Duration {
        Duration::from_hours(self.0.into())
    }
}

number! {
    /// For how many days something is kept, up to a century; 0 for ever.
    Retention(u32), 0..=36_500, "DAYS"
}

impl Retention {
    /// As a duration; `None` for ever.
    pub(crate) fn lifetime(self) -> Option<Duration> {
        (self.0 > 0).then(|| Duration::from_hours(u64::from(self.0) * 24))
    }
}

number! {
    /// The most days of an API token's life.
    TokenDays(u32), 1..=3650, "DAYS"
}
number! {
    /// Seconds, up to a day.
    Seconds(u32), 1..=86_400, "SECONDS"
}

impl Seconds {
    /// As a duration.
    pub(crate) fn lifetime(self) -> Duration {
        Duration::from_secs(self.0.into())
    }
}

number! {
    /// A count.
    Count(u64), 1..=10_000_000, "N"
}
number! {
    /// How many there may be at most; 0 for none.
    Quota(u64), 0..=10_000_000, "N"
}
number! {
    /// Downloads; 0 where none count.
    Downloads(u64), 0..=1_000_000_000, "N"
}
number! {
    /// Requests per minute; 0 for no limit.
    PerMinute(u32), 0..=1_000_000_000, "N"
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl Size {
    /// As a `usize`, or the largest `usize` if it is larger.
    pub(crate) fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Value for Size {
    const PLACEHOLDER: &'static str = "BYTES";

    fn allowed() -> String {
        "a number of bytes above 0, such as `52428800` or `50MiB`".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let (number, unit) = split_unit(text)?;
        let factor: u64 = match unit.to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "kb" => 1000,
            "mb" => 1000 * 1000,
            "gb" => 1000 * 1000 * 1000,
            "kib" | "k" => 1 << 10,
            "mib" | "m" => 1 << 20,
            "gib" | "g" => 1 << 30,
            _ => return Err(Refusal::NotAllowed),
        };
        match number.checked_mul(factor) {
            Some(bytes) if bytes > 0 => Ok(Self(bytes)),
            _ => Err(Refusal::NotAllowed),
        }
    }
}

/// A number of bytes, or 0 for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room(pub(crate) u64);

impl Value for Room {
    const PLACEHOLDER: &'static str = "BYTES";

    fn allowed() -> String {
        "a number of bytes, such as `67108864` or `64MiB`, or `0` for none".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        if text.trim() == "0" { Ok(Self(0)) } else { Size::parse(text).map(|size| Self(size.0)) }
    }
}

/// A duration, from a second to a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeout(pub(crate) Duration);

impl Value for Timeout {
    const PLACEHOLDER: &'static str = "TIME";

    fn allowed() -> String {
        "a time from 1 second to 24 hours, such as `90s`, `15m` or `2h`".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let is_bare = text.ends_with(|c: char| c.is_ascii_digit());
        let time = if is_bare { duration(&format!("{text}s")) } else { duration(text) };
        let range = Duration::from_secs(1)..=Duration::from_hours(24);
        time.filter(|time| range.contains(time)).map(Self).ok_or(Refusal::NotAllowed)
    }
}

/// Parses an age for a command's flag: `0s`, `24h`, `7d`.
pub(crate) fn parse_age(text: &str) -> Result<Duration, String> {
    duration(text).ok_or_else(|| "a time such as `30m`, `24h` or `7d`".to_owned())
}

/// A time with its unit.
fn duration(text: &str) -> Option<Duration> {
    let time = text.parse::<Span>().ok()?.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    time.try_into().ok()
}

fn split_unit(text: &str) -> Result<(u64, &str), Refusal> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number = text[..digits].parse().map_err(|_| Refusal::NotAllowed)?;
    Ok((number, text[digits..].trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_take_units() {
        assert_eq!(Size::parse("52428800"), Ok(Size(52_428_800)));
        assert_eq!(Size::parse("50MiB"), Ok(Size(52_428_800)));
        assert_eq!(Size::parse("1 GB"), Ok(Size(1_000_000_000)));
        assert_eq!(Timeout::parse("15m"), Ok(Timeout(Duration::from_mins(15))));
        assert_eq!(Timeout::parse("90"), Ok(Timeout(Duration::from_secs(90))));
        assert_eq!(Timeout::parse("1h30m"), Ok(Timeout(Duration::from_mins(90))));
        assert_eq!(parse_age("0s"), Ok(Duration::ZERO));
        assert_eq!(parse_age("7d"), Ok(Duration::from_hours(7 * 24)));
        assert!(parse_age("24").is_err(), "nobody knows the unit");
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        for bad in ["", "0", "-1", "1.5MiB", "MiB", "1 parsec", "18446744073709551615g"] {
            assert_eq!(Size::parse(bad), Err(Refusal::NotAllowed), "{bad:?}");
        }
        for bad in ["0s", "25h", "m", "2d", "-1m", "1e3", "1mo"] {
            assert_eq!(Timeout::parse(bad), Err(Refusal::NotAllowed), "{bad:?}");
        }
        assert_eq!(Port::parse("65536"), Err(Refusal::NotAllowed));
        assert_eq!(PoolSize::parse("0"), Err(Refusal::NotAllowed));
    }
}
