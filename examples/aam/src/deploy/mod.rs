//! Putting the artifacts of installed packages where AI coding tools look for them.
//!
//! [`plan()`] says, from the packages alone, what should stand where. [`apply()`]
//! compares that with the [`Record`] of what was written before and with what
//! lies there now, and brings the one to the other without touching anything
//! a person wrote. [`adopt()`] fills a record that is missing.

mod acts;
mod adopt;
mod agent;
mod agent_forms;
mod apply;
mod apply_sections;
mod claims;
mod differences;
mod document;
mod earlier;
mod front_matter;
mod in_the_way;
mod instruction_forms;
mod limits;
mod losses;
mod naming;
mod offered;
mod own_link;
mod place;
mod plan;
mod platform;
mod plugin_variables;
mod powers;
mod present;
mod prompt_forms;
mod prompt_scan;
mod prompt_syntax;
mod record;
mod roots;
mod rules;
mod section;
mod skill;
mod source;
mod tables;
mod tools;

pub(crate) use acts::{acts, telling_file};
pub(crate) use adopt::adopt;
pub(crate) use agent::read as read_agent;
pub(crate) use apply::{Applied, Policy, announce, apply, sweep};
pub(crate) use differences::{
    Difference, DifferenceKind, deployed_differences, recorded_differences, unpacked_differences,
};
pub(crate) use earlier::earlier;
pub(crate) use front_matter::{hidden_limit, split as front_matter, text as yaml_text};
pub(crate) use in_the_way::check;
pub(crate) use offered::not_offered;
pub(crate) use plan::{Deployable, Plan, plan};
pub(crate) use platform::{Platform, Scope};
pub(crate) use plugin_variables::plugin_variable;
pub(crate) use record::{Others, Record};
pub(crate) use roots::Roots;
pub(crate) use section::marker_line;
pub(crate) use skill::folder as skill_folder;
pub(crate) use source::{Package, read};
