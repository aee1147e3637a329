//! A cloned repository that was made to do harm.

#![cfg(unix)]

use std::{fs, os::unix::fs::symlink};

use crate::{machine::Machine, server::Server};

/// A machine on which a package with a skill called `hooks` was published.
fn with_hooks(server: &Server) -> Machine {
    let machine = server.machine_of_alice();
    machine.publish(
        "@acme/evil",
        "1.0.0",
        "  skills:\n    - {name: hooks, path: skills/hooks, description: d}\n",
        &[
            ("skills/hooks/SKILL.md", "---\nname: hooks\ndescription: d\n---\nx\n"),
            ("skills/hooks/post-checkout", "#!/bin/sh\ntouch /tmp/owned\n"),
        ],
    );
    machine
}

/// The lock file of an install of it, as a repository would bring it.
fn lock(machine: &Machine) -> String {
    let other = machine.other("elsewhere");
    let folder = other.to_str().expect("text");
    machine.ok(&["-C", folder, "install", "@acme/evil", "--platform", "claude"]);
    fs::read_to_string(other.join(".aam/aam-lock.yaml")).expect("lock")
}

#[test]
fn a_skill_folder_linked_to_git_gets_nothing() {
    let server = Server::start();
    let machine = with_hooks(&server);
    let lock = lock(&machine);
    machine.write(".git/HEAD", "ref: refs/heads/main\n");
    for link in [".claude", ".claude/skills"] {
        machine.write(".aam/aam-lock.yaml", &lock);
        let path = machine.project().join(link);
        fs::create_dir_all(path.parent().expect("below")).expect("folder");
        let target = if link == ".claude" { ".git" } else { "../.git" };
        symlink(target, &path).expect("link");
        for force in [&[][..], &["--force"]] {
            let error = machine.fails(5, &[&["install", "--locked"], force].concat());
            assert_eq!(error["error"], "link_in_the_way");
            assert!(error["message"].as_str().is_some_and(|text| text.contains("is a symbolic link")), "{error}");
            assert!(error["help"].as_str().is_some_and(|text| text.contains("real")), "{error}");
        }
        let inside: Vec<_> = fs::read_dir(machine.project().join(".git")).expect("folder").flatten().collect();
        assert_eq!(inside.len(), 1, "{inside:?}");
        fs::remove_file(&path).expect("removed");
        fs::remove_dir(path.parent().expect("below")).ok();
    }
}

#[test]
fn our_own_folder_linked_elsewhere_is_not_followed() {
    let server = Server::start();
    let machine = with_hooks(&server);
    let outside = machine.other("outside");
    fs::write(outside.join("precious"), "precious").expect("written");
    symlink(&outside, machine.project().join(".aam")).expect("link");
    for arguments in [&["install", "@acme/evil"][..], &["uninstall", "@acme/evil"], &["update"], &["list"]] {
        let error = machine.fails(5, arguments);
        assert_eq!(error["error"], "link_in_the_way", "{arguments:?}");
    }
    assert_eq!(fs::read_dir(&outside).expect("folder").count(), 1);
    fs::remove_file(machine.project().join(".aam")).expect("removed");

    // One level below: the lock, the lock file, the packages.
    fs::create_dir(machine.project().join(".aam")).expect("folder");
    for name in [".guard", "packages", "aam-lock.yaml", ".gitignore"] {
        let link = machine.project().join(".aam").join(name);
        fs::remove_file(&link).ok();
        let target = if name == "packages" { outside.clone() } else { outside.join("precious") };
        symlink(target, &link).expect("link");
        machine.run(&["install", "@acme/evil", "--platform", "claude"]);
        assert_eq!(fs::read_to_string(outside.join("precious")).expect("kept"), "precious", "{name}");
        assert_eq!(fs::read_dir(&outside).expect("folder").count(), 1, "{name}");
        fs::remove_file(&link).ok();
    }
}

#[test]
fn hard_links_are_not_written_through() {
    let server = Server::start();
    let machine = with_hooks(&server);
    let precious = machine.other("outside").join("precious");
    fs::write(&precious, "precious\n").expect("written");
    fs::create_dir(machine.project().join(".aam")).expect("folder");
    fs::hard_link(&precious, machine.project().join(".aam/.guard")).expect("link");
    fs::hard_link(&precious, machine.project().join("AGENTS.md")).expect("link");
    machine.publish(
        "@acme/rule",
        "1.0.0",
        "  instructions:\n    - {name: rule, path: r.md, description: d}\n",
        &[("r.md", "Rule.\n")],
    );
    machine.ok(&["install", "@acme/rule", "--platform", "codex"]);
    assert!(machine.read("AGENTS.md").contains("Rule."));
    assert_eq!(fs::read_to_string(&precious).expect("kept"), "precious\n");
}

