//! Packages that no `aam` looked at before they were published, as with curl.

use std::{
    fmt::Write as _,
    io::{Read, Write},
    net::TcpStream,
};

use aam_registry_core::archive::{self, PackContents, PackEntry};
use serde_saphyr::from_str;

use crate::{golden::shown, machine::Machine, server::Server};

const PLATFORMS: [&str; 9] =
    ["claude", "cursor", "copilot", "codex", "gemini", "opencode", "windsurf", "kiro", "agents"];

/// Publishes a package without `aam`.
pub(crate) fn publish(server: &Server, machine: &Machine, name: &str, artifacts: &str, files: &[(&str, &str)]) {
    let manifest = format!("name: '{name}'\nversion: 1.0.0\ndescription: d\nartifacts:\n{artifacts}");
    let entry = |(path, text): &(&str, &str)| PackEntry {
        path: (*path).to_owned(),
        executable: false,
        contents: PackContents::Bytes(text.as_bytes().to_vec()),
    };
    let entries = files.iter().chain(&[("aam.yaml", &*manifest)]).map(entry).collect();
    let mut archive = Vec::new();
    archive::pack(entries, &mut archive).expect("packs");
    let answer = send(server, machine, &archive);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

/// Sends an archive without `aam`; the whole answer.
pub(crate) fn send(server: &Server, machine: &Machine, archive: &[u8]) -> String {
    let token = machine.ok(&["token", "create", "ci", "--quiet"]);
    let mut body =
        b"--x\r\ncontent-disposition: form-data; name=\"archive\"; filename=\"a.aam\"\r\ncontent-type: application/octet-stream\r\n\r\n".to_vec();
    body.extend(archive);
    body.extend(b"\r\n--x--\r\n");
    let head = format!(
        "POST /api/v1/packages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: multipart/form-data; \
         boundary=x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        token.trim(),
        body.len()
    );
    let mut client = TcpStream::connect(server.address).expect("connected");
    client.write_all(&[head.as_bytes(), &body].concat()).expect("sent");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("answered");
    answer
}

/// Agents whose front matter no tool reads as it was meant.
const BROKEN: [(&str, &str); 9] = [
    ("comment", "<!-- c -->\n---\ntools: Read\n---\nYou help.\n"),
    ("indented", "  ---\ntools: Read\n---\nYou help.\n"),
    ("unclosed", "---\ntools: Read\n\nYou help.\n"),
    ("dots", "---\ntools: Read\n...\nYou help.\n"),
    ("bracket", "---\nname: x\ntools: [Read\n---\nYou help.\n"),
    ("swallowed", "---\nname: x\ndescription: one: two\n  tools: Read\n---\nYou help.\n"),
    ("glued", "---\nname: x\ntools:Read\n---\nYou help.\n"),
    ("twice", "---\nname: x\ntools: Read\nTools: Read, Bash\n---\nYou help.\n"),
    ("stranger", "---\nname: x\nexclude-tools: Bash\n---\nYou help.\n"),
];

fn agents(files: &[(&str, &str)]) -> (String, Vec<(String, String)>) {
    let line = |name: &str| format!("    - {{name: {name}, path: agents/{name}.md, description: d}}\n");
    let artifacts = format!("  agents:\n{}", files.iter().map(|(name, _)| line(name)).collect::<String>());
    (artifacts, files.iter().map(|(name, text)| (format!("agents/{name}.md"), (*text).to_owned())).collect())
}

fn pairs(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(path, text)| (&**path, &**text)).collect()
}

#[test]
fn agents_whose_front_matter_cannot_be_read_are_not_installed_anywhere() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let (mut artifacts, files) = agents(&BROKEN);
    artifacts.push_str("  instructions:\n    - {name: i, path: i.md, description: d}\n");
    let mut files = pairs(&files);
    files.push(("i.md", "Be kind.\n"));
    publish(&server, &machine, "@acme/broken", &artifacts, &files);
    let report = machine.json(&["install", "@acme/broken", "--platform", &PLATFORMS.join(",")]);
    let remarks = report["remarks"].to_string();
    assert!(!shown(&machine.project()).contains("You help."), "{}", shown(&machine.project()));
    for platform in PLATFORMS {
        for (name, _) in BROKEN {
            let told = format!("{platform}: the agent {name} of @acme/broken is not installed: ");
            assert!(remarks.contains(&told), "{told}: {remarks}");
        }
    }
}

