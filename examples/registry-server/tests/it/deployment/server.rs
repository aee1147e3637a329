//! What the real server says to what it is deployed with.

use std::collections::BTreeMap;

use crate::process::Site;

pub(super) type Environment = BTreeMap<String, String>;

/// Every one of `names` is a variable of the server.
///
/// The server leaves foreign variables alone, but says of `AAM_NAME` that
/// `NAME` was meant where it knows that one.
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

/// The server starts with `environment`, and none of it is a slip.
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

/// The server has the command `args` and takes its options.
#[track_caller]
pub(super) fn understands(args: &[&str]) {
    Site::new().run(&[args, &["--help"]].concat()).succeeded();
}