#[test]
fn what_became_a_link_since_is_not_deleted_through() {
    let server = Server::start();
    let machine = with_hooks(&server);
    machine.ok(&["install", "@acme/evil", "--platform", "claude"]);
    let outside = machine.other("outside");
    fs::rename(machine.project().join(".claude/skills/hooks"), outside.join("hooks")).expect("moved");
    symlink(outside.join("hooks"), machine.project().join(".claude/skills/hooks")).expect("link");
    let report = machine.json(&["uninstall", "@acme/evil"]);
    assert_eq!(report["files"]["kept"].as_array().map(Vec::len), Some(2), "{report}");
    assert!(outside.join("hooks/SKILL.md").exists());
}

#[test]
fn planted_records_delete_nothing() {
    let server = Server::start();
    let machine = with_hooks(&server);
    let lock = lock(&machine);
    machine.write("src/main.rs", "fn main() {}\n");
    let sha256 = "53a1f6bd9e97a34d0a7d9fe4cb8f0ba85a1d4ef0c2fb03d0e7ab4ea9fc7c0d4f";
    machine.write(
        ".aam/installed.yaml",
        &format!(
            "unpacked: {{'@acme/evil': {sha256}}}\nfiles:\n  src/main.rs: {{package: '@acme/evil', sha256: {sha256}}}\n"
        ),
    );
    machine.write(".aam/aam-lock.yaml", &lock);
    machine.ok(&["install", "--locked"]);
    machine.ok(&["uninstall", "@acme/evil", "--force"]);
    assert_eq!(machine.read("src/main.rs"), "fn main() {}\n");
}

#[test]
fn a_planted_package_is_not_deployed() {
    let server = Server::start();
    let machine = with_hooks(&server);
    let lock = lock(&machine);
    machine.write(".aam/aam-lock.yaml", &lock);
    for folder in ["@acme/evil", "acme--evil"] {
        let folder = format!(".aam/packages/{folder}");
        let manifest = "name: '@acme/evil'\nversion: 1.0.0\ndescription: d\nartifacts:\n  skills:\n    - {name: hooks, \
                        path: skills/hooks, description: d}\n";
        machine.write(&format!("{folder}/aam.yaml"), manifest);
        machine.write(&format!("{folder}/skills/hooks/SKILL.md"), "planted\n");
    }
    machine.ok(&["install"]);
    machine.ok(&["install", "--platform", "claude,codex"]);
    let text = machine.read(".claude/skills/hooks/SKILL.md");
    assert!(text.starts_with("---\nname: hooks"), "{text}");
    assert!(!machine.codex().exists(), "an install into a project writes nothing of the user's");
    // What was unpacked by us and changed since is fetched again, too.
    machine.write(".aam/packages/@acme/evil/skills/hooks/SKILL.md", "planted\n");
    machine.ok(&["install", "--platform", "kiro"]);
    assert_eq!(machine.read(".kiro/skills/hooks/SKILL.md"), text);
}

#[test]
fn two_packages_never_share_a_folder() {
    let server = Server::start();
    let machine = with_hooks(&server);
    machine.ok(&["install", "@acme/evil", "--platform", "claude"]);
    assert!(machine.has(".aam/packages/@acme/evil/aam.yaml") && !machine.has(".aam/packages/acme--evil"));
    // An earlier aam unpacked it elsewhere: what is ours of it goes.
    let skill = machine.read(".aam/packages/@acme/evil/skills/hooks/SKILL.md");
    machine.write(".aam/packages/acme--evil/skills/hooks/SKILL.md", &skill);
    machine.write(".aam/packages/acme--evil/notes.md", "a person's\n");
    machine.ok(&["install", "--locked"]);
    assert!(!machine.has(".aam/packages/acme--evil/skills") && machine.has(".aam/packages/acme--evil/notes.md"));
}

#[test]
fn the_users_own_files_are_not_written_through_links() {
    let machine = Machine::new();
    let precious = machine.other("outside").join("precious");
    fs::write(&precious, "{}\n").expect("written");
    fs::create_dir_all(machine.home()).expect("folder");
    symlink(&precious, machine.home().join("config.yaml")).expect("link");
    let error = machine.fails(5, &["registry", "add", "http://localhost:8000", "local"]);
    assert_eq!(error["error"], "link_in_the_way");
    assert_eq!(fs::read_to_string(&precious).expect("kept"), "{}\n");
}

