//! Versions that moderators took away.

use crate::server::Server;

#[test]
fn a_recalled_version_is_told_and_comes_in_by_force_alone() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let rule = "  instructions:\n    - {name: rule, path: r.md, description: d}\n";
    machine.publish("@acme/rule", "1.0.0", rule, &[("r.md", "A rule.\n")]);
    let folder = machine.user().join("packages/_acme_rule-1.0.0");
    let folder = folder.to_str().expect("text");
    machine.ok(&["install", "@acme/rule@1.0.0", "--platform", "claude"]);
    server.make_moderator("alice");
    machine.ok(&["quarantine", "@acme/rule@1.0.0", "--category", "malware", "--reason", "it steals"]);

    let report = machine.json(&["install"]);
    let recalled = "@acme/rule 1.0.0 was recalled: it steals (malware)";
    assert!(report["warnings"].to_string().contains(recalled), "{report}");
    let audit = machine.fails(9, &["audit"]);
    let advice = audit["help"].as_str().expect("advice");
    assert!(advice.contains("`aam uninstall <PACKAGE>`") && !advice.contains("aam update"), "{audit}");

    // A clone brings the lock file alone; its moderator may have the archive, and has to say that they want it.
    let lock = machine.read(".aam/aam-lock.yaml");
    machine.ok(&["uninstall", "@acme/rule"]);
    machine.write(".aam/aam-lock.yaml", &lock);
    for arguments in [&["install"][..], &["install", "--locked"]] {
        let refused = machine.fails(9, arguments);
        assert_eq!(refused["error"], "quarantined", "{refused}");
        assert!(!machine.has(".claude"));
    }
    machine.ok(&["install", "--force"]);
    assert!(machine.has(".claude/rules/rule.md"));

    // The same bytes again are not published, and that is said.
    let refused = machine.fails(3, &["pkg", "publish", folder]);
    assert!(refused["message"].as_str().is_some_and(|text| text.contains("is in quarantine")), "{refused}");
    machine.ok(&["quarantine", "@acme/rule@1.0.0", "--remove"]);
    let refused = machine.fails(4, &["pkg", "publish", folder]);
    assert_eq!(refused["error"], "version_gone", "{refused}");
    assert_eq!(refused["help"], "raise the version in aam.yaml", "{refused}");
}
