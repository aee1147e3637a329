use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use serde_json::Value;

/// The plans of the statements of one session, as the module `auto_explain` logs them.
#[derive(Debug, Default)]
pub(super) struct Plans(BTreeMap<String, BTreeSet<Step>>);

/// A step of a plan that reads a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    table: String,
    kind: String,
}

impl Plans {
    /// Makes every session of the database log the plan of each statement.
    pub(super) const TELL: &str = "SET session_preload_libraries = 'auto_explain';
        SET auto_explain.log_min_duration = 0; SET auto_explain.log_format = 'json';
        SET auto_explain.log_level = 'warning'";

    /// Reads the notices of a server.
    pub(super) fn read(notices: &[String]) -> Self {
        let mut plans = Self::default();
        for notice in notices {
            let Some((_, plan)) = notice.split_once("plan:\n") else { continue };
            let plan: Value = serde_json::from_str(plan).expect("a plan");
            let text = plan["Query Text"].as_str().expect("a text").split_whitespace().collect::<Vec<_>>().join(" ");
            plans.0.entry(text).or_default().extend(steps(&plan["Plan"]));
        }
        plans
    }

    /// How many different statements ran.
    pub(super) fn statements(&self) -> usize {
        self.0.len()
    }

    /// The tables that were read, by whatever step.
    pub(super) fn tables(&self) -> BTreeSet<&str> {
        self.0.values().flatten().map(|step| step.table.as_str()).collect()
    }

    /// The statements that scan a whole table, except those tables.
    pub(super) fn scans(&self, except: &[&str]) -> String {
        let mut scans = String::new();
        for (text, steps) in &self.0 {
            let scanned = steps.iter().filter(|step| step.kind == "Seq Scan" && !except.contains(&step.table.as_str()));
            for step in scanned {
                writeln!(scans, "{}: {text}", step.table).expect("a text");
            }
        }
        scans
    }
}

fn steps(plan: &Value) -> Vec<Step> {
    let mut steps = Vec::new();
    if let (Some(table), Some(kind)) = (plan["Relation Name"].as_str(), plan["Node Type"].as_str()) {
        steps.push(Step { table: table.to_owned(), kind: kind.to_owned() });
    }
    for below in plan["Plans"].as_array().into_iter().flatten() {
        steps.extend(self::steps(below));
    }
    steps
}
