use std::fs;

use aam_registry_core::archive::{PackContents, PackEntry, pack};
use serde_json::{Map, Value, json};

use crate::checkout::checkout;

/// A package to publish, with one prompt unless files are added.
#[derive(Clone, Debug)]
pub struct Package {
    manifest: Map<String, Value>,
    files: Vec<(String, Vec<u8>)>,
}

impl Package {
    /// A small valid package.
    pub fn new(name: &str, version: &str) -> Self {
        let manifest = json!({
            "name": name,
            "version": version,
            "description": format!("A package called {name}"),
            "artifacts": {"prompts": [{"name": "hello", "path": "prompts/hello.md", "description": "Says hello"}]},
        });
        let Value::Object(manifest) = manifest else { unreachable!("written as an object") };
        Self { manifest, files: vec![("prompts/hello.md".into(), b"Hello\n".to_vec())] }
    }

    /// Sets a key of the manifest.
    #[must_use]
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.manifest.insert(key.to_owned(), value);
        self
    }

    /// Adds a file.
    #[must_use]
    pub fn file(mut self, path: &str, contents: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.to_owned(), contents.into()));
        self
    }

    /// The archive; the same package always gives the same bytes.
    pub fn aam(&self) -> Vec<u8> {
        // JSON is also valid YAML.
        let manifest = Value::Object(self.manifest.clone()).to_string().into_bytes();
        let entry = |(path, contents): (String, Vec<u8>)| PackEntry {
            path,
            executable: false,
            contents: PackContents::Bytes(contents),
        };
        let files = self.files.iter().cloned().chain([("aam.yaml".to_owned(), manifest)]);
        let mut aam = Vec::new();
        pack(files.map(entry).collect(), &mut aam).expect("a valid package");
        aam
    }
}

/// An archive packed by another client, from the fixtures.
pub fn fixture(file: &str) -> Vec<u8> {
    let path = checkout().join("tests/fixtures").join(file);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
