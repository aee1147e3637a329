use std::collections::BTreeMap;

use crate::{
    decide::{CloseReport, CloseReportFacts, NewReport, NewReportFacts, ReportWrite},
    memory::metadata::tables::Tables,
    types::{NamedReport, Page, Report, ReportFilter, ReportId, ReportState, UserId},
};

/// Every report.
#[derive(Default)]
pub(super) struct Reports(BTreeMap<ReportId, Report>);

impl Reports {
    pub(super) fn new_report_facts(&self, tables: &Tables, new: &NewReport) -> NewReportFacts {
        let is_open = |report: &&Report| report.reporter == new.actor.user && report.state() == ReportState::Open;
        NewReportFacts {
            package: tables.package_facts(new.reads()),
            open: self.0.values().filter(is_open).count() as u64,
        }
    }

    pub(super) fn close_report_facts(&self, tables: &Tables, close: &CloseReport) -> CloseReportFacts {
        let report = self.0.get(&close.id).map(|report| named(tables, report));
        CloseReportFacts { caller: tables.caller(&close.actor), report }
    }

    /// Reports, newest first.
    pub(super) fn list(&self, tables: &Tables, filter: &ReportFilter) -> Page<NamedReport> {
        let wanted = |report: &&Report| filter.state.is_none_or(|state| report.state() == state);
        let found: Vec<_> = self.0.values().rev().filter(wanted).collect();
        let total = found.len();
        Page::of(found.into_iter().map(|report| named(tables, report)), total, filter.page)
    }

    pub(super) fn write(&mut self, write: ReportWrite) {
        let ReportWrite::Put(report) = write;
        self.0.insert(report.id, report);
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
