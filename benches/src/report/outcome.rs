use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    OURS,
    measure::{Judged, Metric, Rounds, Row, Spread},
};

/// The result of one row.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) rounds: usize,
    pub(crate) contenders: Vec<Record>,
    pub(crate) goals: Vec<Judged>,
    /// Contenders that could not be measured, and why.
    pub(crate) absent: Vec<String>,
}

/// The figures of one contender.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) figures: BTreeMap<Metric, Spread>,
    /// The registry's figures divided by this yardstick's, round by round.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) ours_by_this: BTreeMap<Metric, Spread>,
}

impl Outcome {
    pub(crate) fn new(name: &'static str, row: &Row, rounds: &Rounds) -> Self {
        let metrics = rounds.metrics();
        let figures = |contender: &String| {
            let of = |metric: &Metric| Some((*metric, rounds.spread(contender, *metric)?));
            let by = |metric: &Metric| {
                let ratio = rounds.compared(OURS, contender, *metric, |ours, theirs| ours / theirs)?;
                Some((*metric, ratio))
            };
            Record {
                name: contender.clone(),
                figures: metrics.iter().filter_map(of).collect(),
                ours_by_this: if *contender == OURS {
                    BTreeMap::new()
                } else {
                    metrics.iter().filter_map(by).collect()
                },
            }
        };
        Self {
            name,
            title: row.title.clone(),
            rounds: rounds.len(),
            contenders: rounds.names().iter().map(figures).collect(),
            goals: row.goals.iter().map(|goal| goal.judge(rounds)).collect(),
            absent: row.absent.clone(),
        }
    }

    /// The outcome of a row in which nothing could be measured.
    pub(crate) fn none(name: &'static str, what: &str, why: String) -> Self {
        let (contenders, goals) = (Vec::new(), Vec::new());
        Self { name, title: what.to_owned(), rounds: 0, contenders, goals, absent: vec![why] }
    }
}
