//! The metrics of HTTP requests, with stable names.

use std::{fmt, sync::OnceLock, time::Duration};

use http::{Method, StatusCode};
use metrics::{Counter, Histogram};

/// Counts the requests of one route.
///
/// A counter is looked up by its labels at the first request that needs it, so a recorder must be
/// installed before the first request.
pub(crate) struct RouteMeter {
    route: &'static str,
    methods: [OnceLock<MethodMeter>; METHODS.len()],
}

struct MethodMeter {
    durations: Histogram,
    answers: [OnceLock<Counter>; STATUSES.len()],
}

/// The methods with labels of their own; all others share one.
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];
/// The statuses whose counters are cached; others are counted too, but more slowly.
const STATUSES: [u16; 25] = [
    200, 201, 204, 206, 302, 304, 400, 401, 403, 404, 405, 406, 408, 409, 410, 413, 415, 416, 429, 431, 500, 501, 502,
    503, 504,
];

impl RouteMeter {
    pub(crate) fn new(route: &'static str) -> Self {
        Self { route, methods: Default::default() }
    }

    pub(crate) fn route(&self) -> &'static str {
        self.route
    }

    /// Counts one answered request.
    pub(crate) fn count(&self, method: MethodLabel, status: StatusCode, duration: Duration) {
        let meter = self.methods[method.0].get_or_init(|| MethodMeter {
            durations: metrics::histogram!(
                "aam_request_duration_seconds", "method" => method.as_str(), "route" => self.route
            ),
            answers: Default::default(),
        });
        meter.durations.record(duration);
        match STATUSES.iter().position(|known| *known == status.as_u16()) {
            Some(at) => meter.answers[at].get_or_init(|| self.answers(method, status)).increment(1),
            None => self.answers(method, status).increment(1),
        }
    }

    fn answers(&self, method: MethodLabel, status: StatusCode) -> Counter {
        let status = status.as_str().to_owned();
        metrics::counter!("aam_requests_total", "method" => method.as_str(), "route" => self.route, "status" => status)
    }
}

impl fmt::Debug for RouteMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteMeter").field("route", &self.route).finish_non_exhaustive()
    }
}

/// The label of a method.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MethodLabel(usize);

impl MethodLabel {
    pub(crate) fn as_str(self) -> &'static str {
        METHODS[self.0]
    }
}

impl From<&Method> for MethodLabel {
    fn from(method: &Method) -> Self {
        let known = METHODS.iter().position(|known| *known == method.as_str());
        Self(known.unwrap_or(METHODS.len() - 1))
    }
}

/// Counts one request whose body stalled.
pub(crate) fn body_stalled() {
    metrics::counter!("aam_connections_timed_out_total", "what" => "body").increment(1);
}
