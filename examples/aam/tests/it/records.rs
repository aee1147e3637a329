//! What is known of installs, and what happens where nothing is known.

use std::fs;

use serde_json::Value;

use crate::{machine::Machine, server::Server};

const RULE: &str = "  instructions:\n    - {name: rule, path: r.md, description: d}\n  skills:\n    - {name: lint, path: \
                    lint, description: d}\n";

/// A machine on which `@acme/rule` was published in two versions.
fn with_rule(server: &Server) -> Machine {
    let machine = server.machine_of_alice();
    for (version, text) in [("1.0.0", "First rule.\n"), ("1.1.0", "Second rule.\n")] {
        let skill = format!("---\nname: lint\ndescription: d\n---\n{text}");
        machine.publish("@acme/rule", version, RULE, &[("r.md", text), ("lint/SKILL.md", &skill)]);
    }
    machine
}

/// As after a fresh clone: what is in the repository is there, what is on this machine is not.
fn forget(machine: &Machine) {
    fs::remove_dir_all(machine.home().join("projects")).expect("records");
    fs::remove_dir_all(machine.project().join(".aam/packages")).expect("packages");
}

fn kept(report: &Value) -> String {
    report["files"]["kept"].to_string()
}

#[test]
fn a_fresh_clone_updates_and_uninstalls_what_equals_the_packages() {
    let server = Server::start();
    let machine = with_rule(&server);
    machine.ok(&["install", "@acme/rule@1.0.0", "--platform", "codex,claude"]);
    forget(&machine);
    machine.ok(&["install", "@acme/rule@1.1.0"]);
    assert!(machine.read("AGENTS.md").contains("Second rule.") && !machine.read("AGENTS.md").contains("First rule."));
    assert!(machine.read(".claude/rules/rule.md").contains("Second rule."));
    forget(&machine);
    let report = machine.json(&["uninstall", "@acme/rule"]);
    assert!(report["warnings"][0].as_str().is_some_and(|text| text.contains("not on record")), "{report}");
    assert!(machine.snapshot().is_empty(), "{:?}", machine.snapshot().keys());
}

#[test]
fn an_edit_between_the_markers_survives_a_lost_record() {
    let server = Server::start();
    let machine = with_rule(&server);
    machine.write("AGENTS.md", "Mine.\n");
    machine.ok(&["install", "@acme/rule@1.0.0", "--platform", "codex"]);
    let edited = machine.read("AGENTS.md").replace("First rule.", "My own words.");
    machine.write("AGENTS.md", &edited);
    forget(&machine);
    for arguments in [&["install", "@acme/rule@1.1.0"][..], &["install", "--locked"]] {
        let error = machine.fails(5, arguments);
        assert_eq!(error["details"][0]["field"], "AGENTS.md, rule instruction", "{arguments:?}");
    }
    let report = machine.json(&["uninstall", "@acme/rule"]);
    assert!(kept(&report).contains("AGENTS.md, rule instruction"), "{report}");
    assert_eq!(machine.read("AGENTS.md"), edited);
    // Installed again, the section that an uninstall left is still a person's.
    machine.fails(5, &["install", "@acme/rule@1.1.0", "--platform", "codex"]);
    assert_eq!(machine.read("AGENTS.md"), edited);
    machine.ok(&["install", "@acme/rule@1.1.0", "--platform", "codex", "--force"]);
    assert!(machine.read("AGENTS.md").contains("Second rule."));
}

#[test]
fn markers_that_were_damaged_double_nothing() {
    let server = Server::start();
    let machine = with_rule(&server);
    let install =
        |version: &str| machine.run(&["--json", "install", &format!("@acme/rule@{version}"), "--platform", "codex"]);
    assert!(install("1.0.0").status.success());
    let whole = machine.read("AGENTS.md");
    let begin = "<!-- BEGIN AAM: rule instruction -->\n";
    let end = "<!-- END AAM: rule instruction -->\n";

    // Only one of the lines is left: nobody knows what is ours.
    for broken in [whole.replace(begin, ""), whole.replace(end, ""), format!("{whole}{whole}")] {
        machine.write("AGENTS.md", &broken);
        assert_eq!(install("1.1.0").status.code(), Some(5));
        assert_eq!(machine.read("AGENTS.md"), broken, "nothing was written");
        assert!(machine.read(".agents/skills/lint/SKILL.md").contains("First"), "nothing else was, either");
    }
    // Both are gone, the text is left: it is the person's now.
    let bare = whole.replace(begin, "").replace(end, "");
    machine.write("AGENTS.md", &bare);
    assert!(install("1.1.0").status.success());
    assert_eq!(machine.read("AGENTS.md"), bare, "the section is not doubled");
    machine.ok(&["uninstall", "@acme/rule"]);
    assert_eq!(machine.read("AGENTS.md"), bare);
    fs::remove_file(machine.project().join("AGENTS.md")).expect("removed");

    // An editor's byte order mark hides no marker.
    assert!(install("1.0.0").status.success());
    machine.write("AGENTS.md", &format!("\u{feff}{whole}"));
    assert!(install("1.1.0").status.success());
    assert_eq!(machine.read("AGENTS.md").matches("BEGIN AAM").count(), 1);
    machine.ok(&["uninstall", "@acme/rule"]);
    assert!(machine.read("AGENTS.md").trim_start_matches('\u{feff}').is_empty());
}

