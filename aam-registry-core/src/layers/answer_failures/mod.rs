//! Converts failures to JSON answers.

mod future;
mod layer;
mod service;

pub use layer::AnswerFailuresLayer;
pub use service::AnswerFailures;
