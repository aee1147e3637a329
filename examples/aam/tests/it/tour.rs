//! What a newcomer does in the first five minutes.

use crate::server::Server;

#[test]
fn a_package_and_its_dependencies_are_installed_and_leave_without_a_trace() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    machine.write("AGENTS.md", "# My project\n\nBe kind.");
    machine.write("src/main.py", "print()\n");
    let before = machine.snapshot();

    machine.ok(&["install", "@my_org/style-guide", "--platform", "claude,cursor,codex"]);

    let names: Vec<_> =
        machine.json(&["list"]).as_array().expect("list").iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, ["@acme/review-suite", "@my_org/style-guide", "greet-kit"]);
    assert!(machine.has(".claude/skills/hello-skill/scripts/hello.sh"));
    assert!(machine.has(".agents/skills/code-review/references/CHECKLIST.md"));
    assert!(machine.has(".claude/commands/explain.md") && machine.has(".cursor/commands/review-diff.md"));
    assert!(machine.read(".claude/agents/reviewer.md").contains("You are a careful code reviewer."));
    assert!(machine.has(".aam/packages/@my_org/style-guide/aam.yaml"));
    let text = machine.read("AGENTS.md");
    assert!(text.starts_with("# My project\n\nBe kind.\n\n<!-- BEGIN AAM: "), "{text}");
    assert!(text.contains("<!-- END AAM: python-style instruction -->"), "{text}");

    let again = machine.snapshot();
    machine.ok(&["install", "@my_org/style-guide", "--platform", "claude,cursor,codex"]);
    assert_eq!(machine.snapshot(), again, "installing again changes nothing");

    machine.ok(&["uninstall", "@my_org/style-guide"]);
    assert_eq!(machine.snapshot(), before);
}

#[test]
fn packages_are_found_and_shown() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    assert_eq!(machine.json(&["search", "greeting"])["packages"][0]["name"], "greet-kit");
    assert!(machine.ok(&["search", "review"]).contains("@acme/review-suite"));
    assert_eq!(machine.json(&["info", "greet-kit"])["latest_version"], "1.1.0");
    let shown = machine.ok(&["info", "@acme/review-suite@^2"]);
    assert!(shown.contains("needs        greet-kit ^1.0.0") && shown.contains("MIT"), "{shown}");
    assert_eq!(machine.fails(4, &["info", "no-such-package"])["error"], "package_not_found");
    assert_eq!(machine.fails(4, &["info", "greet-kit@9.9.9"])["error"], "version_not_found");
}
