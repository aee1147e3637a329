//! What a package carries from one tool's form to another's, and what it says it does not.

use std::{fs, os::unix::fs::symlink};

use crate::{
    create::{not_taken, skill},
    machine::Machine,
    server::Server,
};

#[test]
fn packages_that_are_there_already_keep_their_names_to_themselves() {
    let machine = Machine::new();
    machine.write("one/review/SKILL.md", &skill("review"));
    machine.write("two/review/SKILL.md", &skill("review").replace("Do it", "Do it otherwise"));
    let each = ["pkg", "create", "--all", "--each", "--name", "@acme"];
    let first = machine.json(&each);
    assert_eq!(first["packages"].as_array().map(Vec::len), Some(1), "{first}");
    let told = "two/review: would be another package called @acme/review, as one/review is; make it by itself, with \
                --name";
    assert_eq!(not_taken(&first), [told]);
    for _ in 0..2 {
        let again = machine.fails(8, &each);
        insta::assert_snapshot!("each_again", serde_json::to_string_pretty(&again).expect("text"));
        assert!(!machine.has("two/review/aam.yaml"));
    }
    // One that is made later of the same scope, too.
    machine.write("three/notes/SKILL.md", &skill("notes"));
    let third = machine.json(&each);
    assert_eq!(third["packages"][0]["name"], "@acme/notes");
    assert_eq!(third["packages"].as_array().map(Vec::len), Some(1));

    // A package of everything is another one than those below it, and says that it holds them.
    machine.fails(2, &["pkg", "create", "--all", "--name", "@acme/notes"]);
    let output = machine.run(&["pkg", "create", "--all", "--name", "@acme/all"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let expected = "one/review/aam.yaml: is the package @acme/review already; what lies there goes into this package, \
                    too; 1 more below are packages already, too";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn a_link_that_leads_in_a_circle_is_skipped_and_told_once() {
    let machine = Machine::new();
    let project = machine.project();
    machine.write("skills/good/SKILL.md", &skill("good"));
    // Without a rule of its own for links.
    machine.write(".aamignore", "# Nothing.\n");
    symlink("loop", project.join("loop")).expect("link");
    symlink("b", project.join("skills/good/a")).expect("link");
    symlink("a", project.join("skills/good/b")).expect("link");
    symlink("..", project.join("skills/good/up")).expect("link");
    let report = machine.json(&["pkg", "create", "--all", "--name", "@acme/x"]);
    let circle = "is a link that leads in a circle; it is skipped";
    let expected = ["loop", "skills/good/a", "skills/good/b", "skills/good/up"].map(|path| format!("{path}: {circle}"));
    assert_eq!(not_taken(&report), expected);
    assert_eq!(report["packages"][0]["artifacts"][0]["name"], "good");
    assert_eq!(machine.json(&["pkg", "validate"])["valid"], true);
    let packed = machine.json(&["pkg", "publish", "--dry-run"]).to_string();
    assert!(packed.contains("a link that leads in a circle"), "{packed}");

    // A link whose file is not there is another matter, and is told once as well.
    symlink("nowhere", project.join("skills/good/gone")).expect("link");
    fs::remove_file(project.join("aam.yaml")).expect("removed");
    let error = machine.fails(8, &["pkg", "create", "--all", "--name", "@acme/x"]);
    assert_eq!(error.to_string().matches("skills/good/gone").count(), 1, "{error}");
}

#[test]
fn what_a_plugin_declares_and_no_package_holds_is_said() {
    let machine = Machine::new();
    machine.write(
        "plugin/.claude-plugin/plugin.json",
        r#"{"name": "kit", "version": "1.0.0", "description": "A kit",
            "mcpServers": {"github": {"command": "x"}, "jira": {"command": "y"}},
            "hooks": {"PostToolUse": []}, "lspServers": {"go": {"command": "gopls"}},
            "outputStyles": "./styles/", "userConfig": {"token": {"type": "string"}}, "future": {"a": 1},
            "commands": {"ship": {"source": "./extra/README.md"}, "inline": {"content": "Do."}},
            "agents": ["../outside.md", "./agents", "./missing"], "skills": "./skills/"}"#,
    );
    machine.write("plugin/extra/README.md", "Ship $ARGUMENTS.\n");
    machine.write("plugin/agents/critic.md", "---\nname: critic\ndescription: Criticises\n---\nYou criticise.\n");
    machine.write("plugin/output-styles/brief.md", "---\nname: brief\n---\nBe brief.\n");
    machine.write("plugin/commands/gemini.toml", "prompt = \"x\"\n");
    machine.write("outside.md", "---\ndescription: d\n---\nYou.\n");
    let report = machine.json(&["pkg", "create", "plugin", "--all"]);
    insta::assert_snapshot!("plugin_not_taken", not_taken(&report).join("\n"));
    let taken: Vec<_> =
        report["packages"][0]["artifacts"].as_array().expect("a list").iter().map(|one| one["name"].clone()).collect();
    assert_eq!(taken, ["critic", "ship"], "a command is called as the plugin calls it");

    // Settings in files of their own are told where they lie.
    machine.write(
        "files/.claude-plugin/plugin.json",
        r#"{"name": "files", "mcpServers": "./servers.json", "hooks": "./hooks/hooks.json"}"#,
    );
    for path in ["files/servers.json", "files/hooks/hooks.json"] {
        machine.write(path, "{}");
    }
    machine.write("files/commands/go.md", "Go.\n");
    machine.write("broken/.claude-plugin/plugin.json", "{\"name\": ");
    machine.write("broken/commands/go.md", "Go.\n");
    let told = |folder: &str| not_taken(&machine.json(&["pkg", "create", folder, "--all", "--name", "@acme/x"]));
    let files = told("files");
    assert_eq!(files.len(), 2, "{files:?}");
    assert!(
        files[0].starts_with("hooks/hooks.json: hooks run") && files[1].starts_with("servers.json: packages set up")
    );
    let broken = told("broken");
    assert!(broken[0].starts_with(".claude-plugin/plugin.json: is no JSON ("), "{broken:?}");
}

#[test]
fn a_marketplace_says_where_the_plugins_lie_that_are_not_taken() {
    let machine = Machine::new();
    machine.write(
        ".claude-plugin/marketplace.json",
        r#"{"name": "m", "owner": {"name": "Team"}, "metadata": {"pluginRoot": "./plugins"}, "plugins": [
            {"name": "here", "source": "here", "mcpServers": {"db": {}}},
            {"name": "hub", "source": {"source": "github", "repo": "a/b", "ref": "v1"}},
            {"name": "sub", "source": {"source": "git-subdir", "url": "https://git.example/x.git", "path": "p/q"}},
            {"name": "package", "source": {"source": "npm", "package": "@a/b", "version": "^2"}},
            {"name": "address", "source": "https://git.example/y.git"},
            {"name": "above", "source": "../above"}, {"name": "gone", "source": "./gone"}, {"name": "unsaid"}]}"#,
    );
    machine.write(
        ".agents/plugins/marketplace.json",
        r#"{"name": "m", "plugins": [{"name": "local", "source": {"source": "local", "path": "./plugins/local"}},
            {"name": "root", "source": {"source": "url", "url": "./"}}]}"#,
    );
    machine.write("plugins/here/commands/go.md", "Go.\n");
    machine.write("plugins/local/commands/run.md", "Run.\n");
    let report = machine.json(&["pkg", "create", "--all", "--name", "@acme/x"]);
    insta::assert_snapshot!("marketplace_elsewhere", not_taken(&report).join("\n"));
    assert_eq!(report["packages"][0]["artifacts"].as_array().map(Vec::len), Some(2), "{report}");
}

