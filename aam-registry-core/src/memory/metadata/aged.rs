use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::tables::Tables;
use crate::types::{Aged, JobState};

impl Tables {
    /// Since when the oldest of these rows ages.
    pub(super) fn oldest_aged(&self, what: Aged) -> Option<Timestamp> {
        match what {
            Aged::Downloads => {
                let versions = self.packages.values().flat_map(|package| &package.versions);
                versions.filter_map(|version| version.days.keys().next()).min().and_then(|day| begin_of(*day))
            }
            Aged::Tokens => self.tokens.values().filter_map(|stored| stored.token.expires_at).min(),
            Aged::Reports => self.reports.values().filter_map(|report| Some(report.closure.as_ref()?.at)).min(),
            Aged::FailedJobs => {
                let failed = self.jobs.0.values().filter(|queued| queued.job.state == JobState::Failed);
                failed.filter_map(|queued| queued.job.ended_at).min()
            }
        }
    }

    /// Drops rows that have aged; these maps are small, so all of them at once.
    pub(super) fn drop_aged(&mut self, what: Aged, before: Timestamp, _: usize) {
        match what {
            Aged::Downloads => {
                for version in self.packages.values_mut().flat_map(|package| &mut package.versions) {
                    let kept = version.days.split_off(&before.to_zoned(TimeZone::UTC).date());
                    version.dropped_downloads += version.days.values().sum::<u64>();
                    version.days = kept;
                }
            }
            Aged::Tokens => self.tokens.retain(|_, stored| stored.token.expires_at.is_none_or(|end| end >= before)),
            Aged::Reports => {
                self.reports.retain(|_, report| report.closure.as_ref().is_none_or(|closure| closure.at >= before));
            }
            Aged::FailedJobs => self.jobs.0.retain(|_, queued| {
                queued.job.state != JobState::Failed || queued.job.ended_at.is_none_or(|ended| ended >= before)
            }),
        }
    }
}

fn begin_of(day: Date) -> Option<Timestamp> {
    day.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).ok()
}
