//! The log: one JSON object per line, or text for people.

mod json;
mod second;
mod sink;

use std::io::{self, IsTerminal};

use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogFormat, Settings};
use json::JsonLines;
use sink::{Lines, Remainder};

/// Starts logging as `settings` say. Keep the returned value as long as lines may be logged.
///
/// # Errors
/// If no thread can be started.
pub(crate) fn start(settings: &Settings) -> io::Result<Option<Remainder>> {
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
    let (layer, remainder) = match settings.log_format {
        LogFormat::Json => {
            let lines = Lines::start(io::stdout())?;
            let remainder = lines.remainder();
            (JsonLines::new(lines).boxed(), Some(remainder))
        }
        LogFormat::Text => {
            let layer = tracing_subscriber::fmt::layer().with_target(false).with_ansi(io::stdout().is_terminal());
            (layer.boxed(), None)
        }
    };
    // A filter for the whole subscriber instead of one layer: it is evaluated once for each log
    // statement, not for each event.
    tracing_subscriber::registry().with(targets).with(layer).init();
    Ok(remainder)
}
