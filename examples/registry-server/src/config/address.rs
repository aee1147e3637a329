//! Which parts of an address may be shown.

/// The text that replaces hidden parts.
pub(crate) const MASK: &str = "********";

/// Whether an address may hold a secret: before an `@` or among its parameters.
pub(crate) fn may_hold_secret(address: &str) -> bool {
    address.contains(['@', '?'])
}

/// The part of an address that says where it points, without scheme, user and parameters; `None` if
/// these parts cannot be distinguished.
pub(super) fn place(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    // The `@` may be the end of a password with a `?` in it, or be part of a password that is a
    // parameter.
    if parameters.contains('@') {
        return None;
    }
    Some(rest.rsplit_once('@').map_or(rest, |(_, place)| place))
}

/// An address in which every part that may be secret is masked.
pub(super) fn masked(address: &str) -> String {
    if !may_hold_secret(address) {
        return address.to_owned();
    }
    let (Some(place), Some((scheme, rest))) = (place(address), address.split_once("://")) else {
        return MASK.to_owned();
    };
    let user = if rest.contains('@') { format!("{MASK}@") } else { String::new() };
    let parameters = if rest.contains('?') { format!("?{MASK}") } else { String::new() };
    format!("{scheme}://{user}{place}{parameters}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        for (address, shown) in [
            ("postgresql://h:5432/aam", "postgresql://h:5432/aam"),
            ("postgresql://u:hunter2@h:5432/aam", "postgresql://********@h:5432/aam"),
            ("postgresql://u:hun@ter2/@h/aam?sslmode=require", "postgresql://********@h/aam?********"),
            ("postgresql://h/aam?user=u&password=hunter2", "postgresql://h/aam?********"),
            ("postgresql://h/aam?password=hun@ter2", "********"),
            ("postgresql://u:hunter2?x@h/aam", "********"),
            ("redis://:hunter2@h/1", "redis://********@h/1"),
            ("u:hunter2@h", "********"),
        ] {
            assert_eq!(masked(address), shown);
        }
    }
}
