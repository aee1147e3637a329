//! `aam eval`

use std::path::PathBuf;

use aam_registry_core::types::{EvalName, EvalStatus};
use clap::Subcommand;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    failure::{Failure, Result},
    output::{moment, table},
    session::Session,
    spec::VersionSpec,
};

/// Record and list the results of evals of a version
#[derive(Debug, Subcommand)]
pub(crate) enum Eval {
    /// Record a result; the last one of each eval counts
    #[command(
        long_about = "Record the result of an eval of a version, as an owner of the package. The last result of \
        each eval counts; a gate of a dist-tag asks for results (`aam gate`).\n\n  \
        aam eval publish @my_org/kit@1.0.0 quality --status passed --metric accuracy=0.93\n  \
        aam eval publish @my_org/kit@1.0.0 quality --status passed --metrics results.json"
    )]
    Publish {
        /// The package and the version
        #[arg(value_name = "PACKAGE@VERSION")]
        version: VersionSpec,
        /// The eval
        name: EvalName,
        /// How it ended: passed, failed or error
        #[arg(long, value_parser = status)]
        status: EvalStatus,
        /// What was measured; numbers, true and false are understood
        #[arg(long = "metric", value_name = "NAME=VALUE", value_parser = metric)]
        metrics: Vec<(String, Value)>,
        /// A file with a JSON object of more metrics
        #[arg(long = "metrics", value_name = "FILE")]
        file: Option<PathBuf>,
        /// When it ran; now if not given
        #[arg(long, value_name = "TIME", value_parser = time)]
        run_at: Option<Timestamp>,
        /// What ran it
        #[arg(long, value_name = "TEXT")]
        runner: Option<String>,
        /// In what surroundings
        #[arg(long = "environment", value_name = "NAME=VALUE", value_parser = fact)]
        environment: Vec<(String, Value)>,
    },
    /// List the last result of each eval
    Ls {
        /// The package and the version
        #[arg(value_name = "PACKAGE@VERSION")]
        version: VersionSpec,
    },
}

fn status(text: &str) -> Result<EvalStatus, String> {
    let known = || EvalStatus::ALL.map(EvalStatus::as_str).join(", ");
    EvalStatus::parse(text).ok_or_else(|| format!("use one of {}", known()))
}

/// A name and a value: a number or truth value where it reads as one, else a text.
fn fact(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("use NAME=VALUE")?;
    let read = serde_json::from_str(value).ok().filter(|read: &Value| read.is_number() || read.is_boolean());
    Ok((name.to_owned(), read.unwrap_or_else(|| value.into())))
}

/// As [`fact`], of what was measured: a number that no registry can record is refused, not taken for a text.
fn metric(text: &str) -> Result<(String, Value), String> {
    let (name, value) = fact(text)?;
    let is_endless = value.as_str().and_then(|text| text.parse::<f64>().ok()).is_some_and(|read| !read.is_finite());
    if is_endless {
        return Err(format!("{name} is no finite number: give one, or leave it out"));
    }
    Ok((name, value))
}

/// A time as a person writes it.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "use a time with its zone, such as 2026-01-31T12:00:00Z".to_owned())
}

impl Eval {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        match self {
            Self::Publish { version, name, status, metrics, file, run_at, runner, environment } => {
                let mut all = file.map(|path| read_facts(&path)).transpose()?.unwrap_or_default();
                all.extend(metrics);
                let body = json!({
                    "eval_name": name.as_str(),
                    "status": status.as_str(),
                    "metrics": all,
                    "run_at": run_at.unwrap_or_else(Timestamp::now).to_string(),
                    "runner_identity": runner,
                    "environment": environment.into_iter().collect::<Map<_, _>>(),
                });
                let client = session.authenticated(&registry)?;
                let recorded = client.record_eval(&version.name, &version.version, &body).await?;
                let VersionSpec { name: package, version } = &version;
                session
                    .out
                    .done(&recorded, || vec![format!("Recorded {name} of {package} {version}: {}", status.as_str())])
            }
            Self::Ls { version: VersionSpec { name, version } } => {
                let found = session.client(&registry)?.evals(&name, &version).await?;
                session.out.result(&found, || lines(&found.read.eval_results))
            }
        }
    }
}

fn read_facts(path: &std::path::Path) -> Result<Map<String, Value>> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("{shown}: {error}")))?;
    serde_json::from_str(&text).map_err(|error| Failure::usage(format!("{shown} is no JSON object: {error}")))
}

fn lines(results: &[Value]) -> Vec<String> {
    if results.is_empty() {
        return vec!["No results".to_owned()];
    }
    let text = |result: &Value, key: &str| result[key].as_str().unwrap_or_default().to_owned();
    let row = |result: &Value| {
        let metrics = result["metrics"].as_object().into_iter().flatten();
        let metrics = metrics.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ");
        vec![text(result, "eval_name"), text(result, "status"), moment(&text(result, "run_at")), metrics]
    };
    table(&results.iter().map(row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_numbers_truth_values_or_texts() {
        for (text, value) in [
            ("a=0.93", json!(0.93)),
            ("a=12", json!(12)),
            ("a=true", json!(true)),
            ("a=null", json!("null")),
            ("a=b=c", json!("b=c")),
            ("a=", json!("")),
        ] {
            assert_eq!(fact(text).expect(text), ("a".to_owned(), value));
        }
        fact("a").expect_err("no value");
    }

    #[test]
    fn a_metric_without_an_end_is_refused() {
        for text in ["a=1e999", "a=-1e999", "a=NaN", "a=inf", "a=-Infinity"] {
            assert!(metric(text).is_err_and(|error| error.contains("no finite number")), "{text}");
        }
        assert_eq!(metric("a=1e3").expect("a number"), ("a".to_owned(), json!(1e3)));
        assert_eq!(metric("a=infinite loops").expect("a text"), ("a".to_owned(), json!("infinite loops")));
    }
}
