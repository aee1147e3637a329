//! Making packages of what is there already.

use std::{fs, os::unix::fs::symlink, path::Path};

use serde_json::Value;

use crate::{golden::shown, machine::Machine, server::Server};

const MIT: &str = "MIT License\n\nCopyright (c) 2026 Ada\n\nPermission is hereby granted, free of charge, to any person\n\
                   obtaining a copy\n\nThe above copyright notice and this permission notice shall be included\n";

pub(crate) fn skill(name: &str) -> String {
    format!("---\nname: {name}\ndescription: Does {name}. Use it for {name}.\n---\n\n# {name}\n\nDo it.\n")
}

/// A project with something in the places of every tool.
fn project(machine: &Machine) {
    for (path, text) in [
        (
            "README.md",
            "# Our tools\n\n[![CI](https://x.example/y.svg)](https://x.example)\n\nWhat [we](https://x) use for **reviews** and releases.\n",
        ),
        ("LICENSE", MIT),
        (
            "package.json",
            r#"{"name": "our_tools", "version": "2.1.0", "author": "Ada <ada@example.com>", "keywords": ["Code Review"]}"#,
        ),
        (
            ".git/config",
            "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://ada:ghp_secret@github.com/ada/tools.git\n",
        ),
        (".gitignore", "/dist/\n.claude/skills/draft/\n"),
        ("src/main.rs", "fn main() {}\n"),
        (".claude/skills/review/SKILL.md", &skill("review")),
        (".claude/skills/review/scripts/run.sh", "#!/bin/sh\n"),
        (".claude/skills/draft/SKILL.md", &skill("draft")),
        (
            ".claude/agents/critic.md",
            "---\nname: critic\ndescription: Criticises\ntools: Read, Grep\n---\nYou criticise.\n",
        ),
        (".claude/commands/git/release.md", "---\ndescription: Releases\n---\nRelease $ARGUMENTS.\n"),
        (".claude/rules/rust.md", "---\npaths: [\"**/*.rs\"]\n---\nNo unwrap.\n"),
        (".claude/settings.json", "{}\n"),
        (".claude/settings.local.json", "{}\n"),
        (".cursor/rules/sql.mdc", "---\ndescription: SQL\nglobs: **/*.sql\nalwaysApply: false\n---\nUpper case.\n"),
        (".cursor/commands/explain.md", "Explain this.\n"),
        (".github/copilot-instructions.md", "Be kind.\n"),
        (".github/instructions/py.instructions.md", "---\napplyTo: \"**/*.py\"\n---\nUse hints.\n"),
        (".github/prompts/plan.prompt.md", "---\ndescription: Plans\n---\nPlan it.\n"),
        (".github/agents/tester.agent.md", "---\ndescription: Tests\n---\nYou test.\n"),
        (".github/skills/deploy/SKILL.md", &skill("deploy")),
        (".agents/skills/review/SKILL.md", &skill("review")),
        (".agents/skills/review/scripts/run.sh", "#!/bin/sh\n"),
        ("skills/notes/SKILL.md", &skill("notes")),
        ("skills/notes/references/SKILL.md", &skill("inner")),
        ("skills/notes/.env", "TOKEN=x\n"),
        ("agents/README.md", "About agents.\n"),
        ("agents/plain.md", "No front matter.\n"),
        ("prompts/summary.md", "Summarise.\n"),
        ("instructions/tone.md", "Be brief.\n"),
        ("AGENTS.md", "Build with make.\n"),
        (".mcp.json", "{}\n"),
        (".gemini/commands/x.toml", "prompt = \"x\"\n"),
    ] {
        machine.write(path, text);
    }
}

pub(crate) fn not_taken(report: &Value) -> Vec<String> {
    let list = report["not_taken"].as_array().expect("a list").iter();
    list.map(|one| {
        format!("{}: {}", one["field"].as_str().unwrap_or_default(), one["error"].as_str().unwrap_or_default())
    })
    .collect()
}

