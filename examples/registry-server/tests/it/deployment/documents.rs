//! What `deployment/README.md` names.

use super::{
    files::{assignments, path, text},
    server,
};

const FILE: &str = "deployment/README.md";

#[test]
fn every_variable_that_is_named_is_one() {
    let text = text(FILE);
    let is_variable =
        |code: &&str| code.len() > 2 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let named: Vec<_> = text.split('`').skip(1).step_by(2).filter(is_variable).map(str::to_owned).collect();
    assert!(!named.is_empty());
    // Those of the compose file alone.
    let of_compose = assignments("deployment/docker/.env.example", true);
    server::knows(named.iter().filter(|name| !of_compose.contains_key(*name)));
}

#[test]
fn every_file_that_is_linked_is_there() {
    for link in text(FILE).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(path("deployment").join(link).exists(), "{link}");
    }
}
