//! The HTTP API, as transcripts of requests and answers.

mod changes;
mod errors;
mod publish;
mod reads;
mod resolve;
mod search;
mod transcript;
