use std::fmt::Write;

use super::{Outcome, outcome::Record};
use crate::{
    OURS,
    measure::{Metric, Spread, Verdict},
};

/// The row as lines of text.
pub(super) fn lines(outcome: &Outcome) -> String {
    let mut text = format!("{}: {}", outcome.name, outcome.title);
    if outcome.rounds > 0 {
        let plural = if outcome.rounds == 1 { "" } else { "s" };
        write!(text, " ({} round{plural})", outcome.rounds).expect("a string takes all");
    }
    text.push('\n');
    let mut metrics: Vec<_> = outcome.contenders.iter().flat_map(|one| one.figures.keys().copied()).collect();
    metrics.sort_unstable();
    metrics.dedup();
    if !metrics.is_empty() {
        text.push_str(&head(&metrics, outcome.contenders.iter().any(|one| !one.ours_by_this.is_empty())));
    }
    for one in &outcome.contenders {
        text.push_str(&line(one, &metrics));
    }
    for goal in &outcome.goals {
        let verdict = match goal.verdict {
            Verdict::Met => "met   ",
            Verdict::Missed => "missed",
            Verdict::Unknown => "?     ",
        };
        writeln!(text, "  {verdict}  {}: {}", goal.goal, goal.shown).expect("a string takes all");
    }
    for absent in &outcome.absent {
        writeln!(text, "  not measured: {absent}").expect("a string takes all");
    }
    text
}

const NAME: usize = 34;
const FIGURE: usize = 13;

fn head(metrics: &[Metric], has_ratios: bool) -> String {
    let mut text = format!("  {:<NAME$}", "");
    for metric in metrics {
        write!(text, "{:>FIGURE$}", metric.label()).expect("a string takes all");
    }
    if let (true, Some(first)) = (has_ratios, metrics.first()) {
        write!(text, "   {OURS}'s {} by it", first.label()).expect("a string takes all");
    }
    text.push('\n');
    text
}

fn line(one: &Record, metrics: &[Metric]) -> String {
    let mut text = format!("  {:<NAME$}", one.name);
    for metric in metrics {
        let shown = one.figures.get(metric).map_or("-".to_owned(), |spread| metric.show(spread.median));
        write!(text, "{shown:>FIGURE$}").expect("a string takes all");
    }
    let ratio = metrics.first().and_then(|first| one.ours_by_this.get(first)).map(ratio);
    let ratio = ratio.map_or_else(String::new, |ratio| format!("   {ratio}"));
    writeln!(text, "{ratio}").expect("a string takes all");
    text
}

/// The median and the extremes.
fn ratio(Spread { median, min, max }: &Spread) -> String {
    let digits = if *median < 10.0 { 2 } else { 0 };
    format!("{median:.digits$} ({min:.digits$}-{max:.digits$})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        OURS,
        measure::{Goal, Rounds, Row, Sample},
    };

    #[test]
    fn a_row_says_who_did_what() {
        let sample =
            |rate, p99| Sample::default().with(Metric::RequestsPerSecond, rate).with(Metric::P99Microseconds, p99);
        let rounds = Rounds::new(
            &["nginx", OURS],
            vec![vec![sample(100.0, 900.0), sample(120.0, 1500.0)], vec![sample(100.0, 900.0), sample(130.0, 1500.0)]],
        );
        let mut row = Row::new("download");
        row.goals.push(Goal::at_least(Metric::RequestsPerSecond, OURS, 1.1).times("nginx"));
        row.goals.push(Goal::at_least(Metric::RequestsPerSecond, OURS, 45.0).times("verdaccio"));
        row.absent.push("verdaccio is not installed (npm)".to_owned());
        let text = lines(&Outcome::new("download-12-kb", &row, &rounds));
        assert!(text.contains("1.25 (1.20-1.30)"), "{text}");
        assert!(text.contains("1.50 ms"), "{text}");
        assert!(text.contains("met     requests/s ≥ 1.10 × nginx: 1.25 ×"), "{text}");
        assert!(text.contains("?       requests/s ≥ 45 × verdaccio: not measured"), "{text}");
        assert!(text.contains("not measured: verdaccio is not installed (npm)"), "{text}");
    }
}
