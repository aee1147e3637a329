//! What each platform gets: whole folders, to be read.

use std::{fmt::Write, fs, path::Path};

use walkdir::WalkDir;

use crate::{machine::Machine, server::Server};

const ARTIFACTS: &str = "  skills:
    - {name: lint, path: skills/lint, description: Lints}
  agents:
    - {name: reviewer, path: agents/reviewer, description: A careful reviewer}
    - {name: writer, path: agents/writer.md, description: Writes}
  prompts:
    - {name: explain, path: prompts/explain.md, description: Explain something}
    - {name: compare, path: prompts/compare.md, description: Compare two things}
  instructions:
    - {name: python, path: instructions/python.md, description: Python rules}
    - {name: tone, path: instructions/tone.md, description: Tone}
    - {name: sql, path: instructions/sql.mdc, description: SQL rules}
";

const FILES: [(&str, &str); 10] = [
    ("skills/lint/SKILL.md", "---\nname: lint\ndescription: Lints\n---\nRun the script.\n"),
    ("skills/lint/scripts/lint.sh", "#!/bin/sh\necho lint\n"),
    (
        "agents/reviewer/agent.yaml",
        "name: reviewer\ndescription: A careful reviewer\nsystem_prompt: prompt.md\nmodel: sonnet\ntools: [file_read, \
         grep]\nskills: [lint]\nparameters: {temperature: 0.2}\n",
    ),
    ("agents/reviewer/prompt.md", "You review \"everything\".\n"),
    ("agents/writer.md", "---\nname: writer\ndescription: \"Writes: fast\"\ncolor: blue\n---\n\nYou write.\n"),
    ("prompts/explain.md", "---\ndescription: Explain something\n---\nExplain {{thing}}.\n"),
    ("prompts/compare.md", "Compare ${input:left} and ${input:right:the other}.\n"),
    (
        "instructions/python.md",
        "---\ndescription: Python rules\nglobs: [\"**/*.py\", \"*.{pyi,toml}\"]\n---\nUse hints.\n",
    ),
    ("instructions/tone.md", "Be kind.\n"),
    ("instructions/sql.mdc", "---\ndescription: SQL rules\nglobs: **/*.sql\nalwaysApply: false\n---\nUpper case.\n"),
];

/// Every file below `folder`, with what is in it.
pub(crate) fn shown(folder: &Path) -> String {
    let mut text = String::new();
    for entry in WalkDir::new(folder).sort_by_file_name().into_iter().filter_map(Result::ok) {
        let path = entry.path().strip_prefix(folder).expect("below").to_string_lossy().into_owned();
        if entry.file_type().is_file() && !path.starts_with(".aam/") {
            let contents = fs::read_to_string(entry.path()).expect("text");
            let _ = writeln!(text, "=== {path}\n{contents}");
        }
    }
    text
}

fn machine(server: &Server) -> Machine {
    let machine = server.machine_of_alice();
    machine.publish("@acme/tools", "1.0.0", ARTIFACTS, &FILES);
    machine
}

fn golden(platform: &str) {
    let server = Server::start();
    let machine = machine(&server);
    let before = machine.snapshot();
    let report = machine.json(&["install", "@acme/tools", "--platform", platform]);
    let remarks = serde_json::to_string_pretty(&report["remarks"]).expect("json");
    insta::assert_snapshot!(
        format!("project_{platform}"),
        format!("{}=== remarks\n{remarks}\n", shown(&machine.project()))
    );
    machine.ok(&["uninstall", "@acme/tools"]);
    assert_eq!(machine.snapshot(), before, "nothing is left");
}

macro_rules! platforms {
    ($($platform:ident)*) => {$(
        #[test]
        fn $platform() {
            golden(stringify!($platform));
        }
    )*};
}

platforms!(claude cursor copilot codex gemini opencode windsurf kiro agents);

#[test]
fn platforms_that_read_one_folder_share_one_copy() {
    let server = Server::start();
    let machine = machine(&server);
    machine.ok(&[
        "install",
        "@acme/tools",
        "--platform",
        "claude,cursor,copilot,codex,gemini,opencode,windsurf,kiro,agents",
    ]);
    let copies = WalkDir::new(machine.project())
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| {
            entry.path().ends_with("lint/SKILL.md") && !entry.path().starts_with(machine.project().join(".aam"))
        })
        .count();
    assert_eq!(copies, 3, ".agents/skills, .claude/skills and .kiro/skills");
    assert_eq!(machine.read("AGENTS.md").matches("BEGIN AAM: tone instruction").count(), 1);
    machine.ok(&["uninstall", "@acme/tools"]);
    assert!(machine.snapshot().is_empty());
}

#[test]
fn for_the_user_everything_goes_to_their_own_folders() {
    let server = Server::start();
    let machine = machine(&server);
    let claude = machine.user().join("claude-config");
    let install = |arguments: &[&str]| {
        let output = machine.aam(arguments).env("CLAUDE_CONFIG_DIR", &claude).output().expect("aam runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let all = "claude,cursor,copilot,codex,gemini,opencode,windsurf,kiro,agents";
    let report = install(&["--json", "install", "@acme/tools", "--global", "--platform", all]);
    let report: serde_json::Value = serde_json::from_str(&report).expect("json");
    assert!(machine.snapshot().keys().all(|path| path.starts_with(machine.codex())), "nothing in the project");
    let mut paths = Vec::new();
    for entry in WalkDir::new(machine.user()).sort_by_file_name().into_iter().filter_map(Result::ok) {
        let path = entry.path().strip_prefix(machine.user()).expect("below").to_string_lossy().into_owned();
        if entry.file_type().is_file() && !["aam-home", "packages", "project"].iter().any(|own| path.starts_with(own)) {
            paths.push(path);
        }
    }
    let remarks = serde_json::to_string_pretty(&report["remarks"]).expect("json");
    insta::assert_snapshot!("user", format!("{}\n=== remarks\n{remarks}\n", paths.join("\n")));
    assert!(install(&["list", "--global"]).contains("@acme/tools"));
    assert!(install(&["list"]).contains("Nothing is installed"));
    install(&["uninstall", "@acme/tools", "--global"]);
    assert!(!claude.join("agents").exists() && !machine.user().join(".agents/skills").exists());
    assert!(!machine.codex().join("AGENTS.md").exists());
}
