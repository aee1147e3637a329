/// The target of the `tracing` spans around requests, use cases, and calls of databases, Redis and archive stores.
///
/// A host that collects traces enables this target at the level `TRACE` for its collector alone: no log line
/// needs these spans, and while nothing enables them they cost a comparison each.
pub const SPANS: &str = "aam_registry_spans";