#[test]
fn a_project_becomes_a_package_that_publishes_and_installs() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    project(&machine);
    let before = machine.snapshot();
    let dry = machine.json(&["pkg", "create", "--all", "--dry-run", "--name", "@acme/tools"]);
    assert_eq!(machine.snapshot(), before, "a dry run writes nothing");
    let report = machine.json(&["pkg", "create", "--all", "--name", "@acme/tools"]);
    assert_eq!(dry["packages"][0]["manifest"], report["packages"][0]["manifest"]);
    let after = machine.snapshot();
    let new: Vec<_> =
        after.keys().filter(|path| !before.contains_key(*path)).map(|path| path.file_name().expect("a name")).collect();
    assert_eq!(new, [".aamignore", "aam.yaml"]);
    assert!(before.iter().all(|(path, bytes)| after.get(path) == Some(bytes)), "files stay as they are");
    insta::assert_snapshot!("project_manifest", machine.read("aam.yaml"));
    insta::assert_snapshot!("project_aamignore", machine.read(".aamignore"));
    insta::assert_snapshot!("project_not_taken", not_taken(&report).join("\n"));
    let text = machine.ok(&["pkg", "create", "--all", "--dry-run"]);
    let project = machine.project();
    let root = fs::canonicalize(&project).expect("the project");
    insta::assert_snapshot!("project_told", text.replace(root.to_str().expect("text"), "<project>"));

    let warnings = machine.json(&["pkg", "validate"])["warnings"].clone();
    assert_eq!(warnings.as_array().expect("a list").len(), 1, "{warnings}");
    assert!(warnings.to_string().contains("critic cannot be installed for gemini"), "{warnings}");
    let published = machine.json(&["pkg", "publish", "--dry-run"]);
    let packed: Vec<_> =
        published["files"].as_array().expect("files").iter().map(|file| file["path"].as_str().expect("text")).collect();
    insta::assert_snapshot!("project_packed", packed.join("\n"));
    machine.ok(&["pkg", "publish"]);
    let elsewhere = machine.other("elsewhere");
    machine.ok(&["-C", elsewhere.to_str().expect("text"), "install", "@acme/tools", "--platform", "claude"]);
    for (from, to) in [
        (".claude/skills/review", ".claude/skills/review"),
        ("skills/notes/SKILL.md", ".claude/skills/notes/SKILL.md"),
        (".github/skills/deploy", ".claude/skills/deploy"),
    ] {
        assert_eq!(read(&project.join(from)), read(&elsewhere.join(to)), "{from}");
    }
    assert!(!elsewhere.join(".claude/skills/notes/.env").exists());
    for path in [
        "agents/critic.md",
        "agents/tester.md",
        "commands/release.md",
        "commands/plan.md",
        "rules/sql.md",
        "rules/rust.md",
    ] {
        assert!(elsewhere.join(".claude").join(path).exists(), "{path}");
    }
}

fn read(path: &Path) -> String {
    if path.is_dir() { shown(path) } else { fs::read_to_string(path).expect("a file") }
}

#[test]
fn a_plugin_and_an_apm_project_say_what_they_are() {
    let machine = Machine::new();
    machine.write(
        "plugin/.claude-plugin/plugin.json",
        r#"{"name": "review-kit", "version": "1.4.0", "description": "Reviews", "author": {"name": "Ada", "email": "a@example.com"},
            "license": "Apache-2.0", "repository": "https://github.com/ada/review-kit", "keywords": ["review"], "commands": ["./extra/ship.md"]}"#,
    );
    machine.write("plugin/commands/go.md", "Go.\n");
    machine.write("plugin/extra/ship.md", "Ship.\n");
    machine.write("plugin/agents/critic.md", "---\nname: critic\ndescription: Criticises\n---\nYou criticise.\n");
    machine.write("plugin/skills/review/SKILL.md", &skill("review"));
    machine.write("plugin/hooks/hooks.json", "{}\n");
    let report = machine.json(&["pkg", "create", "plugin", "--all"]);
    insta::assert_snapshot!("plugin_manifest", machine.read("plugin/aam.yaml"));
    assert_eq!(not_taken(&report), ["hooks/hooks.json: hooks run commands on a person's machine; packages hold none"]);
    assert_eq!(machine.json(&["pkg", "validate", "plugin"])["valid"], true);

    machine
        .write("apm/apm.yml", "name: apm-kit\nversion: 0.3.0\ndescription: \"For: apm\"\nauthor: Ada\nlicense: MIT\n");
    for (path, text) in [
        (".apm/skills/review/SKILL.md", &*skill("review")),
        (".apm/agents/critic.agent.md", "---\ndescription: Criticises\n---\nYou criticise.\n"),
        (".apm/prompts/plan.prompt.md", "Plan.\n"),
        (".apm/instructions/rust.instructions.md", "---\napplyTo: \"**/*.rs\"\n---\nNo unwrap.\n"),
    ] {
        machine.write(&format!("apm/{path}"), text);
    }
    machine.ok(&["pkg", "create", "apm", "--all", "--type", "skill,agent,prompt,instruction"]);
    insta::assert_snapshot!("apm_manifest", machine.read("apm/aam.yaml"));
    assert_eq!(machine.json(&["pkg", "validate", "apm"])["valid"], true);
}

