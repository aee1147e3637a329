//! When to ask again, and how long to wait before.

use std::time::{Duration, SystemTime};

use reqwest::{
    StatusCode,
    header::{self, HeaderMap},
};

/// How often a request is sent at most.
pub(super) const ATTEMPTS: u32 = 4;
/// A registry that asks to wait longer is not waited for, seconds.
const LONGEST_WAIT: u64 = 60;

/// What may be done about a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Sending it twice does no more than sending it once.
    Harmless,
    /// It must not take effect twice: repeated only where it certainly had none.
    IfUnsent,
}

impl Repeat {
    /// Whether a request that met `error` may be sent again.
    pub(super) fn after_error(self, error: &reqwest::Error) -> bool {
        match self {
            Self::Harmless => !error.is_builder() && !error.is_redirect() && !error.is_decode(),
            Self::IfUnsent => error.is_connect(),
        }
    }

    /// How long the answer asks to wait before another try; `None` where it is final.
    pub(super) fn after_answer(self, status: StatusCode, headers: &HeaderMap, attempt: u32) -> Option<Duration> {
        let passing = match status {
            StatusCode::TOO_MANY_REQUESTS => true,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                self == Self::Harmless
            }
            _ => false,
        };
        if !passing {
            return None;
        }
        match retry_after(headers) {
            // Said, and left to the caller.
            Some(seconds) if seconds > LONGEST_WAIT => None,
            Some(seconds) => Some(Duration::from_secs(seconds).max(backoff(attempt))),
            None => Some(backoff(attempt)),
        }
    }
}

/// `Retry-After` in seconds. It may be a date: then it is counted from the date of the answer, because this machine's
/// clock may differ from the server's.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let value = text(header::RETRY_AFTER)?;
    if let Ok(seconds) = value.parse() {
        return Some(seconds);
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let now = text(header::DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or_else(SystemTime::now);
    // A fraction of a second counts as a whole one.
    let wait = until.duration_since(now).unwrap_or_default();
    Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}

/// Why a registry has to be waited for, behind its name.
pub(super) fn why(answer: Option<StatusCode>) -> &'static str {
    match answer {
        Some(StatusCode::TOO_MANY_REQUESTS) => "limits how often it is asked, and wants this pause",
        Some(_) => "is busy, and wants this pause",
        None => "broke the connection, and is tried again",
    }
}

/// How long to wait after the attempt numbered from 0: doubling from a quarter
/// of a second, half of it random, so that many clients do not return at once.
pub(super) fn backoff(attempt: u32) -> Duration {
    let whole = 250u64 << attempt.min(6);
    Duration::from_millis(whole / 2 + rand::random_range(0..=whole / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(repeat: Repeat, status: u16, header: Option<&str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert(header::RETRY_AFTER, value.parse().expect("value"));
        }
        repeat.after_answer(StatusCode::from_u16(status).expect("status"), &headers, 0)
    }

    #[test]
    fn a_registry_that_asks_to_wait_is_waited_for_within_reason() {
        assert_eq!(wait(Repeat::Harmless, 429, Some("3")), Some(Duration::from_secs(3)));
        assert_eq!(wait(Repeat::Harmless, 503, Some("3600")), None);
        assert!(wait(Repeat::Harmless, 502, None).is_some_and(|wait| wait <= Duration::from_millis(250)));
    }

    #[test]
    fn a_wait_may_be_told_as_a_date() {
        let wait = |until: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, until.parse().expect("value"));
            if let Some(date) = date {
                headers.insert(header::DATE, date.parse().expect("value"));
            }
            retry_after(&headers)
        };
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for until in ["Sun, 06 Nov 1994 08:50:07 GMT", "Sunday, 06-Nov-94 08:50:07 GMT", "Sun Nov  6 08:50:07 1994"] {
            assert_eq!(wait(until, date), Some(30), "{until}");
        }
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:00 GMT", date), Some(0), "it is over");
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:07 GMT", None), Some(0), "it is over by this clock");
        let hour = SystemTime::now() + Duration::from_hours(1);
        assert!(wait(&httpdate::fmt_http_date(hour), None).is_some_and(|wait| (3500..=3600).contains(&wait)));
        assert_eq!(wait("soon", date), None);
    }

    #[test]
    fn only_what_may_pass_is_repeated() {
        assert_eq!(wait(Repeat::Harmless, 400, None), None);
        assert_eq!(wait(Repeat::Harmless, 500, None), None);
        assert_eq!(wait(Repeat::IfUnsent, 503, None), None, "it may have been done");
        assert!(wait(Repeat::IfUnsent, 429, None).is_some(), "it was certainly not done");
    }
}