#[test]
fn such_agents_are_refused_before_they_are_published() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    // Two that only some tools read otherwise are warned of.
    for (name, text) in BROKEN.iter().filter(|(name, _)| !["twice", "stranger"].contains(name)) {
        machine.write("aam.yaml", &format!(
            "name: '@acme/one'\nversion: 1.0.0\ndescription: d\nartifacts:\n  agents:\n    - {{name: {name}, path: a.md, \
             description: d}}\n"
        ));
        machine.write("a.md", text);
        let error = machine.fails(8, &["pkg", "validate"]);
        let field = error["details"][0]["field"].as_str().expect("text");
        assert!(field.starts_with("a.md:"), "{name}: {error}");
    }
    machine.write("a.md", "---\nname: stranger\ntools: Read, Bash\nmcpServers: [github]\n---\nYou help.\n");
    let told = machine.json(&["pkg", "validate"])["warnings"].to_string();
    assert!(told.contains("cannot be installed for") && told.contains("codex") && !told.contains("claude,"), "{told}");
    assert!(told.contains("names the MCP server github"), "{told}");
}

#[test]
fn skills_that_tools_may_not_load_are_named() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let artifacts = "  skills:\n    - {name: a, path: a, description: d}\n    - {name: b, path: b, description: d}\n";
    let files = [("a/SKILL.md", "---\nname: a\ndescription: one: two\n---\nx\n"), ("b/SKILL.md", "Just text.\n")];
    publish(&server, &machine, "@acme/skills", artifacts, &files);
    let report = machine.json(&["install", "@acme/skills", "--platform", "claude,codex"]);
    assert_eq!(
        report["remarks"],
        serde_json::json!([
            "the skill a of @acme/skills may not load: its SKILL.md has front matter that is no YAML",
            "the skill b of @acme/skills may not load: its SKILL.md has no front matter that is closed"
        ])
    );
}

#[test]
fn every_front_matter_that_is_written_is_yaml() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let heads = [
        ("servers", "mcpServers:\n  - docs:\n      command: docs-mcp\n  - github\n"),
        ("hint", "argument-hint: [issue-number] [priority]\n"),
        ("list", "Allowed-Tools: Read Grep\nwhen: Use it: often\n"),
        ("odd", "color: @blue\nskills: *all\nmemory: {a: \"\\u0085\"\nmodel: \"opus\n"),
        ("anchors", "color: &x blue\neffort: *x\n"),
        ("plain", "description: one: two\nbackground: true # yes\nhooks:\n  Stop: []\n"),
        ("braces", "{name: x, tools: [Read], color: blue}\n"),
    ];
    let texts: Vec<_> = heads.iter().map(|(name, head)| (*name, format!("\n---\t\n{head}--- \nYou help.\n"))).collect();
    let texts: Vec<_> = texts.iter().map(|(name, text)| (*name, &**text)).collect();
    let (mut artifacts, mut files) = agents(&texts);
    for kind in ["prompts", "instructions"] {
        let _ = writeln!(artifacts, "  {kind}:");
        for (name, text) in &texts {
            let path = format!("{kind}/{name}.md");
            let _ = writeln!(artifacts, "    - {{name: {name}-{kind}, path: {path}, description: 'a: \"b\"'}}");
            files.push((path, (*text).to_owned()));
        }
    }
    publish(&server, &machine, "@acme/odd", &artifacts, &pairs(&files));
    machine.ok(&["install", "@acme/odd", "--platform", &PLATFORMS.join(",")]);
    let mut read = 0;
    for part in shown(&machine.project()).split("=== ").skip(1) {
        let (path, text) = part.split_once('\n').expect("a path");
        // Cursor reads its rules line by line.
        let Some(rest) = text.strip_prefix("---\n").filter(|_| !path.contains(".cursor/rules/")) else { continue };
        let (head, _) = rest.split_once("\n---\n").unwrap_or_else(|| panic!("{path}: not closed: {text}"));
        let map: Result<serde_json::Map<String, serde_json::Value>, _> = from_str(head);
        map.unwrap_or_else(|error| panic!("{path}: {error}\n{text}"));
        read += 1;
    }
    assert!(read > 60, "{read}");
    let servers = machine.read(".claude/agents/servers.md");
    assert!(servers.contains("mcpServers: [{\"docs\":{\"command\":\"docs-mcp\"}},\"github\"]"), "{servers}");
    assert!(machine.read(".claude/commands/hint-prompts.md").contains("argument-hint: \"[issue-number] [priority]\""));
    assert!(machine.read(".claude/agents/list.md").contains("tools: Read, Grep, Glob\n"));
}

#[test]
fn what_acts_on_the_machine_is_said_in_one_line_a_package() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let head = "permissionMode: bypassPermissions\nhooks:\n  Stop: [{command: x}]\nmcpServers:\n  - docs: {command: docs-mcp}\n";
    let (artifacts, files) = agents(&[("helper", &format!("---\n{head}---\nYou help.\n"))]);
    publish(&server, &machine, "@acme/acts", &artifacts, &pairs(&files));
    let report = machine.json(&["install", "@acme/acts", "--platform", "claude"]);
    let warnings = report["warnings"].as_array().expect("a list");
    assert_eq!(warnings.len(), 1, "{report}");
    for part in ["@acme/acts acts on this machine", "by its hooks", "`docs-mcp`", "`permissionMode: bypassPermissions`"]
    {
        assert!(warnings[0].as_str().is_some_and(|text| text.contains(part)), "{part}: {report}");
    }
    assert_eq!(machine.json(&["install"])["warnings"], serde_json::json!([]), "once, when it comes");
}

