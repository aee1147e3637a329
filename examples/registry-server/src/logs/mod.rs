//! The log: one JSON object a line, or text for people.

mod json;

use std::io::{self, IsTerminal};

use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogFormat, Settings};
use json::JsonLines;

/// Starts to log as `settings` say.
pub(crate) fn start(settings: &Settings) {
    let level = settings.log_level.0;
    // At debug and below, the libraries beneath would drown what is ours.
    let quiet = level.min(tracing::level_filters::LevelFilter::INFO);
    let targets = Targets::new()
        .with_default(quiet)
        .with_target("aam_registry", level)
        .with_target("aam_registry_core", level)
        .with_target("aam_registry_backends", level);
    let layer = match settings.log_format {
        LogFormat::Json => JsonLines::new(io::stdout).boxed(),
        LogFormat::Text => {
            tracing_subscriber::fmt::layer().with_target(false).with_ansi(io::stdout().is_terminal()).boxed()
        }
    };
    tracing_subscriber::registry().with(layer.with_filter(targets)).init();
}
