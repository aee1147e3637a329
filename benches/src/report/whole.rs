use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::Serialize;

use super::{Outcome, picture, table};
use crate::{
    error::{Failure, Result},
    machine::{Machine, command_line},
    measure::{Plan, Verdict},
};

/// The results of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(super) machine: Machine,
    pub(super) command: String,
    pub(super) measured_at: String,
    pub(super) profile: String,
    pub(super) rounds: u32,
    pub(super) seconds_a_round: u64,
    pub(super) rows: Vec<Outcome>,
}

impl Report {
    pub(crate) fn new(plan: &Plan, profile: &str) -> Self {
        Self {
            machine: Machine::here(),
            command: command_line(),
            measured_at: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            profile: profile.to_owned(),
            rounds: plan.rounds,
            seconds_a_round: plan.duration.as_secs(),
            rows: Vec::new(),
        }
    }

    /// Adds a row and prints it.
    #[expect(clippy::print_stdout, reason = "the table is the output of the command")]
    pub(crate) fn add(&mut self, outcome: Outcome) {
        println!("{}", table::lines(&outcome));
        self.rows.push(outcome);
    }

    /// Prints the machine and a summary of the goals.
    #[expect(clippy::print_stdout, reason = "the table is the output of the command")]
    pub(crate) fn conclude(&self) {
        println!("{}", self.machine);
        println!("{}", self.command);
        let count =
            |verdict| self.rows.iter().flat_map(|row| &row.goals).filter(|goal| goal.verdict == verdict).count();
        println!(
            "goals: {} met, {} missed, {} not measured; medians of up to {} interleaved rounds of {} s",
            count(Verdict::Met),
            count(Verdict::Missed),
            count(Verdict::Unknown),
            self.rounds,
            self.seconds_a_round,
        );
    }

    /// Writes `table.json` and `table.svg` to `folder`, and returns their paths.
    pub(crate) fn write(&self, folder: &Path) -> Result<[PathBuf; 2]> {
        fs::create_dir_all(folder).map_err(Failure::io(folder.display().to_string()))?;
        let mut json = serde_json::to_vec_pretty(self).map_err(|error| Failure::Other(error.to_string()))?;
        json.push(b'\n');
        let paths = ["table.json", "table.svg"].map(|name| folder.join(name));
        for (path, contents) in paths.iter().zip([json, picture::draw(self).into_bytes()]) {
            fs::write(path, contents).map_err(Failure::io(path.display().to_string()))?;
        }
        Ok(paths)
    }
}
