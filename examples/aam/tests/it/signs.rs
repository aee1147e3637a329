//! By what each platform is recognised.

use std::fs;

use crate::{machine::Machine, server::Server};

/// What an install without `--platform` says that it chose.
fn chosen(machine: &Machine, arguments: &[&str]) -> String {
    let output = machine.run(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    said.lines().find(|line| line.starts_with("Installing for ")).unwrap_or_default().to_owned()
}

#[test]
fn each_sign_of_a_project_selects_its_platform() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    for (platform, sign) in [
        ("claude", ".claude/"),
        ("claude", "CLAUDE.md"),
        ("cursor", ".cursor/"),
        ("cursor", ".cursorrules"),
        ("copilot", ".github/copilot-instructions.md"),
        ("copilot", ".github/instructions/"),
        ("copilot", ".github/agents/"),
        ("copilot", ".github/prompts/"),
        ("codex", ".codex/"),
        ("gemini", ".gemini/"),
        ("gemini", "GEMINI.md"),
        ("opencode", ".opencode/"),
        ("windsurf", ".windsurf/"),
        ("kiro", ".kiro/"),
    ] {
        let folder = machine.other(&format!("project-{}", sign.replace(['/', '.'], "-")));
        let path = folder.join(sign);
        fs::create_dir_all(path.parent().expect("in the project")).expect("folder");
        if sign.ends_with('/') {
            fs::create_dir_all(&path).expect("folder");
        } else {
            fs::write(&path, "Mine.\n").expect("written");
        }
        let said = chosen(&machine, &["-C", folder.to_str().expect("text"), "install", "greet-kit"]);
        let sign = sign.trim_end_matches('/');
        assert_eq!(said, format!("Installing for {platform} (this project has {sign}; choose with --platform)"));
    }
    // What every project has is a sign of nothing.
    let folder = machine.other("plain");
    fs::create_dir_all(folder.join(".github/workflows")).expect("folder");
    fs::create_dir_all(folder.join(".vscode")).expect("folder");
    fs::write(folder.join("AGENTS.md"), "Mine.\n").expect("written");
    let said = chosen(&machine, &["-C", folder.to_str().expect("text"), "install", "greet-kit"]);
    assert_eq!(said, "Installing for agents (nothing here says otherwise; choose with --platform)");
}

#[test]
fn each_folder_of_a_user_selects_its_platform_for_all_projects() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    let home = machine.user().to_owned();
    let install = ["install", "greet-kit", "--global"];
    assert_eq!(
        chosen(&machine, &install),
        "Installing for agents (nothing here says otherwise; choose with --platform)"
    );
    machine.ok(&["uninstall", "greet-kit", "--global"]);
    for (platform, folder) in [
        ("claude", home.join(".claude")),
        ("cursor", home.join(".cursor")),
        ("copilot", home.join(".copilot")),
        ("codex", machine.codex()),
        ("gemini", home.join(".gemini")),
        ("opencode", home.join(".config/opencode")),
        ("windsurf", home.join(".codeium/windsurf")),
        ("kiro", home.join(".kiro")),
    ] {
        let _ = fs::remove_dir_all(home.join(".agents"));
        fs::create_dir_all(&folder).expect("folder");
        let said = chosen(&machine, &install);
        let expected = format!("Installing for {platform} (you have {}; choose with --platform)", folder.display());
        assert_eq!(said, expected);
        machine.ok(&["uninstall", "greet-kit", "--global"]);
        assert!(folder.is_dir(), "{platform}: the folder is the user's");
        fs::remove_dir_all(&folder).expect("removed");
    }
    // Where tools are told of another folder, that is the one.
    let elsewhere = machine.other("claude-elsewhere");
    let mut command = machine.aam(&install);
    let output = command.env("CLAUDE_CONFIG_DIR", &elsewhere).output().expect("aam runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("Installing for claude (you have {}", elsewhere.display())), "{said}");
    assert!(elsewhere.join("skills/hello-skill/SKILL.md").exists());
}

/// Where each tool that reads conditions finds a rule.
const RULES: [&str; 5] = [
    ".cursor/rules/NAME.mdc",
    ".claude/rules/NAME.md",
    ".github/instructions/NAME.instructions.md",
    ".windsurf/rules/NAME.md",
    ".kiro/steering/NAME.md",
];

#[test]
fn every_combination_of_globs_and_always_apply_arrives() {
    use std::fmt::Write as _;
    let server = Server::start();
    let machine = server.machine_of_alice();
    let rules = [
        ("true-and-globs", "description: d\nglobs: **/*.ts\nalwaysApply: true\n"),
        ("false-and-globs", "description: d\nglobs: **/*.ts,**/*.tsx\nalwaysApply: false\n"),
        ("globs", "description: d\nglobs: **/*.ts\n"),
        ("true", "description: d\nalwaysApply: true\n"),
        ("false-described", "description: d\nalwaysApply: false\n"),
        ("false-bare", "description:\nglobs:\nalwaysApply: false\n"),
        ("described", "description: d\n"),
        ("empty-globs", "description: d\nglobs:\nalwaysApply: true\n"),
    ];
    let mut artifacts = "  instructions:\n".to_owned();
    let mut files = Vec::new();
    for (name, head) in rules {
        let _ = writeln!(artifacts, "    - {{name: '{name}', path: rules/{name}.mdc}}");
        files.push((format!("rules/{name}.mdc"), format!("---\n{head}---\nUse types.\n")));
    }
    let files: Vec<_> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    machine.publish("@acme/rules", "1.0.0", &artifacts, &files);
    machine.ok(&["install", "@acme/rules", "--platform", "cursor,claude,copilot,windsurf,kiro"]);
    let mut shown = String::new();
    for (name, head) in rules {
        let _ = writeln!(shown, "# {name}\n{head}");
        for path in RULES {
            let path = path.replace("NAME", name);
            let text = machine.read(&path);
            let head = text.strip_suffix("Use types.\n").unwrap_or_else(|| panic!("{path}: {text}"));
            let _ = writeln!(shown, "== {path}\n{head}");
        }
    }
    insta::assert_snapshot!("conditions", shown);
}