#[test]
fn an_uninstall_leaves_damaged_sections_and_removes_the_rest() {
    let server = Server::start();
    let machine = with_rule(&server);
    machine.ok(&["install", "@acme/rule@1.0.0", "--platform", "codex"]);
    let broken = machine.read("AGENTS.md").replace("<!-- END AAM: rule instruction -->\n", "");
    machine.write("AGENTS.md", &broken);
    let report = machine.json(&["uninstall", "@acme/rule"]);
    assert!(kept(&report).contains("no END line"), "{report}");
    assert_eq!(machine.read("AGENTS.md"), broken);
    assert!(!machine.has(".agents") && !machine.has(".aam"));
}

#[test]
fn what_is_installed_in_the_home_folder_is_not_for_projects_below_it() {
    let server = Server::start();
    let machine = with_rule(&server);
    let home = machine.user().to_str().expect("text").to_owned();
    machine.ok(&["-C", &home, "install", "@acme/rule", "--platform", "claude"]);
    machine.ok(&["install", "@acme/rule", "--platform", "claude"]);
    assert!(machine.has(".claude/rules/rule.md") && machine.has(".aam/aam-lock.yaml"));
    machine.ok(&["uninstall", "@acme/rule"]);
    assert!(!machine.has(".aam") && machine.user().join(".claude/rules/rule.md").exists());
}

#[test]
fn a_git_repository_is_a_project_of_its_own() {
    let server = Server::start();
    let machine = with_rule(&server);
    machine.ok(&["install", "@acme/rule", "--platform", "claude"]);
    machine.write("vendor/theirs/.git/HEAD", "ref: refs/heads/main\n");
    machine.write("src/deep/x", "x\n");
    let run = |folder: &str| {
        let folder = machine.project().join(folder);
        machine.json(&["-C", folder.to_str().expect("text"), "list"]).as_array().map(Vec::len)
    };
    assert_eq!((run("src/deep"), run("vendor/theirs")), (Some(1), Some(0)));
}

#[test]
fn what_two_installs_need_stays_until_the_last_is_gone() {
    let server = Server::start();
    let machine = with_rule(&server);
    let home = machine.user().to_str().expect("text").to_owned();
    // The home folder as a project, and the user's own installs, have ~/.claude in common.
    machine.ok(&["-C", &home, "install", "@acme/rule", "--platform", "claude"]);
    machine.ok(&["install", "@acme/rule", "--global", "--platform", "claude"]);
    let rule = machine.user().join(".claude/rules/rule.md");
    let report = machine.json(&["-C", &home, "uninstall", "@acme/rule"]);
    assert_eq!(report["files"]["shared"].as_array().map(Vec::len), Some(2), "{report}");
    assert!(rule.exists());
    machine.ok(&["uninstall", "@acme/rule", "--global"]);
    assert!(!rule.exists());
}

#[test]
fn what_an_earlier_aam_wrote_is_moved_by_an_install() {
    moves_what_an_earlier_aam_wrote("install");
}

#[test]
fn what_an_earlier_aam_wrote_is_moved_by_an_update() {
    moves_what_an_earlier_aam_wrote("update");
}

