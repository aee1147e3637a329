//! What messages may say.

use std::path::Path;

use crate::sources::sources;

/// The paths of the API start with the prefix below which a host mounts it. A message that names a path without it sends
/// its reader elsewhere; only the HTTP edge knows the prefix.
#[test]
fn no_message_names_a_path_of_the_api_without_its_prefix() {
    let mut found = Vec::new();
    for (path, source) in sources(Path::new("src")) {
        let lines = source.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
        let bare = lines
            .filter(|(_, line)| ["GET", "POST", "PUT", "PATCH", "DELETE"].iter().any(|verb| names_path(line, verb)));
        found.extend(bare.map(|(at, line)| format!("{}:{}: {}", path.display(), at + 1, line.trim())));
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Whether `line` says `verb` and then a path.
fn names_path(line: &str, verb: &str) -> bool {
    let verbs = line.match_indices(verb).filter(|(at, _)| !line[..*at].ends_with(char::is_alphanumeric));
    verbs.map(|(at, _)| &line[at + verb.len()..]).any(|rest| rest.starts_with(" /"))
}
