use serde::Serialize;

use super::{Metric, Rounds, Spread};

/// The goal for a figure.
#[derive(Clone, Debug)]
pub(crate) struct Goal {
    metric: Metric,
    of: String,
    against: Against,
    bound: Bound,
}

#[derive(Clone, Debug, PartialEq)]
enum Against {
    /// The figure itself.
    Nothing,
    /// The figure divided by that of a yardstick.
    By(String),
    /// The figure minus that of a yardstick.
    Less(String),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
    /// At most this far from 1, up or down.
    Within(f64),
}

/// Whether a goal is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Met,
    Missed,
    /// Its yardstick was not measured.
    Unknown,
}

/// A goal and what was measured for it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Judged {
    pub(crate) goal: String,
    pub(crate) verdict: Verdict,
    /// The value that the goal limits: a figure, a ratio or a difference.
    pub(crate) measured: Option<Spread>,
    /// The same as text.
    pub(crate) shown: String,
    /// By which factor the goal is exceeded: 1 means just met, more is better.
    pub(crate) score: Option<Spread>,
}

impl Goal {
    /// A goal for the contender `of`; a bound follows.
    fn new(metric: Metric, of: &str, bound: Bound) -> Self {
        Self { metric, of: of.to_owned(), against: Against::Nothing, bound }
    }

    /// The figure of `of` has to be at least this.
    pub(crate) fn at_least(metric: Metric, of: &str, least: f64) -> Self {
        Self::new(metric, of, Bound::AtLeast(least))
    }

    /// The figure of `of` has to be at most this.
    pub(crate) fn at_most(metric: Metric, of: &str, most: f64) -> Self {
        Self::new(metric, of, Bound::AtMost(most))
    }

    /// The ratio that follows has to be 1 within this tolerance.
    pub(crate) fn within(metric: Metric, of: &str, tolerance: f64) -> Self {
        Self::new(metric, of, Bound::Within(tolerance))
    }

    /// Limits the ratio to the figure of `yardstick`.
    #[must_use]
    pub(crate) fn times(mut self, yardstick: &str) -> Self {
        self.against = Against::By(yardstick.to_owned());
        self
    }

    /// Limits the difference to the figure of `yardstick`.
    #[must_use]
    pub(crate) fn more_than(mut self, yardstick: &str) -> Self {
        self.against = Against::Less(yardstick.to_owned());
        self
    }

    /// Compares the goal with the measurements.
    pub(crate) fn judge(&self, rounds: &Rounds) -> Judged {
        let measured = match &self.against {
            Against::Nothing => rounds.spread(&self.of, self.metric),
            Against::By(yardstick) => rounds.compared(&self.of, yardstick, self.metric, |ours, theirs| ours / theirs),
            Against::Less(yardstick) => rounds.compared(&self.of, yardstick, self.metric, |ours, theirs| ours - theirs),
        };
        let verdict = match measured {
            None => Verdict::Unknown,
            Some(spread) if self.holds(spread.median) => Verdict::Met,
            Some(_) => Verdict::Missed,
        };
        Judged {
            goal: self.to_string(),
            verdict,
            measured,
            shown: measured.map_or_else(|| "not measured".to_owned(), |spread| self.show(spread.median)),
            score: measured.map(|spread| self.score(spread)),
        }
    }

    fn holds(&self, value: f64) -> bool {
        match self.bound {
            Bound::AtLeast(least) => value >= least,
            Bound::AtMost(most) => value <= most,
            Bound::Within(tolerance) => (value - 1.0).abs() <= tolerance,
        }
    }

    fn score(&self, measured: Spread) -> Spread {
        match self.bound {
            Bound::AtLeast(least) => measured.map(|value| value / least),
            // A difference can be zero or negative; that gets the best score.
            Bound::AtMost(most) => measured.map(|value| if value > 0.0 { most / value } else { f64::from(MOST) }),
            Bound::Within(tolerance) => {
                let distance = |value: f64| (1.0 + tolerance) / (1.0 + (value - 1.0).abs());
                let ends = [measured.min, measured.max].map(distance);
                let median = distance(measured.median);
                Spread { median, min: ends[0].min(ends[1]).min(median), max: ends[0].max(ends[1]).max(median) }
            }
        }
    }

