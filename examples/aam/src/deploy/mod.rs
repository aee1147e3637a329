//! Putting the artifacts of installed packages where AI coding tools look for them.
//!
//! [`plan()`] says, from the packages alone, what should stand where. [`apply()`]
//! compares that with the [`Record`] of what was written before and with what
//! lies there now, and brings the one to the other without touching anything
//! a person wrote.

mod agent;
mod apply;
mod claude;
mod codex;
mod copilot;
mod cursor;
mod document;
mod front_matter;
mod place;
mod plan;
mod platform;
mod record;
mod rules;
mod section;

pub(crate) use agent::read as read_agent;
pub(crate) use apply::{Applied, Policy, announce, apply, check};
pub(crate) use front_matter::split as front_matter;
pub(crate) use place::Roots;
pub(crate) use plan::{Deployable, Plan, plan};
pub(crate) use platform::Platform;
pub(crate) use record::Record;
