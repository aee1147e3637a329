use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    error::{Failure, Result},
    measure::{Contestant, Figures, Plan},
};

/// The median of some rounds, and their extremes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<_> = values.collect();
        values.sort_by(f64::total_cmp);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Self { median: f64::midpoint(low, high), min: values[0], max: values[values.len() - 1] }
    }
}

/// One row of the table.
#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    requests_per_second: Spread,
    cpu_microseconds_per_request: Spread,
    p99_microseconds: Spread,
    /// Against the first row, round by round; absent where that is no yardstick.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<Ratios>,
}

#[derive(Debug, Serialize)]
struct Ratios {
    requests_per_second: Spread,
    cpu_per_request: Spread,
    p99: Spread,
}

#[derive(Debug, Serialize)]
struct Machine {
    cpu: String,
    cores: usize,
    kernel: String,
}

/// What was measured, to print and to keep.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    work: &'static str,
    bytes: usize,
    connections: u32,
    rounds: u32,
    seconds_a_round: u64,
    measured_at: String,
    machine: Machine,
    rows: Vec<Row>,
}

impl Report {
    /// A report of at least one round, whose first contestant is the yardstick.
    pub(crate) fn new(plan: &Plan, contestants: &[Contestant], rounds: &[Vec<Figures>], bytes: usize) -> Self {
        let row = |(at, contestant): (usize, &Contestant)| {
            let all = |figure: fn(&Figures) -> f64| Spread::of(rounds.iter().map(|round| figure(&round[at])));
            let ratio = |figure: fn(&Figures) -> f64| {
                Spread::of(rounds.iter().map(|round| figure(&round[at]) / figure(&round[0])))
            };
            Row {
                name: contestant.name,
                requests_per_second: all(rate),
                cpu_microseconds_per_request: all(cpu),
                p99_microseconds: all(p99),
                ratio: (contestants.len() > 1).then(|| Ratios {
                    requests_per_second: ratio(rate),
                    cpu_per_request: ratio(cpu),
                    p99: ratio(p99),
                }),
            }
        };
        Self {
            work: "download-12-kb",
            bytes,
            connections: plan.connections,
            rounds: plan.rounds,
            seconds_a_round: plan.duration.as_secs(),
            measured_at: Timestamp::now().to_string(),
            machine: Machine::here(),
            rows: contestants.iter().enumerate().map(row).collect(),
        }
    }

    #[expect(clippy::print_stdout, reason = "the table is what the command is for")]
    pub(crate) fn print(&self) {
        println!("{}", self.table());
    }

    fn table(&self) -> String {
        let mut lines = vec![
            format!(
                "download of {} bytes, {} connections, {} rounds of {} s each, interleaved",
                self.bytes, self.connections, self.rounds, self.seconds_a_round
            ),
            format!("{}, {} cores, Linux {}", self.machine.cpu, self.machine.cores, self.machine.kernel),
            String::new(),
            format!(
                "{:<14}{:>12}{:>22}   {:>12}{:>8}   {:>10}{:>8}",
                "", "requests/s", "ratio (min-max)", "CPU/request", "ratio", "p99", "ratio"
            ),
        ];
        for row in &self.rows {
            let ratio =
                |of: fn(&Ratios) -> Spread| row.ratio.as_ref().map_or("-".to_owned(), |ratios| two(of(ratios).median));
            let spread = row.ratio.as_ref().map_or("-".to_owned(), |ratios| {
                let Spread { median, min, max } = ratios.requests_per_second;
                format!("{} ({}-{})", two(median), two(min), two(max))
            });
            lines.push(format!(
                "{:<14}{:>12.0}{:>22}   {:>9.1} µs{:>8}   {:>7.2} ms{:>8}",
                row.name,
                row.requests_per_second.median,
                spread,
                row.cpu_microseconds_per_request.median,
                ratio(|ratios| ratios.cpu_per_request),
                row.p99_microseconds.median / 1000.0,
                ratio(|ratios| ratios.p99),
            ));
        }
        lines.join("\n")
    }

    /// Writes the report into `folder` and tells where.
    pub(crate) fn write(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join(format!("{}.json", self.work));
        let json = serde_json::to_vec_pretty(self).map_err(|error| Failure::Other(error.to_string()))?;
        fs::create_dir_all(folder).map_err(Failure::io(folder.display().to_string()))?;
        fs::write(&path, json).map_err(Failure::io(path.display().to_string()))?;
        Ok(path)
    }
}

fn rate(figures: &Figures) -> f64 {
    figures.requests_per_second
}

fn cpu(figures: &Figures) -> f64 {
    figures.cpu_per_request.as_secs_f64() * 1e6
}

fn p99(figures: &Figures) -> f64 {
    figures.p99.as_secs_f64() * 1e6
}

fn two(number: f64) -> String {
    format!("{number:.2}")
}

impl Machine {
    fn here() -> Self {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: name.map_or("an unknown processor", |(_, name)| name.trim()).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: kernel.trim().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn figures(rate: f64, cpu: u64, p99: u64) -> Figures {
        Figures {
            requests_per_second: rate,
            cpu_per_request: Duration::from_micros(cpu),
            p99: Duration::from_micros(p99),
        }
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let contestants = ["nginx", "ours"].map(|name| Contestant { name, pid: 0, url: String::new() });
        let rounds = [
            vec![figures(100.0, 10, 1000), figures(110.0, 8, 500)],
            vec![figures(50.0, 20, 2000), figures(60.0, 16, 1000)],
            vec![figures(80.0, 10, 1000), figures(72.0, 9, 2000)],
        ];
        let plan = Plan { rounds: 3, warm_up: Duration::ZERO, duration: Duration::from_secs(1), connections: 32 };
        let report = Report::new(&plan, &contestants, &rounds, 12_000);
        let ours = report.rows[1].ratio.as_ref().expect("a yardstick");
        assert_eq!(ours.requests_per_second, Spread { median: 1.1, min: 0.9, max: 1.2 });
        assert_eq!(ours.cpu_per_request, Spread { median: 0.8, min: 0.8, max: 0.9 });
        assert_eq!(ours.p99, Spread { median: 0.5, min: 0.5, max: 2.0 });
        assert_eq!(report.rows[0].requests_per_second, Spread { median: 80.0, min: 50.0, max: 100.0 });
        assert!(report.table().contains("1.10 (0.90-1.20)"), "{}", report.table());
    }

    #[test]
    fn the_median_of_an_even_number_is_the_middle() {
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0].into_iter()), Spread { median: 2.5, min: 1.0, max: 4.0 });
    }
}
