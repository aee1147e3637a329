//! What a person at a terminal is asked, on a terminal of util-linux's `script`.

#![cfg(target_os = "linux")]

use std::{
    io::Write,
    process::{Command, Stdio},
};

use crate::{machine::Machine, server::Server};

/// Runs `aam` on a terminal at which `typed` is typed; what stands there in the end.
fn at_a_terminal(machine: &Machine, code: i32, arguments: &[&str], typed: &str) -> String {
    let aam = machine.aam(arguments);
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_string_lossy().replace('\'', r"'\''"));
    let line: Vec<_> = std::iter::once(aam.get_program()).chain(aam.get_args()).map(quoted).collect();
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--echo", "never", "--command", &line.join(" "), "/dev/null"]);
    script.current_dir(machine.project()).env_clear();
    script.envs(aam.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.env("NO_COLOR", "1").env("SHELL", "/bin/sh");
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("script is installed");
    let mut typist = child.stdin.take().expect("piped");
    typist.write_all(typed.as_bytes()).expect("typed");
    let output = child.wait_with_output().expect("ends");
    drop(typist);
    let shown = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {shown}");
    shown
}

#[test]
fn a_person_chooses_what_a_package_is_made_of() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    for name in ["one", "two"] {
        machine.write(&format!("skills/{name}/SKILL.md"), &crate::create::skill(name));
    }
    machine.write("prompts/go.md", "Go.\n");
    let shown = at_a_terminal(&machine, 0, &["pkg", "create", "--name", "@acme/chosen"], "two\n");
    insta::assert_snapshot!("create", shown.replace(&machine.project().display().to_string(), "[PROJECT]"));
    let manifest = machine.read("aam.yaml");
    assert!(manifest.contains("skills/two") && !manifest.contains("skills/one") && !manifest.contains("go.md"));

    // It is there now, and is written anew by word of its owner only.
    let shown = at_a_terminal(&machine, 5, &["pkg", "create", "--all", "--name", "@acme/other"], "n\n");
    assert!(shown.contains("There is a package already") && shown.contains("Write it anew? [y/N]"), "{shown}");
    assert_eq!(machine.read("aam.yaml"), manifest);
    at_a_terminal(&machine, 0, &["pkg", "create", "--all", "--name", "@acme/other"], "y\n");
    assert!(machine.read("aam.yaml").contains("@acme/other"));
}

#[test]
fn a_person_sees_what_a_first_publish_holds_and_is_asked() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    machine.init("@acme/notes", ".");
    machine.write(".env", "KEY=x\n");
    let named = |shown: String| shown.replace(&server.url(), "[REGISTRY]");
    let shown = named(at_a_terminal(&machine, 1, &["pkg", "publish"], "n\n"));
    insta::assert_snapshot!("first_publish", shown);
    machine.fails(4, &["info", "@acme/notes"]);
    let shown = at_a_terminal(&machine, 0, &["pkg", "publish"], "y\n");
    assert!(shown.contains("Published @acme/notes 0.1.0 as latest"), "{shown}");

    // Later versions are not asked about, and a key is at each.
    let manifest = machine.read("aam.yaml");
    machine.write("aam.yaml", &manifest.replace("0.1.0", "0.2.0"));
    let shown = at_a_terminal(&machine, 0, &["pkg", "publish"], "");
    assert!(!shown.contains("[y/N]"), "{shown}");
    machine.write("aam.yaml", &manifest.replace("0.1.0", "0.3.0"));
    machine.write("skills/notes/key.txt", &format!("-----BEGIN OPENSSH {} KEY-----\nx\n", "PRIVATE"));
    let shown = at_a_terminal(&machine, 1, &["pkg", "publish"], "n\n");
    assert!(shown.contains("Publish them all the same? [y/N]") && shown.contains("Nothing was published"), "{shown}");
}
