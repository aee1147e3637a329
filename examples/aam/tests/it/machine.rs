//! A machine with `aam` on it: a home, a project, no environment of ours.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;
use walkdir::WalkDir;

use crate::server::PASSWORD;

pub(crate) struct Machine {
    folder: TempDir,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        fs::create_dir(folder.path().join("project")).expect("folder");
        Self { folder }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("aam-home")
    }

    pub(crate) fn codex(&self) -> PathBuf {
        self.folder.path().join("codex-home")
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// `aam` in the project.
    pub(crate) fn aam(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aam"));
        command
            .args(arguments)
            .current_dir(self.project())
            .env_clear()
            .env("AAM_HOME", self.home())
            .env("CODEX_HOME", self.codex())
            .env("HOME", self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs `aam`, whatever comes of it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.aam(arguments).output().expect("aam runs")
    }

    /// Runs `aam`, which must work; returns its stdout.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        succeeded(arguments, &self.run(arguments))
    }

    /// Runs `aam --json`, which must work; returns what it printed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.ok(&[&["--json"], arguments].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// Runs `aam --json`, which must fail with `code`; returns the error it printed.
    pub(crate) fn fails(&self, code: i32, arguments: &[&str]) -> Value {
        let output = self.run(&[&["--json"], arguments].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// Runs `aam` with `input` as its stdin; it must work.
    pub(crate) fn ok_with(&self, arguments: &[&str], input: &str) -> String {
        let mut command = self.aam(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("aam runs");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("taken");
        succeeded(arguments, &child.wait_with_output().expect("ends"))
    }

    /// Makes the account `name`, which logs in.
    pub(crate) fn register(&self, name: &str) {
        let email = format!("{name}@example.com");
        self.ok_with(
            &["register", "--username", name, "--email", &email, "--password-stdin"],
            &format!("{PASSWORD}\n"),
        );
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.project().join(path);
        fs::create_dir_all(path.parent().expect("in the project")).expect("folder");
        fs::write(path, text).expect("written");
    }

    /// Reads a file of the project.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Publishes the package `name` of `artifacts`, the YAML lines below `artifacts:`, and `files`.
    pub(crate) fn publish(&self, name: &str, version: &str, artifacts: &str, files: &[(&str, &str)]) {
        let folder = self.folder.path().join("packages").join(format!("{name}-{version}").replace(['@', '/'], "_"));
        let manifest = format!("name: '{name}'\nversion: {version}\ndescription: d\nartifacts:\n{artifacts}");
        for (path, text) in files.iter().chain(&[("aam.yaml", &*manifest)]) {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("in the package")).expect("folder");
            fs::write(path, text).expect("written");
        }
        self.ok(&["pkg", "publish", folder.to_str().expect("text")]);
    }

    /// Makes the package `name` in `folder` of the project, as its author would: with its skill written.
    pub(crate) fn init(&self, name: &str, folder: &str) {
        let made = self.json(&["pkg", "init", name, "--folder", folder, "--description", "What it is for"]);
        let written = made["written"].as_array().expect("a list").iter().filter_map(Value::as_str);
        for path in written.filter(|path| path.ends_with("SKILL.md")) {
            let path = format!("{folder}/{path}");
            let text = self.read(&path);
            let (head, _) = text.rsplit_once("---\n").expect("a front matter");
            self.write(&path, &format!("{head}---\n\nRead the notes.\n"));
        }
    }

    /// Another project on this machine.
    pub(crate) fn other(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder).expect("folder");
        folder
    }

    /// The user's home folder.
    pub(crate) fn user(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.project().join(path).exists()
    }

    /// Everything in the project and in the Codex home: folders, files and what is in them.
    pub(crate) fn snapshot(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut all = tree(&self.project());
        all.extend(tree(&self.codex()));
        all
    }
}

fn tree(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let entries = WalkDir::new(folder).min_depth(1).into_iter().filter_map(Result::ok);
    entries.map(|entry| (entry.path().to_owned(), fs::read(entry.path()).ok())).collect()
}

fn succeeded(arguments: &[&str], output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "aam {arguments:?} failed\n{out}\n{err}");
    out.into_owned()
}
