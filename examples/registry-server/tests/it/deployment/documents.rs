//! The names in `deployment/README.md`.

use super::{
    files::{assignments, path, text},
    server,
};
use crate::process::Site;

const FILE: &str = "deployment/README.md";

#[test]
fn every_variable_that_is_named_is_one() {
    let text = text(FILE);
    let is_variable =
        |code: &&str| code.len() > 2 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let named: Vec<_> = text.split('`').skip(1).step_by(2).filter(is_variable).map(str::to_owned).collect();
    assert!(!named.is_empty());
    // Variables that only the compose file uses.
    let of_compose = assignments("deployment/docker/.env.example", true);
    server::knows(named.iter().filter(|name| !of_compose.contains_key(*name)));
}

#[test]
fn every_file_that_is_linked_is_there() {
    for link in text(FILE).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let (file, heading) = link.split_once('#').unwrap_or((link, ""));
        assert!(path("deployment").join(file).exists(), "{link}");
        let headings = text(FILE).to_lowercase().replace(' ', "-");
        assert!(!file.is_empty() || headings.contains(&format!("#-{heading}\n")), "{link}");
    }
}

#[test]
fn the_table_of_upgrades_says_which_release_may_run_beside_this_one() {
    let release = env!("CARGO_PKG_VERSION");
    let text = text(FILE);
    let row = text.lines().find(|line| line.starts_with(&format!("| {release} |"))).expect("a row for this release");
    let oldest = Site::new().run(&["migrate", "--check", "--json"]).failed().json()["oldest_release"].clone();
    let oldest = oldest.as_str().expect("a release");
    assert!(row.contains(&format!("| {oldest} and later")), "{oldest}: {row}");
}

#[test]
fn images_are_named_after_this_release() {
    let release = env!("CARGO_PKG_VERSION");
    assert!(text("deployment/docker/docker-compose.yml").contains(&format!("image: aam-registry:{release}\n")));
    assert!(text("deployment/kubernetes/kustomization.yaml").contains(&format!("newTag: {release}\n")));
}
