//! Runs the real server with deployment files.

use std::collections::BTreeMap;

use crate::process::Site;

pub(super) type Environment = BTreeMap<String, String>;

/// Asserts that every one of `names` is a variable of the server.
///
/// The server ignores unknown variables, but for `AAM_NAME` it reports that `NAME` was probably meant.
#[track_caller]
pub(super) fn knows<'a>(names: impl IntoIterator<Item = &'a String>) {
    let mut site = Site::new();
    let names: Vec<_> = names.into_iter().collect();
    for name in &names {
        site.set(&format!("AAM_{name}"), "x");
    }
    let json = site.run(&["config", "check", "--json"]).succeeded().json();
    let warnings: Vec<_> =
        json["warnings"].as_array().expect("a list").iter().filter_map(|text| text.as_str()).collect();
    for name in names {
        let told = format!("environment variable AAM_{name} is not known: did you mean {name}?");
        assert!(warnings.contains(&told.as_str()), "the server has no variable {name}");
    }
}

/// Asserts that the server accepts `environment` without reporting a probable mistake.
#[track_caller]
pub(super) fn accepts(environment: &Environment) {
    let mut site = Site::new();
    for (name, value) in environment {
        site.set(name, value);
    }
    let ran = site.run(&["config", "check", "--json"]);
    let json = ran.json();
    assert_eq!(json["faults"], serde_json::json!([]), "{environment:#?}");
    assert_eq!(json["warnings"], serde_json::json!([]), "{environment:#?}");
}

/// Asserts that the server has the command `args` with its options.
#[track_caller]
pub(super) fn understands(args: &[&str]) {
    Site::new().run(&[args, &["--help"]].concat()).succeeded();
}