#[test]
fn a_variable_of_plugins_is_said_at_create_at_validate_and_at_install() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    machine.write("commands/eval.md", "---\ndescription: d\n---\nRun\n`cd ${CLAUDE_PLUGIN_ROOT} && make`\n");
    machine.write("skills/good/SKILL.md", &skill("good"));
    machine.write("skills/good/scripts/run.sh", "#!/bin/sh\nexec \"$CLAUDE_PLUGIN_ROOT/x\"\n");
    let created = machine.json(&["pkg", "create", "--all", "--name", "@acme/x"])["packages"][0]["warnings"].to_string();
    let validated = machine.json(&["pkg", "validate"])["warnings"].to_string();
    for said in [created, validated] {
        assert!(said.contains("commands/eval.md:5") && said.contains("skills/good/scripts/run.sh:2"), "{said}");
    }
    machine.ok(&["pkg", "publish", "--yes"]);
    let elsewhere = machine.other("elsewhere");
    let elsewhere = elsewhere.to_str().expect("text");
    let report = machine.json(&["-C", elsewhere, "install", "@acme/x", "--platform", "claude,codex"]);
    let told = "the prompt eval of @acme/x names `CLAUDE_PLUGIN_ROOT`, which tools set for plugins only, so it leads \
                nowhere here";
    assert_eq!(report["remarks"], serde_json::json!([told]));
}

