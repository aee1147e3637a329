//! The front matter of skills, agents, prompts and instructions: the YAML between `---` lines at the head of a Markdown
//! file, and what keeps tools from reading it.
//!
//! The registry warns of what [`findings`] finds when a package is published, and `aam` before that, so that both say
//! the same.

mod broken;
mod check;
mod fence;
mod finding;
pub mod keys;
mod value;

pub(super) use check::not_utf8;
pub use check::{NO_SKILL, findings, folder_instead, is_skill_name};
pub use fence::{Flaw, Parts, parts, top_level_key};
pub use finding::Finding;
pub use value::{guessed_value, value_of};