/// A marketplace of two plugins that have an agent of one name each, and one that lies elsewhere.
fn marketplace(machine: &Machine) {
    machine.write(
        ".claude-plugin/marketplace.json",
        r#"{"name": "team-plugins", "owner": {"name": "Team"}, "metadata": {"description": "Our plugins", "version": "3.0.0"},
            "plugins": [{"name": "one", "source": "./plugins/one"}, {"name": "two", "source": "./plugins/two"},
                        {"name": "far", "source": {"source": "github", "repo": "a/b"}}]}"#,
    );
    machine.write("LICENSE", MIT);
    for plugin in ["one", "two"] {
        let about = format!(r#"{{"name": "{plugin}", "version": "1.0.0", "description": "Plugin {plugin}"}}"#);
        machine.write(&format!("plugins/{plugin}/.claude-plugin/plugin.json"), &about);
        machine.write(&format!("plugins/{plugin}/skills/{plugin}-skill/SKILL.md"), &skill(&format!("{plugin}-skill")));
        let agent = format!("---\nname: reviewer\ndescription: Reviews for {plugin}\n---\nYou review.\n");
        machine.write(&format!("plugins/{plugin}/agents/reviewer.md"), &agent);
        machine.write(&format!("plugins/{plugin}/commands/same.md"), "The same.\n");
        machine.write(&format!("plugins/{plugin}/tests/test.py"), "pass\n");
    }
}

#[test]
fn a_marketplace_becomes_one_package_or_one_a_plugin() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    marketplace(&machine);
    let report = machine.json(&["pkg", "create", "--all", "--dry-run"]);
    insta::assert_snapshot!("marketplace_manifest", report["packages"][0]["manifest"].as_str().expect("text"));
    insta::assert_snapshot!("marketplace_not_taken", not_taken(&report).join("\n"));

    let report = machine.json(&["pkg", "create", "--all", "--each", "--name", "@acme"]);
    let names: Vec<_> =
        report["packages"].as_array().expect("packages").iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["@acme/one", "@acme/two"]);
    assert!(!machine.has("aam.yaml"));
    insta::assert_snapshot!("marketplace_each_manifest", machine.read("plugins/two/aam.yaml"));
    for plugin in ["plugins/one", "plugins/two"] {
        machine.ok(&["pkg", "publish", plugin]);
    }
    let elsewhere = machine.other("elsewhere");
    machine.ok(&["-C", elsewhere.to_str().expect("text"), "install", "@acme/one", "@acme/two", "--platform", "claude"]);
    let skills = elsewhere.join(".claude/skills");
    assert!(skills.join("one-skill/SKILL.md").exists() && skills.join("two-skill/SKILL.md").exists());
}

#[test]
fn each_skill_of_a_repository_can_be_a_package_with_all_its_files() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    machine.write(
        "deep/down/lint/SKILL.md",
        &skill("lint").replace("---\n\n", "license: MIT\nmetadata: {version: \"1.2\"}\n---\n\n"),
    );
    machine.write("deep/down/lint/scripts/lint.sh", "#!/bin/sh\n");
    machine.write("other/SKILL.md", &skill("other"));
    machine.write("rules/tone.md", "Be brief.\n");
    let report = machine.json(&["pkg", "create", "--all", "--each", "--name", "@acme"]);
    assert_eq!(not_taken(&report), ["rules/tone.md: has no folder of its own to be a package; take it without --each"]);
    insta::assert_snapshot!("each_manifest", machine.read("deep/down/lint/aam.yaml"));
    machine.ok(&["pkg", "publish", "deep/down/lint"]);
    let elsewhere = machine.other("elsewhere");
    for platform in ["claude", "codex"] {
        machine.ok(&["-C", elsewhere.to_str().expect("text"), "install", "@acme/lint", "--platform", platform]);
    }
    fs::remove_file(machine.project().join("deep/down/lint/aam.yaml")).expect("removed");
    let own = shown(&machine.project().join("deep/down/lint"));
    for folder in [".claude/skills/lint", ".agents/skills/lint"] {
        assert_eq!(shown(&elsewhere.join(folder)), own, "{folder}");
    }
    let again = machine.json(&["pkg", "create", "--all", "--each", "--name", "@acme"]);
    assert!(
        not_taken(&again)
            .contains(&"other: is the package @acme/other already; its aam.yaml stays as it is".to_owned()),
        "{again}"
    );
}

