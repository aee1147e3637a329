use std::{path::Path, time::Duration};

use crate::{error::Result, load::load, process::cpu_time};

/// How to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: u32,
    pub(crate) warm_up: Duration,
    pub(crate) duration: Duration,
    pub(crate) connections: u32,
}

/// A server that takes part.
#[derive(Clone, Debug)]
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) pid: u32,
    pub(crate) url: String,
}

/// What one contestant did in one round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) requests_per_second: f64,
    pub(crate) cpu_per_request: Duration,
    pub(crate) p99: Duration,
}

/// Measures the contestants in turn, round after round, so that what slows
/// the machine for a while slows them all. Gives the rounds, each with one
/// entry a contestant.
pub(crate) async fn interleaved(wrk: &Path, contestants: &[Contestant], plan: &Plan) -> Result<Vec<Vec<Figures>>> {
    for contestant in contestants {
        load(wrk, &contestant.url, plan.connections, plan.warm_up).await?;
    }
    let mut rounds = Vec::new();
    for round in 1..=plan.rounds {
        eprint!("\rround {round} of {}", plan.rounds);
        let mut figures = Vec::new();
        for contestant in contestants {
            figures.push(measure(wrk, contestant, plan).await?);
        }
        rounds.push(figures);
    }
    eprintln!();
    Ok(rounds)
}

async fn measure(wrk: &Path, contestant: &Contestant, plan: &Plan) -> Result<Figures> {
    let before = cpu_time(contestant.pid);
    let load = load(wrk, &contestant.url, plan.connections, plan.duration).await?;
    let cpu = cpu_time(contestant.pid).saturating_sub(before);
    Ok(Figures {
        requests_per_second: load.requests_per_second,
        cpu_per_request: cpu.div_f64(load.requests),
        p99: load.p99,
    })
}
