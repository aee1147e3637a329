//! Measurements, their repetition and their goals.

mod contender;
mod goal;
mod interleave;
mod metric;
mod plan;
mod row;
mod sample;
mod spread;

pub(crate) use contender::Contender;
pub(crate) use goal::{Goal, Judged, Verdict};
pub(crate) use interleave::{Rounds, interleaved};
pub(crate) use metric::Metric;
pub(crate) use plan::Plan;
pub(crate) use row::Row;
pub(crate) use sample::Sample;
pub(crate) use spread::Spread;
