//! What stands where, and what a person's files come to: no harm.

use std::fs;

use crate::{machine::Machine, server::Server};

#[test]
fn the_platform_is_the_one_the_project_shows() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    fs::create_dir(machine.project().join(".cursor")).expect("folder");
    fs::create_dir_all(machine.project().join(".github/workflows")).expect("folder");
    let output = machine.run(&["install", "greet-kit"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("Installing for cursor (this project has .cursor; choose with --platform)"), "{said}");
    assert!(machine.has(".agents/skills/hello-skill") && !machine.has(".claude") && !machine.has(".cursor/skills"));
}

#[test]
fn without_a_sign_it_is_the_last_install_then_the_configured_default_then_what_all_read() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    let says = |arguments: &[&str]| String::from_utf8_lossy(&machine.run(arguments).stderr).into_owned();
    assert!(says(&["install", "greet-kit"]).contains("Installing for agents (nothing here says otherwise"));
    assert!(machine.has(".agents/skills/hello-skill/SKILL.md"));
    machine.ok(&["uninstall", "greet-kit"]);
    let config = machine.home().join("config.yaml");
    let text = fs::read_to_string(&config).expect("text");
    fs::write(&config, format!("default_platform: codex\n{text}")).expect("written");
    assert!(says(&["install", "greet-kit"]).contains("Installing for codex (the default platform of config.yaml"));
    let said = says(&["install", "@my_org/style-guide"]);
    assert!(said.contains("Installing for codex (as the packages installed here"), "{said}");
}

#[test]
fn scripts_stay_executable() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    machine.ok(&["install", "greet-kit", "--platform", "claude,cursor"]);
    #[cfg(unix)]
    for base in [".claude", ".agents"] {
        use std::os::unix::fs::PermissionsExt;
        let script = machine.project().join(base).join("skills/hello-skill/scripts/hello.sh");
        assert!(fs::metadata(script).expect("script").permissions().mode() & 0o100 != 0);
    }
}

#[test]
fn a_persons_files_are_not_replaced() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    machine.write(".claude/agents/reviewer.md", "mine\n");
    let before = machine.snapshot();
    let error = machine.fails(5, &["install", "@acme/review-suite", "--platform", "claude"]);
    assert_eq!(error["details"][0]["field"], ".claude/agents/reviewer.md");
    assert_eq!(machine.snapshot(), before, "nothing was written");
    machine.ok(&["install", "@acme/review-suite", "--platform", "claude", "--force"]);
    assert!(machine.read(".claude/agents/reviewer.md").contains("careful"));
}

/// A machine on which a person changed files of an installed package, and added to them; with the changed sections of
/// AGENTS.md.
fn machine_with_changes(server: &Server) -> (Machine, String) {
    let machine = server.machine_with_fixtures();
    machine.ok(&["install", "@acme/review-suite", "--platform", "claude,codex"]);
    machine.write(".claude/agents/reviewer.md", "changed\n");
    machine.write(".claude/skills/code-review/notes.md", "added\n");
    let text = machine.read("AGENTS.md").replace("Prefer pathlib", "Prefer os.path");
    machine.write("AGENTS.md", &format!("Before\n{text}After\n"));
    (machine, text)
}

#[test]
fn what_a_person_changed_is_kept_at_uninstall() {
    let server = Server::start();
    let (machine, text) = machine_with_changes(&server);
    let report = machine.json(&["install", "@acme/review-suite@2.1.0", "--platform", "claude,codex"]);
    assert_eq!(report["files"]["kept"].as_array().map(Vec::len), Some(2), "{report}");
    let report = machine.json(&["uninstall", "@acme/review-suite"]);
    assert_eq!(
        report["files"]["kept"],
        serde_json::json!([
            ".claude/agents/reviewer.md: you changed it since it was installed",
            "AGENTS.md, python-style instruction: you changed it since it was installed"
        ])
    );
    assert_eq!(machine.read(".claude/agents/reviewer.md"), "changed\n");
    assert!(machine.has(".claude/skills/code-review/notes.md") && !machine.has(".claude/skills/code-review/SKILL.md"));
    assert_eq!(machine.read("AGENTS.md"), format!("Before\n{text}After\n"));
}