#[test]
fn nothing_is_taken_or_overwritten_that_nobody_chose() {
    let machine = Machine::new();
    machine.write("skills/a/SKILL.md", &skill("a"));
    let error = machine.fails(2, &["pkg", "create"]);
    assert!(error["help"].as_str().is_some_and(|help| help.contains("--all")), "{error}");
    assert_eq!(error["details"][0]["error"], "a (skills/a)");
    let error = machine.fails(4, &["pkg", "create", "--all", "--type", "agent"]);
    assert_eq!(error["error"], "nothing_found");
    let error = machine.fails(5, &["pkg", "init"]);
    assert!(error["help"].as_str().is_some_and(|help| help.starts_with("`aam pkg create`")), "{error}");
    machine.ok(&["pkg", "create", "-y", "--name", "mine"]);
    machine.write("skills/b/SKILL.md", &skill("b"));
    let own = machine.read("aam.yaml");
    for arguments in [&["pkg", "create", "--all"][..], &["pkg", "create", "-y"]] {
        assert_eq!(machine.fails(5, arguments)["error"], "exists");
    }
    assert_eq!(machine.read("aam.yaml"), own);
    let text = machine.ok(&["pkg", "create", "--all", "--dry-run"]);
    assert!(text.contains("2 skills"), "{text}");
}

#[test]
fn what_tools_or_systems_could_not_use_is_refused_by_name_and_the_rest_is_taken() {
    let machine = Machine::new();
    let outside = machine.other("outside");
    fs::write(outside.join("secret.md"), "secret").expect("written");
    machine.write("skills/good/SKILL.md", &skill("good"));
    machine.write("skills/colon/SKILL.md", "---\nname: colon\ndescription: Reviews: fast\n---\n");
    machine.write("skills/bare/SKILL.md", "# No front matter\n");
    machine.write("skills/device/SKILL.md", &skill("device"));
    machine.write("skills/device/aux.md", "x\n");
    machine.write("skills/leaky/SKILL.md", &skill("leaky"));
    symlink(outside.join("secret.md"), machine.project().join("skills/leaky/notes.md")).expect("link");
    symlink(&outside, machine.project().join("skills/away")).expect("link");
    machine.write("skills/looped/SKILL.md", &skill("looped"));
    symlink("..", machine.project().join("skills/looped/up")).expect("link");
    let report = machine.json(&["pkg", "create", "--all", "--name", "@acme/x"]);
    let taken: Vec<_> =
        report["packages"][0]["artifacts"].as_array().expect("a list").iter().map(|one| one["name"].clone()).collect();
    assert_eq!(taken, ["good", "looped"]);
    insta::assert_snapshot!("refused", not_taken(&report).join("\n"));
    assert_eq!(machine.json(&["pkg", "validate"])["valid"], true);
}

#[test]
fn a_link_brings_nothing_along_that_stays_out() {
    let machine = Machine::new();
    machine.write(".git/config", "[http]\n\textraheader = x\n");
    machine.write(".env", "the password of everything in this project\n");
    machine.write(".gitignore", "/private/\n");
    machine.write("private/notes.md", "Secret.\n");
    machine.write("shared/notes.md", "Shared.\n");
    for (name, target) in
        [("git", ".git/config"), ("env", ".env"), ("private", "private/notes.md"), ("good", "shared/notes.md")]
    {
        machine.write(&format!("skills/{name}/SKILL.md"), &skill(name));
        symlink(format!("../../{target}"), machine.project().join(format!("skills/{name}/notes.md"))).expect("link");
    }
    symlink(".env", machine.project().join("README.md")).expect("link");
    let report = machine.json(&["pkg", "create", "--all", "--name", "@acme/x"]);
    let refused = not_taken(&report).join("\n");
    for (name, because) in [("git", ".git"), ("env", ".env"), ("private", "private")] {
        assert!(refused.contains(&format!("skills/{name}/notes.md: is a link into {because}, which")), "{refused}");
    }
    assert!(!machine.read("aam.yaml").contains("password"), "the README is a link to .env");
    assert!(machine.read("aam.yaml").contains("skills/good"));

    // Of a package that is written already, too.
    machine.write(".aamignore", "/private/\n");
    let error = machine.fails(8, &["pkg", "validate"]);
    let faults = error.to_string();
    for path in ["README.md", "skills/git/notes.md", "skills/env/notes.md", "skills/private/notes.md"] {
        assert!(faults.contains(path), "{faults}");
    }
    assert!(!faults.contains("skills/good"), "{faults}");
}

