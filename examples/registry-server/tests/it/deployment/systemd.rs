//! `deployment/systemd` and the example configuration file.

use std::collections::BTreeMap;

use super::{
    files::{assignments, names_in, text},
    server,
};
use crate::process::Site;

const FOLDER: &str = "deployment/systemd";

fn units(ending: &str) -> Vec<(String, String)> {
    let names = names_in(FOLDER).into_iter().filter(|name| name.ends_with(ending));
    names.map(|name| (name.clone(), text(&format!("{FOLDER}/{name}")))).collect()
}

/// The values of a key in a unit, in order.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| *name == key)
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn the_server_has_every_command_that_is_run() {
    let services = units(".service");
    assert_eq!(services.len(), 4);
    for (name, unit) in services {
        let command = values(&unit, "ExecStart");
        assert_eq!(command.len(), 1, "{name}");
        let args = command[0].strip_prefix("/usr/local/bin/aam-registry ").expect("the server");
        server::understands(&args.split(' ').collect::<Vec<_>>());
    }
}

#[test]
fn the_server_takes_what_it_is_given() {
    for (name, unit) in units(".service") {
        let set: BTreeMap<_, _> = values(&unit, "Environment")
            .into_iter()
            .map(|line| line.split_once('=').expect("NAME=value"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        assert_eq!(set.get("DATA_DIR").map(String::as_str), Some("/var/lib/aam-registry"), "{name}");
        for commented in [false, true] {
            let mut environment = set.clone();
            environment.extend(assignments("deployment/systemd/env.example", commented));
            server::knows(environment.keys());
            server::accepts(&environment);
        }
    }
}

#[test]
fn every_service_is_confined_alike() {
    let hardening = |unit: &str| {
        let start = unit.find("NoNewPrivileges=").expect("the part that confines");
        unit[start..]
            .lines()
            .take_while(|line| !line.starts_with('['))
            .collect::<Vec<_>>()
            .join("\n")
            .trim_end()
            .to_owned()
    };
    let all: Vec<_> = units(".service").iter().map(|(_, unit)| hardening(unit)).collect();
    assert!(all.iter().all(|part| *part == all[0]));
    for line in ["NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="] {
        assert!(all[0].lines().any(|other| other == line), "{line}");
    }
}

#[test]
fn a_timer_starts_the_service_of_its_name() {
    let timers = units(".timer");
    assert_eq!(timers.len(), 3);
    for (name, unit) in timers {
        let service = name.replace(".timer", ".service");
        assert!(units(".service").iter().any(|(other, _)| *other == service), "{service}");
        assert_eq!(values(&unit, "WantedBy"), ["timers.target"]);
        assert!(text("deployment/systemd/install.sh").contains(&name), "nothing enables {name}");
    }
}

#[test]
fn a_socket_is_that_of_the_service_and_no_port_of_another_kind() {
    let sockets = units(".socket");
    assert_eq!(sockets.len(), 1);
    let (name, unit) = &sockets[0];
    assert_eq!(name, "aam-registry.socket", "systemd starts the service of the same name");
    assert_eq!(values(unit, "ListenStream"), ["8000"]);
    assert_eq!(values(unit, "WantedBy"), ["sockets.target"]);
    assert!(text("deployment/systemd/install.sh").contains("aam-registry*.socket"), "nothing installs {name}");
    let service = text("deployment/systemd/aam-registry.service");
    assert_eq!(values(&service, "RuntimeDirectory"), ["aam-registry"], "for the socket that is commented out");
}

#[test]
fn the_example_of_a_configuration_is_one() {
    let mut site = Site::new();
    site.set("JWT_SECRET", "0123456789abcdef0123456789abcdef");
    let example = text("deployment/config.example.yaml");
    site.write("config.yaml", &example);
    let json = site.run(&["config", "check", "--json"]).succeeded().json();
    assert_eq!(json["warnings"], serde_json::json!([]));
    let uncommented: Vec<_> =
        example.lines().map(|line| line.strip_prefix("# ").filter(|rest| is_setting(rest)).unwrap_or(line)).collect();
    let roots = rcgen::generate_simple_self_signed(["registry.example.com".to_owned()]).expect("a certificate");
    site.write("roots.pem", &roots.cert.pem());
    let roots = site.path("roots.pem");
    let whole = uncommented.join("\n").replace("/etc/aam-registry/company-roots.pem", roots.to_str().expect("UTF-8"));
    site.write("config.yaml", &whole);
    let json = site.run(&["config", "check", "--json"]).succeeded().json();
    assert_eq!(json["warnings"], serde_json::json!([]));
}

/// Whether a line is a setting `key: value` and not prose.
fn is_setting(line: &str) -> bool {
    line.split_once(": ").is_some_and(|(key, _)| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
}
