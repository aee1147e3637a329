//! Making packages.

use std::fs;

use crate::{machine::Machine, server::fixture};

#[test]
fn a_new_package_is_valid_and_packs_to_the_same_bytes_every_time() {
    let machine = Machine::new();
    machine.init("@my_org/notes", "notes");
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

#[test]
fn what_init_made_up_is_not_published() {
    let machine = Machine::new();
    machine.ok(&["pkg", "init", "@acme/notes", "--folder", "notes"]);
    let error = machine.fails(8, &["pkg", "publish", "notes", "--dry-run"]);
    let details: Vec<_> =
        error["details"].as_array().expect("details").iter().map(|one| one["field"].clone()).collect();
    assert_eq!(details, ["skills/notes/SKILL.md", "description"], "{error}");
    machine.init("@acme/written", "written");
    assert_eq!(machine.json(&["pkg", "validate", "written"])["valid"], true);
}

#[test]
fn a_double_hyphen_needs_a_scope() {
    let machine = Machine::new();
    let error = machine.fails(2, &["pkg", "init", "acme--review"]);
    assert!(error["help"].as_str().is_some_and(|help| help.contains("@my_org/name")), "{error}");
    machine.init("@acme/a--b", "scoped");
    machine.init("review", "plain");
    let manifest = machine.read("plain/aam.yaml").replace("\"review\"", "acme--review");
    machine.write("plain/aam.yaml", &manifest);
    for (folder, warned) in [("scoped", false), ("plain", true)] {
        let warnings = machine.json(&["pkg", "validate", folder])["warnings"].to_string();
        assert_eq!(warnings.contains("holds `--`"), warned, "{warnings}");
    }
}

#[test]
fn front_matter_that_tools_cannot_read_is_named_by_file_and_line() {
    let machine = Machine::new();
    let manifest = "name: '@acme/x'\nversion: 1.0.0\ndescription: d\nartifacts:\n  skills:\n    - {name: a, path: \
                    skills/a}\n  instructions:\n    - {name: r, path: rules/r.mdc}\n";
    machine.write("aam.yaml", manifest);
    machine.write("skills/a/SKILL.md", "---\nname: a\ndescription: Reviews: fast\n---\nx\n");
    machine.write("rules/r.mdc", "---\ndescription: d\nglobs:\n  - *.py\n---\nx\n");
    for arguments in [&["pkg", "validate"][..], &["pkg", "publish", "--dry-run"], &["pkg", "pack"]] {
        let error = machine.fails(8, arguments);
        assert_eq!(error["details"][0]["field"], "skills/a/SKILL.md:3", "{error}");
        let mend = "put its value in double quotes: `description: \"Reviews: fast\"`";
        assert!(error["details"][0]["error"].as_str().is_some_and(|text| text.contains(mend)), "{error}");
    }
    machine.write(
        "skills/a/SKILL.md",
        "---\nname: a\ndescription: \"Reviews: fast\"\nallowed-tools: Bash(git:*)\n---\nx\n",
    );
    let warnings = &machine.json(&["pkg", "validate"])["warnings"];
    assert_eq!(warnings[0]["field"], "rules/r.mdc:4", "{warnings}");
    machine.ok(&["pkg", "pack", "--output", "x.aam"]);
    assert_eq!(machine.json(&["pkg", "validate", "x.aam"])["warnings"], *warnings, "an archive is looked into, too");
    std::fs::write(machine.project().join("rules/r.mdc"), b"caf\xe9\n").expect("written");
    assert_eq!(machine.fails(8, &["pkg", "validate"])["details"][0]["field"], "rules/r.mdc:1");
}

#[cfg(unix)]
#[test]
fn nothing_outside_of_a_package_is_read_and_no_pipe_is_waited_for() {
    use std::{os::unix::fs::symlink, process::Command};
    let machine = Machine::new();
    let outside = machine.other("outside");
    fs::write(outside.join("secret.md"), "---\nname: a\nname: a\n---\n").expect("written");
    let manifest = "name: '@acme/x'\nversion: 1.0.0\ndescription: d\nartifacts:\n  skills:\n    - {name: a, path: \
                    skills/a}\n    - {name: b, path: skills/b}\n  agents:\n    - {name: c, path: agents/c}\n";
    machine.write("aam.yaml", manifest);
    machine.write("skills/a/x.txt", "x");
    symlink(outside.join("secret.md"), machine.project().join("skills/a/SKILL.md")).expect("a link");
    machine.write("skills/b/x.txt", "x");
    symlink(outside.join("missing"), machine.project().join("skills/b/SKILL.md")).expect("a link");
    machine.write("agents/c/agent.yaml", "name: c\nsystem_prompt: prompt.md\n");
    symlink(outside.join("secret.md"), machine.project().join("agents/c/prompt.md")).expect("a link");
    let error = machine.fails(8, &["pkg", "validate"]);
    let told: Vec<_> = error["details"]
        .as_array()
        .expect("details")
        .iter()
        .map(|one| format!("{} {}", one["field"], one["error"]))
        .collect();
    for (at, (field, why)) in
        [("agents/c", "leads out of"), ("skills/a/SKILL.md", "leads out of"), ("skills/b/SKILL.md", "leads nowhere")]
            .into_iter()
            .enumerate()
    {
        assert!(told[at].contains(field) && told[at].contains(why), "{told:?}");
    }

    let pipe = |path: &str| {
        let path = machine.project().join(path);
        fs::remove_file(&path).ok();
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    };
    pipe("skills/a/SKILL.md");
    let error = machine.fails(8, &["pkg", "validate"]);
    assert!(error["details"].to_string().contains("is no regular file"), "{error}");
    pipe("aam.yaml");
    for arguments in [&["pkg", "validate"][..], &["pkg", "pack"], &["pkg", "publish", "--dry-run"]] {
        let error = machine.fails(8, arguments);
        assert_eq!(error["details"][0]["error"], "is no regular file; remove it", "{error}");
    }
    assert_eq!(machine.fails(2, &["pkg", "validate", "aam.yaml"])["error"], "usage");
    fs::remove_file(machine.project().join("aam.yaml")).expect("removed");
    symlink(outside.join("secret.md"), machine.project().join("aam.yaml")).expect("a link");
    let error = machine.fails(8, &["pkg", "validate"]);
    assert!(error["details"][0]["error"].as_str().is_some_and(|why| why.contains("leads out of")), "{error}");
}