fn moves_what_an_earlier_aam_wrote(command: &str) {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    machine.ok(&["install", "@acme/review-suite", "--platform", "claude,cursor,copilot,codex"]);
    let (lock, prompt) =
        (machine.read(".aam/aam-lock.yaml"), machine.read(".aam/packages/@acme/review-suite/prompts/review-diff.md"));
    let skill = machine.read(".aam/packages/@acme/review-suite/skills/code-review/SKILL.md");
    machine.ok(&["uninstall", "@acme/review-suite"]);

    // As the earlier aam left it.
    machine.write(".aam/aam-lock.yaml", &lock);
    machine.write(".aam/installed.yaml", "unpacked: {}\n");
    machine.write(".aam/packages/acme--review-suite/prompts/review-diff.md", &prompt);
    for path in [".claude/prompts/review-diff.md", ".github/prompts/review-diff.md", ".cursor/prompts/review-diff.md"] {
        machine.write(path, &prompt);
    }
    for base in [".claude", ".cursor", ".github"] {
        machine.write(&format!("{base}/skills/code-review/SKILL.md"), &skill);
    }
    fs::create_dir_all(machine.codex().join("prompts")).expect("folder");
    fs::write(machine.codex().join("prompts/review-diff.md"), &prompt).expect("written");
    let section = "<!-- BEGIN AAM: python-style instruction -->\nFor files that match `**/*.py`:\n\nUse type hints. \
                   Prefer pathlib.\n<!-- END AAM: python-style instruction -->\n";
    machine.write("CLAUDE.md", &format!("Mine.\n\n{section}"));
    let old_agent = "---\nname: reviewer\ndescription: A careful code reviewer\n---\nYou are a careful code reviewer. \
                     Use the code-review skill.\n";
    machine.write(".claude/agents/reviewer.md", old_agent);
    let old_rule = "---\ndescription: Python style rules\nglobs: \"**/*.py\"\nalwaysApply: false\n---\nUse type hints. \
                    Prefer pathlib.\n";
    machine.write(".cursor/rules/python-style.mdc", old_rule);

    let report = machine.json(&[command]);
    let moved = report["moved"].to_string();
    for path in
        [".claude/prompts/review-diff.md", ".cursor/skills/code-review/SKILL.md", "CLAUDE.md, python-style instruction"]
    {
        assert!(moved.contains(path), "{path}: {moved}");
    }
    assert!(!machine.has(".claude/prompts") && !machine.has(".cursor/skills") && !machine.has(".github/skills"));
    assert!(!machine.has(".cursor/prompts") && !machine.has(".github/prompts/review-diff.md"));
    assert!(!machine.has(".aam/installed.yaml") && !machine.has(".aam/packages/acme--review-suite"));
    assert_eq!(machine.read("CLAUDE.md"), "Mine.\n");
    assert!(machine.has(".claude/commands/review-diff.md") && machine.has(".github/prompts/review-diff.prompt.md"));
    assert!(machine.read(".claude/agents/reviewer.md").contains("tools: Read"), "the earlier file was ours to replace");
    assert!(machine.read(".cursor/rules/python-style.mdc").contains("globs: **/*.py\n"));
    // Other projects may need what is the user's: it is left, and said.
    assert!(machine.codex().join("prompts/review-diff.md").exists());
    assert!(report["warnings"].to_string().contains("for all your projects"), "{report}");
    machine.ok(&["uninstall", "@acme/review-suite"]);
    assert_eq!(machine.read("CLAUDE.md"), "Mine.\n");
    assert!(!machine.has(".claude") && !machine.has(".cursor") && !machine.has(".agents"));
}