#[test]
fn a_new_package_in_a_cloned_folder_follows_no_link() {
    let machine = Machine::new();
    let outside = machine.other("outside");
    symlink(&outside, machine.project().join("skills")).expect("link");
    machine.fails(5, &["pkg", "init", "mine", "--folder", "."]);
    assert_eq!(fs::read_dir(&outside).expect("folder").count(), 0);
}

#[test]
fn a_project_reached_through_a_link_is_as_good_as_any() {
    let server = Server::start();
    let machine = with_hooks(&server);
    let link = machine.user().join("shortcut");
    symlink(machine.project(), &link).expect("link");
    machine.ok(&["-C", link.to_str().expect("text"), "install", "@acme/evil", "--platform", "claude"]);
    assert!(machine.has(".claude/skills/hooks/SKILL.md"));
    machine.ok(&["uninstall", "@acme/evil"]);
    assert!(!machine.has(".claude"));
}

#[test]
fn an_uninstall_that_a_link_stops_is_not_finished_behind_its_users_back() {
    let server = Server::start();
    let machine = with_hooks(&server);
    let lock = lock(&machine);
    let outside = machine.other("outside");
    machine.write(".aam/aam-lock.yaml", &lock);
    symlink(&outside, machine.project().join(".aam/packages")).expect("link");
    assert_eq!(machine.fails(5, &["uninstall", "@acme/evil"])["error"], "link_in_the_way");
    fs::remove_file(machine.project().join(".aam/packages")).expect("removed");
    machine.ok(&["install", "--locked"]);
    assert_eq!(machine.read(".aam/aam-lock.yaml"), lock);
}