#[test]
fn prompts_are_in_each_tools_words_and_what_it_does_not_fill_in_is_said() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let fix = "---\ndescription: Fixes\nargument-hint: \"[issue] [branch]\"\nallowed-tools: Bash(git:*)\nmodel: sonnet\n\
               ---\nFix $1 on $2.\n!`git log $2`\nSee @docs/rules.md.\n";
    let review = "---\nmode: agent\n---\nReview ${input:what}, see #file:docs/rules.md.\n";
    let asked = skill("asked").replace("Do it.", "Do $ARGUMENTS.\n\n!`git status`");
    machine.publish(
        "@acme/words",
        "1.0.0",
        "  skills:\n    - {name: asked, path: skills/asked}\n  prompts:\n    - {name: fix, path: commands/fix.md}\n    - \
         {name: review, path: prompts/review.prompt.md}\n    - {name: sum, path: prompts/sum.md}\n",
        &[
            ("skills/asked/SKILL.md", &asked),
            ("commands/fix.md", fix),
            ("prompts/review.prompt.md", review),
            ("prompts/sum.md", "Sum up {{text}}.\n"),
        ],
    );
    let mut told = String::new();
    for platform in ["claude", "cursor", "copilot", "codex", "gemini", "opencode", "windsurf", "kiro", "agents"] {
        let project = machine.other(platform);
        let report =
            machine.json(&["-C", project.to_str().expect("text"), "install", "@acme/words", "--platform", platform]);
        for list in ["remarks", "warnings"] {
            for line in report[list].as_array().expect("a list") {
                told.push_str(line.as_str().expect("text"));
                told.push('\n');
            }
        }
    }
    insta::assert_snapshot!("prompts_told", told);
    let read = |path: &str| fs::read_to_string(machine.user().join(path)).expect("installed");
    for (path, parts) in [
        ("claude/.claude/commands/fix.md", &["Fix $1 on $2.\n!`git log $2`\nSee @docs/rules.md.", "model: sonnet"][..]),
        ("claude/.claude/commands/review.md", &["Review $ARGUMENTS, see @docs/rules.md."]),
        ("claude/.claude/commands/sum.md", &["Sum up $ARGUMENTS."]),
        (
            "copilot/.github/prompts/fix.prompt.md",
            &["Fix ${input:argument1} on ${input:argument2}.\n", "See [docs/rules.md](../../docs/rules.md)."],
        ),
        ("copilot/.github/prompts/review.prompt.md", &["Review ${input:what}, see #file:docs/rules.md."]),
        ("gemini/.gemini/commands/fix.toml", &["!{git log $2}", "@{docs/rules.md}"]),
        ("gemini/.gemini/commands/review.toml", &["Review {{args}}, see @{docs/rules.md}."]),
        ("opencode/.opencode/commands/fix.md", &["Fix $1 on $2.\n!`git log $2`\nSee @docs/rules.md."]),
        ("opencode/.opencode/commands/review.md", &["Review $ARGUMENTS, see @docs/rules.md."]),
        ("cursor/.cursor/commands/fix.md", &["Fix $1 on $2.\n!`git log $2`\n"]),
        ("codex/.agents/skills/fix/SKILL.md", &["Fix $1 on $2.\n!`git log $2`\n"]),
    ] {
        for part in parts {
            assert!(read(path).contains(part), "{path}: {}", read(path));
        }
    }
    assert_eq!(read("claude/.claude/skills/asked/SKILL.md"), asked, "skills stay as they are");
}

#[test]
fn an_instruction_with_markers_is_found_before_it_is_published_and_installs_nowhere_by_half() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    machine.write("skills/good/SKILL.md", &skill("good"));
    machine.write("instructions/tone.md", "Be brief.\n\n<!-- END AAM: tone instruction -->\nMore.\n");
    machine.write("instructions/fine.md", "Write `BEGIN AAM` in notes.\n");
    let report = machine.json(&["pkg", "create", "--all", "--name", "@acme/x"]);
    assert!(not_taken(&report)[0].starts_with("instructions/tone.md:3: holds `<!-- BEGIN AAM:`"), "{report}");
    let manifest = machine.read("aam.yaml");
    let tone = "    - {name: tone, path: instructions/tone.md}\n";
    machine.write("aam.yaml", &manifest.replace("  instructions:\n", &format!("  instructions:\n{tone}")));
    machine.write(".aamignore", "");
    for arguments in [&["pkg", "validate"][..], &["pkg", "pack"], &["pkg", "publish", "--yes"]] {
        let error = machine.fails(8, arguments);
        assert_eq!(error["details"][0]["field"], "instructions/tone.md:3", "{error}");
        assert!(error["details"][0]["error"].as_str().is_some_and(|text| text.contains("remove the line")), "{error}");
    }
    let described = "    - {name: tone, path: instructions/fine.md, description: '<!-- BEGIN AAM: x -->'}\n";
    machine.write("aam.yaml", &manifest.replace("  instructions:\n", &format!("  instructions:\n{described}")));
    let error = machine.fails(8, &["pkg", "validate"]);
    assert!(error.to_string().contains("its description in aam.yaml holds"), "{error}");
}

#[test]
fn an_install_says_which_instruction_with_markers_stops_it_and_where_it_can_go() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let artifacts = "  instructions:\n    - {name: tone, path: tone.md, description: d}\n    - {name: fine, path: fine.md, \
                     description: d}\n";
    let marked = "Be brief.\n\n<!-- END AAM: tone instruction -->\nMore.\n";
    let files = [("tone.md", marked), ("fine.md", "Be kind.\n")];
    crate::unseen::publish(&server, &machine, "@acme/marked", artifacts, &files);
    let before = machine.snapshot();
    let error = machine.fails(8, &["install", "@acme/marked", "--platform", "claude,codex"]);
    insta::assert_snapshot!("marked", format!("error: {}\nhelp: {}", error["message"], error["help"]));
    assert_eq!(machine.snapshot(), before, "nothing was written");
    machine.ok(&["install", "@acme/marked", "--platform", "claude"]);
    assert!(machine.read(".claude/rules/tone.md").contains("END AAM"), "a file of its own needs no markers");
}
