//! Makes the JSON answer of a failure.

mod future;
mod layer;
mod service;

pub use layer::AnswerFailuresLayer;
pub use service::AnswerFailures;