    fn show(&self, value: f64) -> String {
        match self.against {
            Against::Nothing | Against::Less(_) => self.metric.show(value),
            Against::By(_) => format!("{} ×", ratio(value)),
        }
    }
}

/// The highest score; better ones are reduced to it.
const MOST: u8 = 8;

fn ratio(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

/// Such as `requests/s ≥ 1.10 × nginx`.
impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { metric, of, against, bound } = self;
        if of != crate::OURS {
            write!(f, "{of}: ")?;
        }
        write!(f, "{} ", metric.label())?;
        match (bound, against) {
            (Bound::AtLeast(least), _) => write!(f, "≥ {}", self.show(*least))?,
            (Bound::AtMost(most), Against::Nothing | Against::By(_)) => write!(f, "≤ {}", self.show(*most))?,
            (Bound::AtMost(most), Against::Less(yardstick)) => {
                return write!(f, "≤ {yardstick} + {}", self.show(*most));
            }
            (Bound::Within(tolerance), _) => write!(f, "= 1 ± {tolerance} ×")?,
        }
        match against {
            Against::Nothing => Ok(()),
            Against::By(yardstick) | Against::Less(yardstick) => write!(f, " {yardstick}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OURS, measure::Sample};

    fn rounds(metric: Metric, pairs: &[(f64, f64)]) -> Rounds {
        let sample = |value| Sample::default().with(metric, value);
        Rounds::new(&["nginx", OURS], pairs.iter().map(|(theirs, ours)| vec![sample(*theirs), sample(*ours)]).collect())
    }

    #[test]
    fn a_ratio_is_judged_by_its_median() {
        let goal = Goal::at_least(Metric::RequestsPerSecond, OURS, 1.1).times("nginx");
        assert_eq!(goal.to_string(), "requests/s ≥ 1.10 × nginx");
        let judged = goal.judge(&rounds(Metric::RequestsPerSecond, &[(100.0, 90.0), (100.0, 121.0), (100.0, 132.0)]));
        assert_eq!((judged.verdict, &*judged.shown), (Verdict::Met, "1.21 ×"));
        assert!((judged.score.expect("a score").median - 1.1).abs() < 1e-9);
        let judged = goal.judge(&rounds(Metric::RequestsPerSecond, &[(100.0, 109.0)]));
        assert_eq!(judged.verdict, Verdict::Missed);
    }

    #[test]
    fn a_cost_scores_the_other_way_round() {
        let goal = Goal::at_most(Metric::CpuMicroseconds, OURS, 0.8).times("nginx");
        let judged = goal.judge(&rounds(Metric::CpuMicroseconds, &[(10.0, 4.0)]));
        assert_eq!(judged.verdict, Verdict::Met);
        assert!((judged.score.expect("a score").median - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_difference_is_bounded_by_itself() {
        let goal = Goal::at_most(Metric::FirstByteMicroseconds, OURS, 1000.0).more_than("nginx");
        assert_eq!(goal.to_string(), "first byte ≤ nginx + 1.00 ms");
        let met = goal.judge(&rounds(Metric::FirstByteMicroseconds, &[(5000.0, 5900.0)]));
        assert_eq!(met.verdict, Verdict::Met);
        let missed = goal.judge(&rounds(Metric::FirstByteMicroseconds, &[(5000.0, 6100.0)]));
        assert_eq!(missed.verdict, Verdict::Missed);
    }

    #[test]
    fn a_tolerance_holds_both_ways() {
        let goal = Goal::within(Metric::RequestsPerSecond, OURS, 0.1).times("nginx");
        for (ours, verdict) in
            [(91.0, Verdict::Met), (109.0, Verdict::Met), (89.0, Verdict::Missed), (111.0, Verdict::Missed)]
        {
            assert_eq!(goal.judge(&rounds(Metric::RequestsPerSecond, &[(100.0, ours)])).verdict, verdict, "{ours}");
        }
    }

    #[test]
    fn without_a_yardstick_nothing_is_claimed() {
        let goal = Goal::at_least(Metric::RequestsPerSecond, OURS, 45.0).times("verdaccio");
        let judged = goal.judge(&rounds(Metric::RequestsPerSecond, &[(100.0, 90.0)]));
        assert_eq!(judged.verdict, Verdict::Unknown);
        assert!(judged.measured.is_none());
    }
}
