//! How large the parts of a manifest may be.

use std::fmt::{self, Display, Write};

use serde_json::Value;

use super::faults::Faults;
use crate::types::{AskedIn, not_built, package_path};

/// The key under which packers list the files of a package with their digests.
const FILE_CHECKSUMS: &str = "file_checksums";

/// How large the parts of a manifest may be when it is published.
///
/// Manifests that were published under higher limits are still read, so code that reads a published
/// manifest must not rely on these limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManifestLimits {
    dependencies: usize,
    artifacts: usize,
    key: usize,
    depth: usize,
    /// Whether a key is a fault that asks for a feature which is not built.
    refuses_what_is_not_built: bool,
}

impl ManifestLimits {
    /// No limits, for manifests of published versions.
    pub const NONE: Self = Self {
        dependencies: usize::MAX,
        artifacts: usize::MAX,
        key: usize::MAX,
        depth: usize::MAX,
        refuses_what_is_not_built: false,
    };

    /// The most dependencies; 256 unless changed.
    pub fn max_dependencies(&self) -> usize {
        self.dependencies
    }

    /// The most artifacts of all types together; 1,000 unless changed.
    pub fn max_artifacts(&self) -> usize {
        self.artifacts
    }

    /// The most bytes of one key at any level; 256 unless changed. A path in `file_checksums`, where
    /// packers list every file, may be as long as a path in an archive.
    pub fn max_key(&self) -> usize {
        self.key
    }

    /// The most levels of mappings and lists, counting the document itself as the first; 32 unless
    /// changed. A manifest with more than 64 levels is never read.
    pub fn max_depth(&self) -> usize {
        self.depth
    }

    /// Sets the most dependencies.
    #[must_use]
    pub fn with_max_dependencies(mut self, dependencies: usize) -> Self {
        self.dependencies = dependencies;
        self
    }

    /// Sets the most artifacts of all types together.
    #[must_use]
    pub fn with_max_artifacts(mut self, artifacts: usize) -> Self {
        self.artifacts = artifacts;
        self
    }

    /// Sets the most bytes of one key.
    #[must_use]
    pub fn with_max_key(mut self, bytes: usize) -> Self {
        self.key = bytes;
        self
    }

    /// Sets the most levels of mappings and lists.
    #[must_use]
    pub fn with_max_depth(mut self, levels: usize) -> Self {
        self.depth = levels;
        self
    }

    /// Adds to `faults` what in `document` exceeds these limits.
    pub(super) fn check(&self, document: &Value, faults: &mut Faults) {
        if let Some(Value::Object(dependencies)) = document.get("dependencies")
            && dependencies.len() > self.dependencies
        {
            let (count, max) = (dependencies.len(), self.dependencies);
            faults.add("dependencies", format_args!("has {count} entries; at most {max} are allowed"));
        }
        if let Some(Value::Object(lists)) = document.get("artifacts") {
            let count: usize = lists.values().filter_map(Value::as_array).map(Vec::len).sum();
            if count > self.artifacts {
                let max = self.artifacts;
                faults.add("artifacts", format_args!("has {count} entries; at most {max} are allowed"));
            }
        }
        if self.refuses_what_is_not_built
            && let Value::Object(fields) = document
        {
            // `private` is judged by the rules of the manifest themselves.
            for (key, value) in fields.iter().filter(|(key, _)| *key != "private") {
                if let Some(refusal) = not_built(AskedIn::Manifest, key, value) {
                    faults.add(key, refusal);
                }
            }
        }
        self.check_keys(document, FieldPath::ROOT, false, faults);
    }

    /// `lists_files` below `file_checksums`.
    fn check_keys(&self, value: &Value, path: FieldPath<'_>, lists_files: bool, faults: &mut Faults) {
        if !(value.is_object() || value.is_array()) {
            return;
        }
        if path.depth > self.depth {
            let max = self.depth;
            faults.add(path, format_args!("is a mapping or list at level {}; at most {max} are allowed", path.depth));
            return;
        }
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    let lists_files = lists_files || (path.depth == 1 && key == FILE_CHECKSUMS);
                    let path = path.below(Step::Key(key));
                    let is_path = || lists_files && value.is_string() && package_path(key).is_ok();
                    if key.len() > self.key && !is_path() {
                        let (bytes, max) = (key.len(), self.key);
                        faults.add(path, format_args!("is a key of {bytes} bytes; at most {max} are allowed"));
                    }
                    self.check_keys(value, path, lists_files, faults);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.check_keys(item, path.below(Step::Index(index)), lists_files, faults);
                }
            }
            _ => {}
        }
    }
}

impl Default for ManifestLimits {
    fn default() -> Self {
        Self { dependencies: 256, artifacts: 1000, key: 256, depth: 32, refuses_what_is_not_built: true }
    }
}

/// A position in a document; formatted only when it is reported.
#[derive(Clone, Copy)]
struct FieldPath<'a> {
    parent: Option<&'a FieldPath<'a>>,
    step: Step<'a>,
    depth: usize,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl FieldPath<'_> {
    const ROOT: Self = Self { parent: None, step: Step::Root, depth: 1 };

    fn below<'a>(&'a self, step: Step<'a>) -> FieldPath<'a> {
        FieldPath { parent: Some(self), step, depth: self.depth + 1 }
    }
}

impl Display for FieldPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Key(key) => {
                if self.parent.is_some_and(|parent| parent.parent.is_some()) {
                    f.write_char('.')?;
                }
                f.write_str(key)
            }
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}
