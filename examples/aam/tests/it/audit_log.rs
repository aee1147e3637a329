//! Reading the audit log.

use crate::server::Server;

#[test]
fn owners_read_what_happened_to_their_package() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    machine.init("@alice/notes", ".");
    machine.ok(&["pkg", "publish"]);
    machine.ok(&["yank", "@alice/notes@0.1.0", "--reason", "broken"]);
    let log = machine.json(&["audit-log", "@alice/notes"]);
    let events: Vec<_> = log["entries"].as_array().expect("entries").iter().map(|entry| &entry["event"]).collect();
    assert_eq!(events, ["version.yank", "package.publish"], "{log}");
    let text = machine.ok(&["audit-log", "@alice/notes", "--limit", "1"]);
    assert!(text.contains("version.yank  alice  @alice/notes@0.1.0\n1 of 2 entries; --page shows others"), "{text}");

    let refused = machine.fails(3, &["audit-log"]);
    assert_eq!(refused["error"], "forbidden", "{refused}");
    machine.fails(2, &["audit-log", "--event", "no.such"]);
    machine.fails(2, &["audit-log", "@alice/notes", "--actor", "alice"]);
}