fn publish_agent(machine: &Machine, package: &str, prompt: &str) {
    let folder = package.replace(['@', '/'], "");
    let manifest = format!(
        "name: '{package}'\nversion: 1.0.0\ndescription: d\nartifacts:\n  agents:\n    - {{name: helper, path: \
         agents/helper, description: d}}\n"
    );
    machine.write(&format!("{folder}/aam.yaml"), &manifest);
    machine.write(&format!("{folder}/agents/helper/agent.yaml"), "name: helper\nsystem_prompt: p.md\n");
    machine.write(&format!("{folder}/agents/helper/p.md"), prompt);
    machine.ok(&["pkg", "publish", &folder]);
}

#[test]
fn two_packages_with_one_name_stand_side_by_side() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    publish_agent(&machine, "@acme/one", "one\n");
    publish_agent(&machine, "two", "two\n");
    machine.ok(&["install", "@acme/one", "--platform", "claude"]);
    assert!(machine.has(".claude/agents/helper.md"));
    machine.ok(&["install", "two", "--platform", "claude"]);
    assert!(machine.read(".claude/agents/acme--one--helper.md").contains("one"));
    assert!(machine.read(".claude/agents/two--helper.md").contains("name: two--helper"));
    assert!(!machine.has(".claude/agents/helper.md"));
    machine.ok(&["uninstall", "two"]);
    assert!(machine.read(".claude/agents/helper.md").contains("one"));
    assert!(!machine.has(".claude/agents/acme--one--helper.md"));
}

#[test]
fn an_instruction_with_crlf_line_ends_is_taken_back() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let manifest = "name: '@acme/windows'\nversion: 1.0.0\ndescription: d\nartifacts:\n  instructions:\n    - \
                    {name: k, path: instructions/k.md, description: d}\n    - {name: l, path: \
                    instructions/l.md, description: d}\n";
    machine.write("windows/aam.yaml", manifest);
    machine.write("windows/instructions/k.md", "a\r\nb");
    machine.write("windows/instructions/l.md", "---\r\nglobs: '*.rs'\r\n---\r\na\r\r\nb\r\n");
    machine.ok(&["pkg", "publish", "windows"]);
    machine.write("AGENTS.md", "Mine.\r\n");
    let report = machine.json(&["install", "@acme/windows", "--platform", "claude,cursor,codex,gemini"]);
    assert_eq!(report["files"]["written"].as_array().map(Vec::len), Some(8), "{report}");
    let report = machine.json(&["uninstall", "@acme/windows"]);
    assert_eq!(report["files"]["kept"], serde_json::json!([]));
    assert_eq!(machine.read("AGENTS.md"), "Mine.\r\n");
    assert!(!machine.has("GEMINI.md") && !machine.has(".cursor"));
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_project_is_not_written_through() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    let outside = tempfile::tempdir().expect("folder");
    std::os::unix::fs::symlink(outside.path(), machine.project().join(".claude")).expect("link");
    machine.fails(5, &["install", "greet-kit", "--platform", "claude"]);
    machine.fails(5, &["install", "greet-kit", "--platform", "claude", "--force"]);
    assert_eq!(fs::read_dir(outside.path()).expect("folder").count(), 0);
}

#[cfg(unix)]
#[test]
fn one_file_with_two_names_gets_a_section_once() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    machine.write("AGENTS.md", "Mine.\n");
    std::os::unix::fs::symlink("AGENTS.md", machine.project().join("GEMINI.md")).expect("link");
    machine.ok(&["install", "@my_org/style-guide", "--platform", "gemini,codex"]);
    assert_eq!(machine.read("AGENTS.md").matches("BEGIN AAM: house-style instruction").count(), 1);
    assert!(fs::symlink_metadata(machine.project().join("GEMINI.md")).expect("there").is_symlink());
    machine.ok(&["uninstall", "@my_org/style-guide"]);
    assert_eq!(machine.read("AGENTS.md"), "Mine.\n");
}

#[test]
fn a_file_where_a_folder_is_needed_is_said_before_anything_is_written() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    machine.write(".claude", "a file\n");
    let before = machine.snapshot();
    let error = machine.fails(5, &["install", "greet-kit", "--platform", "claude"]);
    assert_eq!(error["details"][0]["field"], ".claude");
    assert_eq!(machine.snapshot(), before);
}

