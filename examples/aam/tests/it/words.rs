//! What is said to a person when something is in the way: one list a subject,
//! each case made to happen, so that the texts can be read one after another.

mod command_lines;
mod files;
mod network;

use std::{
    fmt::Write,
    process::{Command, Output},
};

/// Cases with what was said in each.
#[derive(Default)]
struct Told {
    text: String,
    /// What differs from run to run, and what to show for it.
    names: Vec<(String, &'static str)>,
}

impl Told {
    /// Shows `name` for `text`.
    fn naming(&mut self, text: impl Into<String>, name: &'static str) {
        self.names.push((text.into(), name));
    }

    /// Runs a command that has to fail with `code`, and adds what it says.
    fn hear(&mut self, case: &str, code: i32, command: &mut Command) {
        let output = command.output().expect("aam runs");
        self.add(case, code, &output);
    }

    fn add(&mut self, case: &str, code: i32, output: &Output) {
        let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{case}: {said}{}", String::from_utf8_lossy(&output.stdout));
        for (text, name) in &self.names {
            said = said.replace(text, name);
        }
        let lines: Vec<_> = said.lines().filter(|line| !line.starts_with("request id: ")).collect();
        let _ = write!(self.text, "## {case}\n{}\n\n", lines.join("\n"));
    }
}
