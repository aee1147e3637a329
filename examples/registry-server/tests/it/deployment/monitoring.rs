//! Checks `deployment/prometheus` and `deployment/grafana` against the metrics that exist.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use super::files::{names_in, path, text, yaml};
use crate::{
    process::{Site, wait_until},
    web,
};

/// Metrics with the same value on every replica, of which the maximum has to be used.
const OF_THE_REGISTRY: &[&str] = &[
    "aam_packages_total",
    "aam_versions_total",
    "aam_users_total",
    "aam_storage_bytes",
    "aam_registry_downloads",
    "aam_read_only",
    "aam_jobs_waiting",
    "aam_jobs_failed",
    "aam_jobs_overdue_seconds",
];

/// The names of metrics in a text.
fn metrics(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words = text.split(|c: char| !is_name(c)).filter(|word| word.starts_with("aam_"));
    words.map(|word| word.trim_end_matches("_bucket").trim_end_matches("_sum").to_owned()).collect()
}

/// The folders of the sources that record metrics.
const SOURCES: [&str; 3] = ["aam-registry-core/src", "aam-registry-backends/src", "examples/registry-server/src"];

/// Calls `see` with the text of every source file in a folder.
fn each_source(folder: &Path, see: &mut impl FnMut(&str)) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            each_source(&path, see);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            see(&fs::read_to_string(&path).expect("a source"));
        }
    }
}

/// The names of the metrics in the sources.
fn recorded() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in SOURCES {
        each_source(&path(folder), &mut |source| {
            let literals = source.split('"').skip(1).step_by(2);
            names.extend(literals.filter(|literal| literal.starts_with("aam_")).map(str::to_owned));
        });
    }
    names
}

/// The names of the counters in the sources.
fn counters() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in SOURCES {
        each_source(&path(folder), &mut |source| {
            for call in source.split("counter!(").skip(1) {
                let name = call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
                names.extend(name.filter(|name| name.starts_with("aam_")).map(str::to_owned));
            }
        });
    }
    names
}

/// Every value of a key, at any depth.
fn all<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == key {
                    found.push(member);
                }
                all(member, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| all(item, key, found)),
        _ => {}
    }
}

/// Every expression of the alerts and the dashboards.
fn expressions() -> Vec<String> {
    let mut documents = yaml("deployment/prometheus/alerts.yml");
    for name in names_in("deployment/grafana/dashboards") {
        documents.push(serde_json::from_str(&text(&format!("deployment/grafana/dashboards/{name}"))).expect("JSON"));
    }
    let mut found = Vec::new();
    for document in &documents {
        all(document, "expr", &mut found);
    }
    found.into_iter().map(|expression| expression.as_str().expect("text").to_owned()).collect()
}

#[test]
fn only_metrics_that_there_are_are_asked_for() {
    let recorded = recorded();
    let expressions = expressions();
    assert!(expressions.len() > 30);
    for expression in &expressions {
        for name in metrics(expression) {
            assert!(recorded.contains(&name), "nothing records {name}, which is asked for by {expression}");
        }
    }
}

#[test]
fn what_is_the_same_on_every_replica_is_not_added_up() {
    for expression in expressions() {
        for name in metrics(&expression).iter().filter(|name| OF_THE_REGISTRY.contains(&name.as_str())) {
            let is_largest = |by: &str| expression.starts_with(&format!("max{by}({name}"));
            assert!(is_largest("") || is_largest(" by (kind) "), "{expression}");
        }
    }
}

#[test]
fn the_names_that_files_know_one_another_by_are_the_same() {
    for name in ["prometheus.yml", "prometheus.kubernetes.yml"] {
        let config = yaml(&format!("deployment/prometheus/{name}")).remove(0);
        assert_eq!(config["rule_files"], serde_json::json!(["alerts.yml"]), "{name}");
        assert_eq!(config["scrape_configs"][0]["job_name"], "aam-registry", "{name}");
    }
    let mut jobs = BTreeSet::new();
    for expression in expressions() {
        let parts = expression.split("job=\"").skip(1).filter_map(|rest| rest.split('"').next());
        jobs.extend(parts.map(str::to_owned));
    }
    assert_eq!(jobs, BTreeSet::from(["aam-registry".to_owned()]));
    let provider = yaml("deployment/grafana/provisioning/dashboards/aam-registry.yml").remove(0);
    let folder = provider["providers"][0]["options"]["path"].as_str().expect("a path").to_owned();
    assert!(text("deployment/docker/docker-compose.yml").contains(&format!("../grafana/dashboards:{folder}:ro")));
}

#[test]
fn the_dashboard_has_no_two_panels_in_one_place() {
    let dashboard: Value =
        serde_json::from_str(&text("deployment/grafana/dashboards/aam-registry.json")).expect("JSON");
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        assert!(ids.insert(panel["id"].as_u64().expect("a number")), "{panel}");
        let at = |key: &str| panel["gridPos"][key].as_u64().expect("a number");
        assert!(at("x") + at("w") <= 24, "{panel}");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{panel}");
            }
        }
    }
}

/// Prometheus' `rate` sees the first event only if the counter was 0 before.
#[test]
fn every_counter_is_there_before_anything_is_counted() {
    // Counters of PostgreSQL or Redis, which this server does not use, and counters per route, which
    // are created by the first request.
    const OF_OTHERS: [&str; 3] = ["aam_database_retries_total", "aam_redis_failures_total", "aam_requests_total"];
    let site = Site::new();
    let server = site.serve(&[]);
    let counters = counters();
    assert!(counters.len() > 10, "{counters:?}");
    let told = || web::get(server.port(), "/metrics").expect("answered").body;
    wait_until("background work has begun", || told().contains("# TYPE aam_background_failures_total counter"));
    let told = told();
    let lacking = counters.iter().filter(|name| !told.contains(&format!("# TYPE {name} counter")));
    let lacking: Vec<_> = lacking.filter(|name| !OF_OTHERS.contains(&name.as_str())).collect();
    assert!(lacking.is_empty(), "{lacking:?} are not in {told}");
    for label in ["class=\"auth\"", "outcome=\"failed\"", "tier=\"process\",result=\"miss\"", "what=\"body\""] {
        assert!(told.contains(&format!("{{{label}}} 0")), "{label}: {told}");
    }
}