#[test]
fn what_acts_on_the_machine_is_shown_before_it_is_installed() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let artifacts = "  agents:\n    - {name: helper, path: agents/helper.md, description: d}\n    - {name: old, path: agents/old, \
                     description: d}\n  prompts:\n    - {name: state, path: p.md, description: d}\n  skills:\n    - {name: s, \
                     path: s, description: d}\n    - {name: quiet, path: quiet/SKILL.md, description: d}\n";
    let head = "permissionMode: bypassPermissions\nhooks:\n  Stop: [{command: x}]\n";
    let files = [
        ("agents/helper.md", &*format!("---\nname: helper\ndescription: d\n{head}---\nYou help.\n")),
        ("agents/old/agent.yaml", "name: old\nsystem_prompt: p.md\nmcpServers:\n  - docs: {command: docs-mcp}\n"),
        ("agents/old/p.md", "You help.\n"),
        ("p.md", "State: !`git status`\n"),
        ("s/SKILL.md", "---\nname: s\ndescription: d\n---\nNow: !`date`\n"),
        ("quiet/SKILL.md", "---\nname: quiet\ndescription: d\n---\nx\n"),
    ];
    publish(&server, &machine, "@acme/acts", artifacts, &files);
    let acting = |arguments: &[&str]| {
        let shown = machine.ok(arguments);
        let lines: Vec<_> = shown.lines().filter(|line| line.starts_with("  acts ")).map(str::to_owned).collect();
        lines.join("\n")
    };
    let shown = acting(&["info", "@acme/acts"]);
    insta::assert_snapshot!("acts", shown);
    assert_eq!(acting(&["info", "@acme/acts@1.0.0"]), shown);

    assert_eq!(acting(&["info", "@acme/acts", "--all"]), shown);

    // The last of them is not looked at by itself.
    let names: Vec<_> = (10..40).map(|at| format!("n{at}")).collect();
    let text = |name: &str| format!("---\ndescription: d\nhooks: {{Stop: [{{command: {name}}}]}}\n---\nYou help.\n");
    let texts: Vec<_> = names.iter().map(|name| text(name)).collect();
    let many: Vec<_> = names.iter().zip(&texts).map(|(name, text)| (&**name, &**text)).collect();
    let (artifacts, files) = agents(&many);
    publish(&server, &machine, "@acme/many", &artifacts, &pairs(&files));
    let said = acting(&["info", "@acme/many"]);
    let rest =
        "not looked at: 6 of 30 artifacts, from the agent n34 on; look at all with `aam info @acme/many@1.0.0 --all`";
    assert_eq!(said.lines().last(), Some(&*format!("  acts         {rest}")), "{said}");
    assert_eq!(said.lines().filter(|line| line.ends_with("runs commands by its hooks")).count(), 24, "{said}");
    for package in ["@acme/many", "@acme/many@1.0.0"] {
        let said = acting(&["info", package, "--all"]);
        assert_eq!(said.lines().filter(|line| line.ends_with("runs commands by its hooks")).count(), 30, "{said}");
    }
    let output = machine.run(&["info", "@acme/many", "--all", "--max", "download=10"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("one command downloads at most 10 bytes"), "{said}");
}

#[test]
fn other_bytes_than_the_lock_file_has_are_refused_and_it_stays() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    machine.ok(&["install", "greet-kit@^1.1", "--platform", "claude"]);
    let lock = machine.read(".aam/aam-lock.yaml");
    let digest = lock.split("sha256: ").nth(1).and_then(|rest| rest.lines().next()).expect("a digest").to_owned();
    let changed = lock.replace(&digest, &format!("\"{}\"", "0".repeat(64)));
    machine.write(".aam/aam-lock.yaml", &changed);
    for arguments in [
        &["install", "greet-kit"][..],
        &["install", "greet-kit@1.1.0", "--force"],
        &["install", "@acme/review-suite"],
        &["install"],
        &["install", "--locked"],
        &["update"],
        &["update", "greet-kit"],
    ] {
        let error = machine.fails(7, arguments);
        assert!(error["message"].as_str().is_some_and(|text| text.contains("greet-kit")), "{arguments:?}: {error}");
        assert_eq!(machine.read(".aam/aam-lock.yaml"), changed, "{arguments:?}");
    }
}

#[test]
fn update_tells_of_installed_versions_that_are_yanked() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    machine.ok(&["install", "greet-kit@1.1.0", "--platform", "claude"]);
    assert_eq!(machine.json(&["update"])["warnings"], serde_json::json!([]));
    machine.ok(&["yank", "greet-kit@1.1.0", "--reason", "oops"]);
    assert_eq!(machine.json(&["update"])["warnings"], serde_json::json!(["greet-kit 1.1.0 is yanked: oops"]));
}