#[test]
fn the_ignore_file_of_a_repository_holds_for_each_package_made_of_it() {
    let machine = Machine::new();
    machine.write(".aamignore", "drafts/\n*.secret.md\n");
    machine.write("skills/a/SKILL.md", &skill("a"));
    machine.write("skills/a/notes.md", "Notes.\n");
    machine.write("skills/a/x [1].secret.md", "Secret.\n");
    machine.write("skills/a/drafts/deep/idea.md", "An idea.\n");
    machine.write("skills/b/SKILL.md", &skill("b"));
    machine.write("skills/b/.aamignore", "# Nothing.\n");
    machine.write("skills/b/b.secret.md", "Secret.\n");
    machine.write("skills/c/SKILL.md", &skill("c"));
    machine.write("skills/c/.aamignore", "*.secret.md\n");
    machine.write("skills/c/c.secret.md", "Secret.\n");
    let report = machine.json(&["pkg", "create", "--all", "--each", "--name", "@acme"]);
    let packed = |folder: &str| -> Vec<String> {
        let report = machine.json(&["pkg", "publish", folder, "--dry-run"]);
        let files = report["files"].as_array().expect("files").iter();
        files.map(|file| file["path"].as_str().expect("text").to_owned()).collect()
    };
    assert_eq!(packed("skills/a"), ["SKILL.md", "aam.yaml", "notes.md"]);
    assert_eq!(packed("skills/c"), ["SKILL.md", "aam.yaml"]);
    assert!(!machine.has("skills/b/aam.yaml"));
    assert!(not_taken(&report).iter().any(|line| line.starts_with("skills/b/b.secret.md: ")), "{report}");
}

#[test]
fn a_pipe_or_a_socket_is_passed_by() {
    let machine = Machine::new();
    machine.write("skills/good/SKILL.md", &skill("good"));
    machine.write("skills/piped/SKILL.md", &skill("piped"));
    let pipe = |path: &str| {
        fs::create_dir_all(machine.project().join(path).parent().expect("below")).expect("folder");
        let made = std::process::Command::new("mkfifo").arg(machine.project().join(path)).status().expect("mkfifo");
        assert!(made.success(), "{path}");
    };
    for path in ["skills/piped/pipe", "prompts/pipe.md", "skills/nothing/SKILL.md", "package.json", "README.md", ".git"]
    {
        pipe(path);
    }
    let _socket = std::os::unix::net::UnixListener::bind(machine.project().join("skills/socket.md")).expect("socket");
    machine.fails(5, &["pkg", "init"]);
    let report = machine.json(&["pkg", "create", "--all", "--name", "@acme/x"]);
    assert_eq!(report["packages"][0]["artifacts"][0]["name"], "good");
    let told = not_taken(&report).join("\n");
    for path in ["skills/piped/pipe", "prompts/pipe.md", "skills/nothing/SKILL.md"] {
        assert!(told.contains(&format!("{path}: is no regular file")), "{told}");
    }
    assert_eq!(machine.json(&["pkg", "validate"])["valid"], true);
}

#[test]
fn a_skill_without_a_usable_name_does_not_keep_the_others_from_being_packages() {
    let machine = Machine::new();
    machine.write("skills/good/SKILL.md", &skill("good"));
    machine.write("skills/日本/SKILL.md", "---\ndescription: Does it. Use it for it.\n---\n\n# 日本\n");
    let report = machine.json(&["pkg", "create", "--all", "--each", "--name", "@acme"]);
    assert_eq!(report["packages"][0]["name"], "@acme/good");
    let told = not_taken(&report).join("\n");
    assert!(told.contains("skills/日本: has no name that a package can have"), "{told}");
    machine.ok(&["pkg", "create", "skills/日本", "--all", "--name", "@acme/japan"]);
}

#[test]
fn names_of_files_move_no_cursor() {
    let machine = Machine::new();
    machine.write("skills/good/SKILL.md", &skill("good"));
    machine.write("prompts/\u{1b}[2Jx.md", "");
    let text = machine.ok(&["pkg", "create", "--all", "--dry-run", "--name", "@acme/x"]);
    assert!(text.contains("is empty") && !text.contains('\u{1b}'), "{text:?}");
}
