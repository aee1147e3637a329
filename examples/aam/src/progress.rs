//! Progress bars, on a terminal only.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

/// A group of bars that are drawn together.
#[derive(Clone, Debug)]
pub(crate) struct Progress(MultiProgress);

impl Progress {
    /// Draws to stderr where a person watches, else nowhere.
    pub(crate) fn new(out: Output) -> Self {
        let target = if out.shows_progress() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self(MultiProgress::with_draw_target(target))
    }

    /// A bar that counts `bytes`.
    pub(crate) fn bytes(&self, label: String, bytes: u64) -> ProgressBar {
        let style = ProgressStyle::with_template("{msg:30!} {bar:30} {bytes:>10} of {total_bytes:<10} {bytes_per_sec}");
        let bar = ProgressBar::new(bytes).with_message(label);
        self.0.add(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }
}