#[test]
fn a_project_that_was_moved_or_copied_is_uninstalled_whole() {
    let server = Server::start();
    let machine = with_rule(&server);
    machine.write("AGENTS.md", "Mine.\n");
    machine.ok(&["install", "@acme/rule@1.0.0", "--platform", "codex,claude"]);
    let aam = |folder: &std::path::Path, arguments: &[&str]| {
        let folder = folder.to_str().expect("text").to_owned();
        machine.json(&[&["-C", &*folder], arguments].concat())
    };
    let left = |folder: &std::path::Path| -> Vec<String> {
        let entries = walkdir::WalkDir::new(folder).min_depth(1).into_iter().filter_map(Result::ok);
        let mut files: Vec<_> = entries
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| entry.path().strip_prefix(folder).expect("below").display().to_string())
            .collect();
        files.sort();
        files
    };
    let copy = |name: &str| {
        let to = machine.user().join(name);
        let done = std::process::Command::new("cp").arg("-r").arg(machine.project()).arg(&to).status();
        assert!(done.expect("cp").success());
        to
    };

    // A copy, with the registry out of reach: what was unpacked is known from the first project's record.
    let one = copy("one");
    let lock = one.join(".aam/aam-lock.yaml");
    let text = fs::read_to_string(&lock).expect("lock").replace(&server.url(), "http://127.0.0.1:1");
    fs::write(&lock, text).expect("written");
    let report = aam(&one, &["uninstall", "@acme/rule"]);
    assert_eq!(kept(&report), "[]", "{report}");
    assert_eq!(left(&one), ["AGENTS.md"]);
    assert_eq!(fs::read_to_string(one.join("AGENTS.md")).expect("text"), "Mine.\n");

    // A copy in which something was changed: that stays, and is said.
    let two = copy("two");
    fs::write(two.join(".claude/rules/rule.md"), "My rule.\n").expect("written");
    fs::write(two.join(".aam/packages/@acme/rule/r.md"), "My note.\n").expect("written");
    fs::write(two.join(".aam/packages/@acme/rule/notes.md"), "Mine.\n").expect("written");
    let report = aam(&two, &["uninstall", "@acme/rule"]);
    assert!(kept(&report).contains(".claude/rules/rule.md: it is not what was installed"), "{report}");
    assert!(kept(&report).contains(".aam/packages/@acme/rule: it holds what is not the package's"), "{report}");
    let stays = [
        ".aam/.gitignore",
        ".aam/packages/@acme/rule/notes.md",
        ".aam/packages/@acme/rule/r.md",
        ".claude/rules/rule.md",
        "AGENTS.md",
    ];
    assert_eq!(left(&two), stays);

    // Moved: its record is that of the old place.
    let moved = machine.user().join("moved");
    fs::rename(machine.project(), &moved).expect("moved");
    machine.other("project");
    let report = aam(&moved, &["uninstall", "@acme/rule"]);
    assert_eq!(kept(&report), "[]", "{report}");
    assert_eq!(left(&moved), ["AGENTS.md"]);
}

#[test]
fn a_run_that_is_killed_at_any_moment_is_healed_by_the_next() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    for version in ["1.0.0", "1.1.0"] {
        let skill = format!("---\nname: lint\ndescription: d\n---\n{version}\n");
        let mut files = vec![("r.md".to_owned(), format!("Rule {version}.\n")), ("lint/SKILL.md".to_owned(), skill)];
        files.extend((0..40).map(|n| (format!("lint/part/{n}.md"), format!("{version} {n}\n"))));
        let files: Vec<_> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
        machine.publish("@acme/rule", version, RULE, &files);
    }
    machine.write("AGENTS.md", "Mine.\n");
    let untouched = machine.snapshot();
    let install = |version: &str| {
        machine.ok(&["install", &format!("@acme/rule@{version}"), "--platform", "codex,claude"]);
        machine.snapshot()
    };
    let whole = [install("1.0.0"), install("1.1.0")];
    machine.ok(&["uninstall", "@acme/rule"]);
    for round in 0..12u64 {
        let arguments: &[&str] = match round % 3 {
            0 => &["install", "@acme/rule@1.0.0", "--platform", "codex,claude"],
            1 => &["install", "@acme/rule@1.1.0", "--platform", "codex,claude"],
            _ => &["uninstall", "@acme/rule"],
        };
        let mut child = machine.aam(arguments).stderr(std::process::Stdio::null()).spawn().expect("aam runs");
        std::thread::sleep(std::time::Duration::from_millis(20 + 17 * round));
        // It may have ended already.
        let _ = child.kill();
        child.wait().expect("ends");
        if round % 4 == 3 {
            machine.run(&["uninstall", "@acme/rule"]);
            assert_eq!(machine.snapshot(), untouched, "round {round}");
        } else {
            let version = ["1.0.0", "1.1.0"][usize::from(round % 2 == 0)];
            assert_eq!(install(version), whole[usize::from(round % 2 == 0)], "round {round}");
        }
    }
}

#[test]
fn a_file_that_a_power_failure_left_empty_is_written_again_and_removed() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    let file = ".claude/skills/hello-skill/SKILL.md";
    machine.ok(&["install", "greet-kit@1.0.0", "--platform", "claude"]);
    let whole = machine.read(file);
    machine.write(file, "");
    machine.ok(&["install", "greet-kit@1.0.0", "--platform", "claude"]);
    assert_eq!(machine.read(file), whole);
    machine.write(file, "");
    let report = machine.json(&["uninstall", "greet-kit"]);
    assert_eq!(report["files"]["kept"], serde_json::json!([]), "{report}");
    assert!(!machine.has(".claude") && !machine.has(".aam"));
}
