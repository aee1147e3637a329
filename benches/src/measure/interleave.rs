use std::collections::BTreeSet;

use super::{Metric, Plan, Row, Sample, Spread};
use crate::error::Result;

/// The samples of each contender of a row, round by round.
#[derive(Debug)]
pub(crate) struct Rounds {
    names: Vec<String>,
    /// By round, in the order of the names.
    samples: Vec<Vec<Sample>>,
}

/// Measures the contenders in turn, round after round, so that anything that slows the machine for a
/// while affects all of them.
pub(crate) async fn interleaved(row: &mut Row, plan: &Plan) -> Result<Rounds> {
    let names = row.contenders.iter().map(|contender| contender.name().to_owned()).collect();
    for contender in &mut row.contenders {
        contender.warm_up(plan.warm_up).await?;
    }
    let rounds = plan.rounds.min(row.most_rounds);
    let mut samples = Vec::new();
    for round in 1..=rounds {
        eprint!("\r  round {round} of {rounds}");
        let mut of_round = Vec::new();
        for contender in &mut row.contenders {
            of_round.push(contender.measure(plan.duration).await?);
        }
        samples.push(of_round);
    }
    eprintln!();
    Ok(Rounds { names, samples })
}

impl Rounds {
    #[cfg(test)]
    pub(crate) fn new(names: &[&str], samples: Vec<Vec<Sample>>) -> Self {
        Self { names: names.iter().map(|name| (*name).to_owned()).collect(), samples }
    }

    pub(crate) fn len(&self) -> usize {
        self.samples.len()
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// All metrics in the samples.
    pub(crate) fn metrics(&self) -> BTreeSet<Metric> {
        self.samples.iter().flatten().flat_map(Sample::metrics).collect()
    }

    /// The figures of one contender over all rounds.
    pub(crate) fn spread(&self, name: &str, metric: Metric) -> Option<Spread> {
        let at = self.names.iter().position(|other| other == name)?;
        Spread::of(self.samples.iter().filter_map(|round| round[at].get(metric)))
    }

    /// The ratios of one contender's figures to another's, round by round.
    pub(crate) fn compared(
        &self,
        name: &str,
        yardstick: &str,
        metric: Metric,
        compare: fn(f64, f64) -> f64,
    ) -> Option<Spread> {
        let at = |name: &str| self.names.iter().position(|other| other == name);
        let (ours, theirs) = (at(name)?, at(yardstick)?);
        let both = |round: &Vec<Sample>| Some(compare(round[ours].get(metric)?, round[theirs].get(metric)?));
        Spread::of(self.samples.iter().filter_map(both))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_round_by_round() {
        let rate = |value| Sample::default().with(Metric::RequestsPerSecond, value);
        let rounds = Rounds::new(
            &["nginx", "ours"],
            vec![vec![rate(100.0), rate(110.0)], vec![rate(50.0), rate(60.0)], vec![rate(80.0), rate(72.0)]],
        );
        let ratio = rounds.compared("ours", "nginx", Metric::RequestsPerSecond, |a, b| a / b);
        assert_eq!(ratio, Some(Spread { median: 1.1, min: 0.9, max: 1.2 }));
        let own = rounds.spread("nginx", Metric::RequestsPerSecond);
        assert_eq!(own, Some(Spread { median: 80.0, min: 50.0, max: 100.0 }));
        assert_eq!(rounds.spread("nginx", Metric::P99Microseconds), None);
        assert_eq!(rounds.compared("ours", "nobody", Metric::RequestsPerSecond, |a, b| a / b), None);
    }
}