#[test]
fn sections_that_begin_alike_all_arrive() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let rule = |text: &str| format!("---\nglobs: [\"**/*.cs\"]\n---\n{text}\n");
    machine.publish(
        "@acme/rules",
        "1.0.0",
        "  instructions:\n    - {name: one, path: one.md}\n    - {name: two, path: two.md}\n    - {name: three, path: three.md}\n",
        &[("one.md", &rule("One.")), ("two.md", &rule("Two.")), ("three.md", "# Rules\n\nThree.\n")],
    );
    machine.write("AGENTS.md", "# Rules\n\nOurs.\n");
    machine.ok(&["install", "@acme/rules", "--platform", "codex"]);
    let text = machine.read("AGENTS.md");
    for part in ["Ours.", "One.", "Two.", "Three."] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    machine.ok(&["uninstall", "@acme/rules"]);
    assert_eq!(machine.read("AGENTS.md"), "# Rules\n\nOurs.\n");
}

#[test]
fn a_skill_without_a_name_gets_one() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    machine.publish(
        "@acme/nameless",
        "1.0.0",
        "  skills:\n    - {name: a, path: skills/a}\n",
        &[("skills/a/SKILL.md", "---\ndescription: d\nallowed-tools: Read\n---\nx\n")],
    );
    machine.ok(&["install", "@acme/nameless", "--platform", "claude"]);
    let expected = "---\nname: a\ndescription: d\nallowed-tools: Read\n---\nx\n";
    assert_eq!(machine.read(".claude/skills/a/SKILL.md"), expected);
}

#[test]
fn force_is_named_where_it_helps_and_then_it_does() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    let install = ["install", "@acme/review-suite", "--platform", "claude,codex"];
    let forced = [&install[..], &["--force"]].concat();
    let hint = |error: &serde_json::Value| error["help"].as_str().expect("help").to_owned();
    machine.write(".claude/agents/reviewer.md", "mine\n");
    assert_eq!(hint(&machine.fails(5, &install)), "move your files away, or replace them with --force");
    machine.ok(&forced);
    machine.ok(&["uninstall", "@acme/review-suite"]);
    assert!(!machine.has(".claude/agents/reviewer.md"));
    fs::remove_dir_all(machine.project().join(".claude")).expect("removed");

    // A folder where a file is needed, and a file where a folder is: nothing of either is replaced.
    machine.write(".claude/agents/reviewer.md/mine.txt", "mine\n");
    for arguments in [&install[..], &forced[..]] {
        let error = machine.fails(5, arguments);
        assert_eq!(hint(&error), "move away what stands where another kind of file is needed", "{error}");
    }
    fs::remove_dir_all(machine.project().join(".claude")).expect("removed");
    machine.write(".claude", "mine\n");
    for arguments in [&install[..], &forced[..]] {
        assert!(!hint(&machine.fails(5, arguments)).contains("--force"));
    }
    fs::remove_file(machine.project().join(".claude")).expect("removed");

    // Markers that do not belong together: no section can be told from what a person wrote.
    machine.write("AGENTS.md", "<!-- BEGIN AAM: python-style instruction -->\nHalf a section.\n");
    for arguments in [&install[..], &forced[..]] {
        let error = machine.fails(5, arguments);
        assert_eq!(hint(&error), "mend the AAM markers, or delete them with what is between them", "{error}");
    }
}

#[test]
fn an_uninstall_with_force_removes_what_was_changed_and_nothing_that_was_added() {
    let server = Server::start();
    let (machine, _) = machine_with_changes(&server);
    let report = machine.json(&["uninstall", "@acme/review-suite", "--force"]);
    assert_eq!(report["files"]["kept"], serde_json::json!([]), "{report}");
    assert!(!machine.has(".claude/agents") && !machine.has(".claude/skills/code-review/SKILL.md"));
    assert_eq!(machine.read(".claude/skills/code-review/notes.md"), "added\n");
    let left = machine.read("AGENTS.md");
    assert!(left.starts_with("Before\n") && left.ends_with("After\n") && !left.contains("os.path"), "{left}");
    assert!(!machine.has(".aam"));
}
