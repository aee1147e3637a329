//! The text of an announcement: `<sender> package <name>`, `<sender> scope <name>` or `<sender>
//! everything`.

use aam_registry_core::types::Change;

/// The name of the channel after the prefix of the link.
pub(super) const CHANNEL: &str = "changes";

pub(super) fn write(sender: &str, change: &Change) -> String {
    match change {
        Change::Package(name) => format!("{sender} package {name}"),
        Change::Scope(name) => format!("{sender} scope {name}"),
        Change::Everything => format!("{sender} everything"),
    }
}

/// The sender and the change. A message that cannot be parsed, such as one of a later release, counts
/// as a change of everything.
pub(super) fn read(message: &[u8]) -> (&str, Change) {
    let mut words = std::str::from_utf8(message).unwrap_or_default().split(' ');
    let sender = words.next().unwrap_or_default();
    let change = match (words.next(), words.next(), words.next()) {
        (Some("package"), Some(name), None) => name.parse().ok().map(Change::Package),
        (Some("scope"), Some(name), None) => name.parse().ok().map(Change::Scope),
        _ => None,
    };
    (sender, change.unwrap_or(Change::Everything))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let package = |name: &str| Change::Package(name.parse().expect("a name"));
        for change in [
            package("kit"),
            package("@my_org/kit"),
            Change::Scope("acme".parse().expect("a scope")),
            Change::Everything,
        ] {
            assert_eq!(read(write("me", &change).as_bytes()), ("me", change));
        }
    }

    #[test]
    fn what_cannot_be_read_may_be_anything() {
        for message in [
            &b""[..],
            b"me",
            b"me ",
            b"me package",
            b"me package Not A Name",
            b"me package NOT/NAME",
            b"me package kit 2",
            b"me user ada",
            b"\xff\xfe package kit",
        ] {
            assert_eq!(read(message).1, Change::Everything, "{message:?}");
        }
    }
}
