//! The log: one JSON object per line, or text for people.

mod json;
mod sink;

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use aam_registry_core::ports::SPANS;
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_appender::non_blocking::NonBlocking;
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, registry::LookupSpan, util::SubscriberInitExt};

use crate::{
    config::{LogFormat, Settings},
    traces::Traces,
};
use json::JsonLines;

pub(crate) use sink::{LogGuard, dropped_lines};

/// How long a line of JSON may wait to be written together with others.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// Starts logging as `settings` say, and tracing if there is a collector.
pub(crate) fn start(settings: &Settings, traces: Option<&Traces>) -> LogGuard {
    let level = settings.log_level.0;
    // At debug and below, the lines of libraries would outnumber the registry's own.
    let quiet = level.min(LevelFilter::INFO);
    let targets = Targets::new()
        .with_default(quiet)
        .with_target("aam_registry", level)
        .with_target("aam_registry_core", level)
        .with_target("aam_registry_backends", level)
        // It warns about each connection whose client breaks the rules: a flood of them would fill the log.
        .with_target("h2", level.min(LevelFilter::ERROR));
    // Text is for people, and what the server prints beside the log should come after it.
    let wait = if settings.log_format == LogFormat::Json { LONGEST_WAIT } else { Duration::ZERO };
    let (lines, guard) = sink::start(io::stdout(), wait);
    match traces {
        // A filter for the whole subscriber instead of one layer: it is evaluated once for each log
        // statement, not for each event. It turns the spans of traces off.
        None => tracing_subscriber::registry().with(targets).with(format(settings.log_format, lines)).init(),
        Some(traces) => {
            let spans = Targets::new().with_target(SPANS, LevelFilter::TRACE);
            let exported = tracing_opentelemetry::layer()
                .with_tracer(traces.tracer())
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false)
                .with_filter(spans);
            let written = format(settings.log_format, lines).with_filter(targets);
            tracing_subscriber::registry().with(exported).with(written).init();
        }
    }
    guard
}

/// What writes events as lines of this format.
fn format<S: Subscriber + for<'a> LookupSpan<'a>>(
    format: LogFormat,
    lines: NonBlocking,
) -> Box<dyn Layer<S> + Send + Sync> {
    match format {
        LogFormat::Json => JsonLines::new(lines).boxed(),
        LogFormat::Text => {
            let is_terminal = io::stdout().is_terminal();
            tracing_subscriber::fmt::layer().with_target(false).with_ansi(is_terminal).with_writer(lines).boxed()
        }
    }
}
