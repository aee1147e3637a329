/// The requests that a load generator repeats.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Such as `http://127.0.0.1:8000`.
    pub(crate) base: String,
    /// The paths that are requested in turn, with their queries.
    pub(crate) paths: Vec<String>,
    /// Headers in addition to those of the load generator.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) connections: u32,
}

impl Request {
    pub(crate) fn new(base: impl Into<String>, path: impl Into<String>, connections: u32) -> Self {
        Self { base: base.into(), paths: vec![path.into()], headers: Vec::new(), connections }
    }

    #[must_use]
    pub(crate) fn with_paths(mut self, paths: Vec<String>) -> Self {
        self.paths = paths;
        self
    }
}
