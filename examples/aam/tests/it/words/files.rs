//! Files that are broken, missing, unreadable, or in the middle of a merge.

use std::{fs, process::Command};

use super::Told;
use crate::{machine::Machine, server::Server};

const PACKAGE: &str =
    "version: 1.0.0\ndescription: d\nartifacts:\n  prompts: [{name: p, path: p.md, description: d}]\n";

#[test]
fn a_broken_manifest_is_told_with_its_line_and_its_mend() {
    let mut told = Told::default();
    let machine = Machine::new();
    machine.write("p.md", "x\n");
    for (case, name, rest) in [
        ("a second document", "a", "---\nname: b\n"),
        ("an unquoted scoped name", "@acme/a", ""),
        ("an unquoted scoped dependency", "a", "dependencies:\n  @acme/x: ^1\n"),
        ("an unquoted lower bound", "a", "dependencies:\n  greet-kit: >=1.0,<2\n"),
        ("an unquoted star", "a", "dependencies:\n  greet-kit: *\n"),
        ("a tab", "a", "dependencies:\n\tgreet-kit: ^1\n"),
        ("a key twice", "a", "dependencies:\n  greet-kit: ^1\n  greet-kit: ^2\n"),
        ("a merge conflict", "a", "<<<<<<< HEAD\nauthor: me\n=======\nauthor: you\n>>>>>>> theirs\n"),
    ] {
        machine.write("aam.yaml", &format!("name: {name}\n{PACKAGE}{rest}"));
        told.hear(case, 8, &mut machine.aam(&["pkg", "validate"]));
    }
    machine.write("aam.yaml", &format!("\u{feff}name: a\n{PACKAGE}"));
    machine.ok(&["pkg", "validate"]);
    insta::assert_snapshot!("manifest", told.text);
}

#[test]
fn a_lock_file_in_the_middle_of_a_merge_stands_in_nobodys_way_for_nothing() {
    let mut told = Told::default();
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    told.naming(fs::canonicalize(machine.project()).expect("path").display().to_string(), "[PROJECT]");
    let lock_of = |packages: &[&str]| {
        let other = machine.other("elsewhere");
        let folder = other.to_str().expect("text");
        let arguments = [&["-C", folder, "install", "--platform", "claude"], packages].concat();
        machine.ok(&arguments);
        let lock = fs::read_to_string(other.join(".aam/aam-lock.yaml")).expect("lock");
        fs::remove_dir_all(other).expect("removed");
        fs::remove_dir_all(machine.home().join("projects")).expect("records");
        lock
    };
    let conflict = |ours: &str, theirs: &str| {
        let mut head = String::new();
        let (mut ours, mut theirs) = (ours, theirs);
        while let (Some((one, rest)), Some((other, others))) = (ours.split_once('\n'), theirs.split_once('\n'))
            && one == other
        {
            head.push_str(one);
            head.push('\n');
            (ours, theirs) = (rest, others);
        }
        format!("{head}<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> their-branch\n")
    };

    // Each side added a package.
    let text = conflict(&lock_of(&["greet-kit"]), &lock_of(&["@acme/review-suite"]));
    machine.write(".aam/aam-lock.yaml", &text);
    let listed = machine.json(&["list"]);
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "this branch's side: {listed}");
    told.hear("the lock file is in a merge: list", 0, &mut machine.aam(&["list"]));
    told.hear("the lock file is in a merge: install --locked", 5, &mut machine.aam(&["install", "--locked"]));
    told.hear("the lock file is in a merge, both sides fit: install", 0, &mut machine.aam(&["install"]));
    assert_eq!(machine.json(&["list"]).as_array().map(Vec::len), Some(2));
    machine.ok(&["install", "--locked"]);
    // Something is taken away in the middle of the merge.
    machine.write(".aam/aam-lock.yaml", &text);
    machine.ok(&["uninstall", "@acme/review-suite"]);
    assert_eq!(machine.json(&["list"]).as_array().map(Vec::len), Some(1), "the rest of both sides");
    machine.ok(&["install", "--locked"]);

    // Each side has another version.
    let text = conflict(&lock_of(&["greet-kit@1.0.0"]), &lock_of(&["greet-kit@1.1.0"]));
    machine.write(".aam/aam-lock.yaml", &text);
    assert_eq!(machine.json(&["list"])[0]["version"], "1.0.0");
    for command in ["install", "update"] {
        told.hear(&format!("the sides of the lock file differ: {command}"), 5, &mut machine.aam(&[command]));
    }
    assert_eq!(machine.read(".aam/aam-lock.yaml"), text, "nothing was written");

    // The manifest is in a merge, too.
    machine.write(".aam/aam-lock.yaml", &lock_of(&["greet-kit"]));
    machine.write("aam.yaml", &format!("name: a\n<<<<<<< HEAD\nauthor: a\n=======\nauthor: b\n>>>>>>> x\n{PACKAGE}"));
    told.hear("aam.yaml is in a merge: install", 8, &mut machine.aam(&["install"]));
    machine.ok(&["list"]);
    machine.ok(&["install", "greet-kit", "--platform", "claude"]);
    machine.ok(&["uninstall", "greet-kit"]);
    insta::assert_snapshot!("merges", told.text);
}

