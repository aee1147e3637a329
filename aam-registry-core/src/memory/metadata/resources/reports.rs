use crate::{
    decide::{CloseReport, CloseReportFacts, NewReport, NewReportFacts, ReportWrite},
    memory::metadata::tables::Tables,
    types::{NamedReport, Page, Report, ReportFilter, ReportState, UserId},
};

impl Tables {
    pub(super) fn new_report_facts(&self, new: &NewReport) -> NewReportFacts {
        let is_open = |report: &&Report| report.reporter == new.actor.user && report.state() == ReportState::Open;
        NewReportFacts {
            package: self.package_facts(new.reads()),
            open: self.reports.values().filter(is_open).count() as u64,
        }
    }

    pub(super) fn close_report_facts(&self, close: &CloseReport) -> CloseReportFacts {
        let report = self.reports.get(&close.id).map(|report| named(self, report));
        CloseReportFacts { caller: self.caller(&close.actor), report }
    }

    /// Reports, newest first.
    pub(super) fn list_reports(&self, filter: &ReportFilter) -> Page<NamedReport> {
        let wanted = |report: &&Report| filter.state.is_none_or(|state| report.state() == state);
        let found: Vec<_> = self.reports.values().rev().filter(wanted).collect();
        let total = found.len();
        Page::of(found.into_iter().map(|report| named(self, report)), total, filter.page)
    }

    pub(super) fn write_report(&mut self, write: ReportWrite) {
        let ReportWrite::Put(report) = write;
        self.reports.insert(report.id, report);
    }
}

fn named(tables: &Tables, report: &Report) -> NamedReport {
    let name = |user: UserId| tables.username(user).cloned();
    NamedReport {
        report: report.clone(),
        reporter: name(report.reporter),
        closed_by: report.closure.as_ref().and_then(|closure| name(closure.by)),
    }
}
