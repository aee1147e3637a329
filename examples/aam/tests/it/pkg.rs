//! Making packages.

use std::fs;

use crate::{machine::Machine, server::fixture};

#[test]
fn a_new_package_is_valid_and_packs_to_the_same_bytes_every_time() {
    let machine = Machine::new();
    machine.ok(&["pkg", "init", "@my_org/notes"]);
    assert_eq!(machine.json(&["pkg", "validate", "notes"])["valid"], true);
    let one = machine.json(&["pkg", "pack", "notes"]);
    assert!(machine.has("my_org-notes-0.1.0.aam"));
    let copy = machine.project().join("copy");
    fs::create_dir(&copy).expect("folder");
    for name in ["README.md", "aam.yaml", "skills/notes/SKILL.md"] {
        let to = copy.join(name);
        fs::create_dir_all(to.parent().expect("in a folder")).expect("folder");
        fs::copy(machine.project().join("notes").join(name), to).expect("copied");
    }
    fs::write(copy.join(".aamignore"), "*.tmp\n").expect("written");
    fs::write(copy.join("scratch.tmp"), "x").expect("written");
    let two = machine.json(&["pkg", "pack", "copy", "--output", "two.aam"]);
    assert_eq!(one["sha256"], two["sha256"]);
    assert_eq!(one["files"], serde_json::json!(["README.md", "aam.yaml", "skills/notes/SKILL.md"]));
}

#[test]
fn every_fault_is_named_at_once() {
    let machine = Machine::new();
    machine.write("aam.yaml", "name: Bad_Name\nversion: 1.0\ndescription: ''\nartifacts: {}\n");
    let error = machine.fails(8, &["pkg", "validate"]);
    let fields: Vec<_> = error["details"].as_array().expect("details").iter().map(|one| one["field"].clone()).collect();
    for field in ["name", "version", "description", "artifacts"] {
        assert!(fields.contains(&field.into()), "{field} is missing in {fields:?}");
    }
    machine.write(
        "aam.yaml",
        "name: good\nversion: 1.0.0\ndescription: d\nartifacts:\n  skills:\n    - {name: a, path: skills/a, \
         description: d}\n  agents:\n    - {name: b, path: agents/b, description: d}\n",
    );
    machine.write("agents/b/agent.yaml", "name: b\nsystem_prompt: missing.md\n");
    let error = machine.fails(8, &["pkg", "validate"]);
    assert_eq!(error["details"].as_array().map(Vec::len), Some(2), "{error}");
    assert_eq!(machine.fails(8, &["pkg", "pack"])["error"], "invalid_package");
}

#[test]
fn archives_of_other_packers_are_valid() {
    let machine = Machine::new();
    for name in ["greet-kit-1.0.0.aam", "acme-review-suite-2.1.0.aam", "pre-1.0.0-rc.1.aam"] {
        let path = fixture(name);
        assert_eq!(machine.json(&["pkg", "validate", path.to_str().expect("text")])["valid"], true, "{name}");
    }
    machine.write("broken.aam", "not an archive");
    machine.fails(8, &["pkg", "validate", "broken.aam"]);
}