#[test]
fn files_that_aam_wrote_and_somebody_broke_are_told_with_what_to_do() {
    let mut told = Told::default();
    let machine = Machine::new();
    told.naming(fs::canonicalize(machine.project()).expect("path").display().to_string(), "[PROJECT]");
    told.naming(fs::canonicalize(machine.user()).expect("path").display().to_string(), "[HOME]");
    machine.write(".aam/aam-lock.yaml", "lockfile_version: 1\npackages: [\n");
    told.hear("the lock file is cut off", 2, &mut machine.aam(&["list"]));
    machine.write(".aam/aam-lock.yaml", "lockfile_version: 7\n");
    told.hear("the lock file of a later aam", 2, &mut machine.aam(&["install"]));
    let lock = fs::File::create(machine.project().join(".aam/aam-lock.yaml")).expect("file");
    lock.set_len(1 << 30).expect("a large file");
    told.hear("a lock file of a gigabyte", 2, &mut machine.aam(&["list"]));
    fs::remove_dir_all(machine.project().join(".aam")).expect("removed");
    let broken = |name: &str, text: &str| {
        let path = machine.home().join(name);
        fs::create_dir_all(path.parent().expect("below")).expect("folder");
        fs::write(path, text).expect("written");
    };
    broken("projects/0123.yaml", "unpacked: [");
    machine.write(".aam/aam-lock.yaml", "lockfile_version: 1\npackages: {}\n");
    told.hear("the record of a project", 2, &mut machine.aam(&["install", "--locked"]));
    broken("credentials.yaml", "x");
    told.hear("credentials.yaml", 2, &mut machine.aam(&["whoami"]));
    broken("config.yaml", "registries:\n<<<<<<< HEAD\n- a\n=======\n- b\n>>>>>>> x\n");
    told.hear("config.yaml is in a merge", 5, &mut machine.aam(&["registry", "list"]));
    broken("config.yaml", "registries: [");
    told.hear("config.yaml", 2, &mut machine.aam(&["registry", "list"]));
    insta::assert_snapshot!("broken", told.text);
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_is_named_before_anything_is_packed() {
    use std::os::unix::fs::PermissionsExt;
    let mut told = Told::default();
    let machine = Machine::new();
    machine.init("notes", ".");
    machine.write("skills/notes/secret.md", "x\n");
    let path = machine.project().join("skills/notes/secret.md");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("set");
    let aam = machine.aam(&["pkg", "pack"]);
    let mut command = if fs::read(&path).is_ok() {
        // The superuser reads everything, unless that right is taken away.
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set", "-dac_override,-dac_read_search"]).arg(aam.get_program());
        command
    } else {
        Command::new(aam.get_program())
    };
    command.args(aam.get_args()).current_dir(machine.project());
    command.envs(aam.get_envs().filter_map(|(name, value)| Some((name, value?))));
    told.hear("a file that cannot be read while packing", 8, &mut command);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
    insta::assert_snapshot!("unreadable", told.text);
}

#[test]
fn a_scope_that_does_not_exist_is_told_with_how_to_make_it() {
    let mut told = Told::default();
    let server = Server::start();
    let machine = server.machine_of_alice();
    machine.init("@newteam/notes", ".");
    told.hear("a scope that does not exist", 3, &mut machine.aam(&["pkg", "publish", "--quiet"]));
    machine.ok(&["scope", "create", "newteam"]);
    machine.ok(&["pkg", "publish"]);
    insta::assert_snapshot!("scope", told.text);
}

#[test]
fn two_packages_that_claim_one_place_are_both_named() {
    let mut told = Told::default();
    let server = Server::start();
    let machine = server.machine_of_alice();
    let skill = |name: &str| format!("---\nname: {name}\ndescription: d\n---\nx\n");
    let publish = |package: &str, name: &str| {
        let artifacts = format!("  skills:\n    - {{name: {name}, path: s, description: d}}\n");
        machine.publish(package, "1.0.0", &artifacts, &[("s/SKILL.md", &skill(name))]);
    };
    // Two packages with a skill `lint` get folders that begin with their names, and one of these is another's skill.
    publish("@acme/a", "lint");
    publish("@acme/b", "lint");
    publish("@my_org/c", "acme--a--lint");
    machine.ok(&["install", "@acme/a", "@acme/b", "--platform", "claude"]);
    let before = machine.snapshot();
    told.hear("two packages want one folder", 5, &mut machine.aam(&["install", "@my_org/c", "--platform", "claude"]));
    assert_eq!(machine.snapshot(), before, "nothing was written");
    machine.ok(&["install", "@my_org/c", "--platform", "kiro"]);
    insta::assert_snapshot!("same_place", told.text);
}
