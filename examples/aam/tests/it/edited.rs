//! Files that a person changed after they were installed.

use std::fs;

use crate::{machine::Machine, server::Server};

const EDITED: &str = "---\nname: hooks\ndescription: d\n---\nMine.\n";
const HOOKS: &str = ".claude/skills/hooks/SKILL.md";

/// A machine on which two packages with one skill name, and a third without, were published.
fn with_two_of_a_name(server: &Server) -> Machine {
    let machine = server.machine_of_alice();
    let skill = |name: &str| format!("---\nname: hooks\ndescription: d\n---\nOf {name}.\n");
    for name in ["hooks", "race"] {
        let files = [("hooks/SKILL.md", &*skill(name)), ("hooks/more.md", "More.\n")];
        let artifacts = "  skills:\n    - {name: hooks, path: hooks, description: d}\n";
        machine.publish(&format!("@acme/{name}"), "1.0.0", artifacts, &files);
    }
    let rule = "  instructions:\n    - {name: rule, path: r.md, description: d}\n";
    machine.publish("@acme/other", "1.0.0", rule, &[("r.md", "A rule.\n")]);
    machine
}

#[test]
fn a_changed_file_is_in_no_other_packages_way_and_its_force_does_not_reach_it() {
    let server = Server::start();
    let machine = with_two_of_a_name(&server);
    machine.ok(&["install", "@acme/hooks", "--platform", "claude"]);
    machine.write(HOOKS, EDITED);
    for arguments in [
        &["install", "@acme/other", "--platform", "claude"][..],
        &["install", "@acme/other", "--platform", "claude", "--force"],
        &["install", "@acme/hooks"],
        &["install"],
        &["update"],
        &["update", "--force"],
    ] {
        let report = machine.json(arguments);
        assert!(report["files"]["kept"].to_string().contains(HOOKS), "{arguments:?}: {report}");
        assert_eq!(machine.read(HOOKS), EDITED, "{arguments:?}");
    }
    // Exactly what the lock file says is not what stands there.
    let error = machine.fails(5, &["install", "--locked"]);
    assert_eq!(error["details"][0]["field"], HOOKS, "{error}");
    machine.ok(&["uninstall", "@acme/other", "--force"]);
    assert_eq!(machine.read(HOOKS), EDITED);
    machine.ok(&["install", "@acme/hooks", "--force"]);
    assert!(machine.read(HOOKS).contains("Of hooks."));
}

#[test]
fn a_changed_section_is_in_no_other_packages_way() {
    let server = Server::start();
    let machine = with_two_of_a_name(&server);
    machine.ok(&["install", "@acme/other", "--platform", "codex"]);
    let edited = machine.read("AGENTS.md").replace("A rule.", "My rule.");
    machine.write("AGENTS.md", &edited);
    let report = machine.json(&["install", "@acme/race", "--platform", "codex", "--force"]);
    assert!(report["files"]["kept"].to_string().contains("AGENTS.md"), "{report}");
    assert_eq!(machine.read("AGENTS.md"), edited);
    machine.ok(&["install", "@acme/other", "--platform", "codex", "--force"]);
    assert!(machine.read("AGENTS.md").contains("A rule."));
}

#[test]
fn two_packages_are_not_mixed_in_a_folder_with_a_changed_file() {
    let server = Server::start();
    let machine = with_two_of_a_name(&server);
    machine.ok(&["install", "@acme/hooks", "--platform", "claude"]);
    machine.write(HOOKS, EDITED);
    let report = machine.json(&["install", "@acme/race", "--platform", "claude"]);
    let renamed = "the skill hooks of @acme/hooks is now called acme--hooks--hooks, because @acme/race has one too";
    assert!(report["remarks"].to_string().contains(renamed), "{report}");
    assert_eq!(machine.read(HOOKS), EDITED);
    for gone in ["@acme/hooks", "@acme/race"] {
        let other = if gone == "@acme/hooks" { "race" } else { "hooks" };
        let report = machine.json(&["uninstall", gone]);
        let long = format!("acme--{other}--hooks");
        assert!(report["remarks"].to_string().contains(&format!("stays {long}")), "{report}");
        assert!(machine.read(&format!(".claude/skills/{long}/SKILL.md")).contains(&format!("Of {other}.")));
        assert_eq!(machine.read(HOOKS), EDITED);
        assert!(!machine.has(".claude/skills/hooks/more.md"), "nothing of a package is beside it");
        machine.ok(&["install", "@acme/other", "--platform", "claude"]);
        machine.ok(&["install", "@acme/hooks", "@acme/race", "--platform", "claude"]);
    }
    // Without the file that was changed there is room for the own name.
    fs::remove_dir_all(machine.project().join(".claude/skills/hooks")).expect("removed");
    let report = machine.json(&["uninstall", "@acme/race"]);
    assert!(report["remarks"].to_string().contains("is called hooks again"), "{report}");
    assert!(machine.read(HOOKS).contains("Of hooks."));
}

#[test]
fn a_file_of_instructions_in_utf_16_is_refused_not_broken() {
    let server = Server::start();
    let machine = with_two_of_a_name(&server);
    let utf_16: Vec<u8> = "\u{feff}Mine.\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(machine.project().join("AGENTS.md"), &utf_16).expect("written");
    let error = machine.fails(5, &["install", "@acme/other", "--platform", "codex"]);
    assert_eq!(error["help"], "save it as UTF-8", "{error}");
    assert_eq!(fs::read(machine.project().join("AGENTS.md")).expect("read"), utf_16);
    assert!(!machine.has(".aam/aam-lock.yaml"));
}
