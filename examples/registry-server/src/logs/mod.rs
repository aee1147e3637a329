//! The log: one JSON object per line, or text for people.

mod json;
mod sink;

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogFormat, Settings};
use json::JsonLines;

pub(crate) use sink::{LogGuard, dropped_lines};

/// How long a line of JSON may wait to be written together with others.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// Starts logging as `settings` say.
pub(crate) fn start(settings: &Settings) -> LogGuard {
    let level = settings.log_level.0;
    // At debug and below, the lines of libraries would outnumber the registry's own.
    let quiet = level.min(tracing::level_filters::LevelFilter::INFO);
    let targets = Targets::new()
        .with_default(quiet)
        .with_target("aam_registry", level)
        .with_target("aam_registry_core", level)
        .with_target("aam_registry_backends", level)
        // It warns about each connection whose client breaks the rules: a flood of them would fill the log.
        .with_target("h2", level.min(tracing::level_filters::LevelFilter::ERROR));
    // Text is for people, and what the server prints beside the log should come after it.
    let wait = if settings.log_format == LogFormat::Json { LONGEST_WAIT } else { Duration::ZERO };
    let (lines, guard) = sink::start(io::stdout(), wait);
    let layer = match settings.log_format {
        LogFormat::Json => JsonLines::new(lines).boxed(),
        LogFormat::Text => {
            let is_terminal = io::stdout().is_terminal();
            tracing_subscriber::fmt::layer().with_target(false).with_ansi(is_terminal).with_writer(lines).boxed()
        }
    };
    // A filter for the whole subscriber instead of one layer: it is evaluated once for each log
    // statement, not for each event.
    tracing_subscriber::registry().with(targets).with(layer).init();
    guard
}