#[test]
fn a_registry_that_only_a_lock_file_names_is_asked_nothing() {
    let (chosen, planted) = (Server::start(), crate::stage::Stage::json("404 Not Found", |_| "{}".to_owned()));
    let machine = with_hooks(&chosen);
    let mine = lock(&machine);
    let theirs = mine.replace(&chosen.url(), &planted.url());
    let token = machine.ok(&["token", "create", "ci", "--quiet"]);
    for arguments in
        [&["install", "--locked"][..], &["install"], &["update"], &["uninstall", "@acme/evil"], &["install", "--force"]]
    {
        machine.write(".aam/aam-lock.yaml", &theirs);
        let mut command = machine.aam(&[&["--json"], arguments].concat());
        let output = command.env("AAM_TOKEN", token.trim()).output().expect("aam runs");
        let error: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
        assert_eq!((output.status.code(), &error["error"]), (Some(3), &"foreign_registry".into()), "{arguments:?}");
        let message = error["message"].as_str().expect("text");
        assert!(message.contains(&planted.url()) && message.contains("none of the registries you use"), "{message}");
        assert_eq!(machine.read(".aam/aam-lock.yaml"), theirs, "{arguments:?}");
    }
    assert_eq!(planted.heard(), "", "nothing was sent there");
    // An address that a shell would act on is in no command to copy.
    machine.write(".aam/aam-lock.yaml", &mine.replace(&chosen.url(), "http://127.0.0.1:1/$(id)"));
    let error = machine.fails(3, &["install", "--locked"]);
    assert!(!error["help"].as_str().expect("help").contains("$(id)"), "{error}");
    machine.write(".aam/aam-lock.yaml", &theirs);

    // Who agrees, or names it, gets its packages; no token goes along.
    for arguments in [&["install", "--locked", "--yes"][..], &["install", "--locked", "--registry", &planted.url()]] {
        let mut command = machine.aam(arguments);
        let output = command.env("AAM_TOKEN", token.trim()).output().expect("aam runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("asked nothing"), "{said}");
        assert_eq!(said.contains("none of the registries you use"), arguments.contains(&"--yes"), "{said}");
    }
    let heard = planted.heard();
    assert!(heard.contains("/download") && !heard.to_ascii_lowercase().contains("authorization"), "{heard}");
    machine.write(".aam/aam-lock.yaml", &mine);
    machine.ok(&["install", "--locked"]);
}

#[test]
fn a_link_of_the_users_own_is_followed_where_no_repository_brought_it() {
    let server = Server::start();
    let machine = with_hooks(&server);
    let install = ["install", "@acme/evil", "--platform", "claude", "--global"];
    // As people keep their dotfiles.
    let dotfiles = machine.user().join("dotfiles/claude-skills");
    fs::create_dir_all(&dotfiles).expect("folder");
    fs::create_dir_all(machine.user().join("dotfiles/.git")).expect("folder");
    fs::create_dir(machine.user().join(".claude")).expect("folder");
    let link = machine.user().join(".claude/skills");
    symlink(&dotfiles, &link).expect("link");
    machine.ok(&install);
    assert!(dotfiles.join("hooks/SKILL.md").exists());
    machine.ok(&["uninstall", "@acme/evil", "--global"]);
    assert!(!dotfiles.join("hooks").exists() && dotfiles.exists());

    // One that lies in a repository may have come with it, as may one behind the first.
    let outside = machine.other("outside");
    symlink(&outside, dotfiles.join("hooks")).expect("link");
    assert_eq!(machine.fails(5, &install)["error"], "link_in_the_way");
    fs::remove_file(dotfiles.join("hooks")).expect("removed");
    fs::create_dir(machine.user().join(".git")).expect("folder");
    assert_eq!(machine.fails(5, &install)["error"], "link_in_the_way");
    assert_eq!(fs::read_dir(&outside).expect("folder").count(), 0);
    assert_eq!(fs::read_dir(&dotfiles).expect("folder").count(), 0);
}

#[test]
fn no_file_that_is_named_on_the_command_line_is_written_through_a_link_of_the_repository() {
    let server = Server::start();
    let machine = with_hooks(&server);
    machine.init("@acme/notes", "notes");
    let project = machine.project();
    let hooks = project.join(".git/hooks");
    fs::create_dir_all(&hooks).expect("folder");
    for link in ["dist", "new"] {
        symlink(".git/hooks", project.join(link)).expect("link");
    }
    let absolute = project.join("dist");
    let absolute = absolute.to_str().expect("text");
    for (arguments, code) in [
        (&["pkg", "pack", "notes", "--output", "dist"][..], "link_in_the_way"),
        (&["pkg", "pack", "notes", "--output", "dist/post-checkout.aam"], "link_in_the_way"),
        (&["pkg", "pack", "notes", "--output", absolute], "link_in_the_way"),
        (&["pkg", "pack", "notes", "--output", "notes/../new"], "link_in_the_way"),
        (&["pkg", "pack", "notes", "--output", ".git/hooks"], "inside_git"),
        (&["download", "@acme/evil", "--output", "dist"], "link_in_the_way"),
        (&["download", "@acme/evil", "--output", "dist/post-checkout"], "link_in_the_way"),
        (&["download", "@acme/evil", "--output", absolute], "link_in_the_way"),
        (&["download", "@acme/evil", "--output", ".GIT/x"], "inside_git"),
        (&["pkg", "init", "new"], "link_in_the_way"),
        (&["pkg", "init", "@acme/x", "--folder", "dist/x"], "link_in_the_way"),
        (&["pkg", "init", "@acme/x", "--folder", ".git"], "inside_git"),
        (&["pkg", "create", "dist", "--all", "--name", "x"], "link_in_the_way"),
        (&["-C", "dist", "install", "@acme/evil"], "inside_git"),
        (&["-C", ".git", "install", "@acme/evil"], "inside_git"),
    ] {
        let error = machine.fails(5, arguments);
        assert_eq!(error["error"], code, "{arguments:?}: {error}");
        assert_eq!(fs::read_dir(&hooks).expect("folder").count(), 0, "{arguments:?}");
    }

    // Outside of repositories an absolute path is the person's own, and so are its links.
    let (real, mine) = (machine.other("real"), machine.user().join("mine"));
    symlink(&real, &mine).expect("link");
    let mine = mine.to_str().expect("text");
    machine.ok(&["pkg", "pack", "notes", "--output", mine]);
    machine.ok(&["download", "@acme/evil", "--output", &format!("{mine}/evil.aam")]);
    machine.ok(&["pkg", "init", "@acme/x", "--folder", &format!("{mine}/x")]);
    let mut there: Vec<_> = fs::read_dir(&real).expect("folder").flatten().map(|entry| entry.file_name()).collect();
    there.sort();
    assert_eq!(there, ["acme-notes-0.1.0.aam", "evil.aam", "x"]);
    machine.ok(&["pkg", "pack", "notes", "--output", "out"]);
    assert!(machine.has("out/acme-notes-0.1.0.aam"));
}

#[test]
fn a_device_or_pipe_that_is_named_is_not_replaced_by_a_file() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    let pipe = machine.user().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let link = machine.user().join("stdout");
    symlink(&pipe, &link).expect("link");
    for path in [&pipe, &link] {
        let path = path.to_str().expect("text");
        let error = machine.fails(5, &["download", "greet-kit", "--output", path]);
        assert_eq!(error["error"], "files_in_the_way", "{error}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("no regular file")), "{error}");
    }
    assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    assert!(!fs::metadata(&pipe).expect("there").is_file());
}
