//! Progress that a person at a terminal sees while a command works.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A line on the standard error that counts; prints nothing if that is not a terminal.
pub(super) fn counting(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {pos} {msg} ({elapsed})");
    let bar = ProgressBar::new_spinner().with_message(what);
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
