use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Registry, View};
use crate::{
    decide::{Action, RecordEval, SetGates},
    error::{Detail, Error, Result},
    ports::{CommandHandlerExt, QueryHandlerExt, TagGates},
    types::{AuditEvent, EvalName, EvalResult, EvalStatus, Gates, PackageName, Principal, Version},
};

/// The result of an eval, as its owner gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvalResult {
    /// The eval.
    pub name: EvalName,
    /// How it ended.
    pub status: EvalStatus,
    /// What was measured: at most [`EvalResult::MAX_FACTS`] numbers, texts and truth values.
    pub metrics: Map<String, Value>,
    /// When it ran.
    pub run_at: Timestamp,
    /// What ran it.
    pub runner: Option<String>,
    /// In what surroundings; as `metrics`.
    pub environment: Map<String, Value>,
}

impl Registry {
    /// Records how a version did in an eval, in place of the last result of the same eval; gives the result.
    ///
    /// # Errors
    /// [`Error::Forbidden`] to who is no owner; [`Error::PackageNotFound`], [`Error::VersionNotFound`];
    /// [`Error::InvalidRequest`] with every fault; [`Error::QuotaExceeded`] where the version has results of too many
    /// evals.
    pub async fn record_eval(
        &self,
        by: &Principal,
        name: &PackageName,
        version: &Version,
        new: NewEvalResult,
    ) -> Result<EvalResult> {
        self.require_right(by, Action::RecordEval, name).await?;
        let mut faults = Vec::new();
        check_facts("metrics", &new.metrics, &mut faults);
        check_facts("environment", &new.environment, &mut faults);
        if new.runner.as_ref().is_some_and(|runner| runner.chars().count() > EvalResult::MAX_TEXT) {
            faults.push(Detail::new("runner_identity", format!("is longer than {} characters", EvalResult::MAX_TEXT)));
        }
        if !faults.is_empty() {
            let message = "The result cannot be recorded as given; see the details".into();
            return Err(Error::InvalidRequest { message, details: faults });
        }
        let version = self.seen_by(by).described_version(name, version).await?.summary.version;
        let audit = self.entry(AuditEvent::EvalRecord, by, name).with_version(&version);
        let audit = audit.with("eval", new.name.as_str()).with("status", new.status.as_str());
        // Databases keep microseconds.
        let run_at = Timestamp::from_microsecond(new.run_at.as_microsecond()).unwrap_or(new.run_at);
        let NewEvalResult { name: eval, status, metrics, runner, environment, .. } = new;
        let recorded_at = audit.timestamp;
        let result = EvalResult { name: eval, status, metrics, run_at, runner, environment, recorded_at };
        let (actor, package) = (by.actor(), name.clone());
        let record = RecordEval { actor, package, version, result, audit };
        self.inner().commands.execute(&record).await?;
        tracing::info!(
            event = "eval_recorded",
            user = %by.username,
            package = %name,
            version = %record.version,
            eval = %record.result.name,
            status = record.result.status.as_str(),
            "result of an eval recorded",
        );
        Ok(record.result)
    }

    /// Sets the gates of a package, in place of those it has: the evals that a version has to pass before a dist-tag
    /// may name it.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::PackageNotFound`]; [`Error::InvalidRequest`] for a gate of `latest` and for too
    /// many gates.
    pub async fn set_gates(&self, by: &Principal, name: &PackageName, gates: Gates) -> Result<Gates> {
        self.require_right(by, Action::SetGates, name).await?;
        if gates.len() > SetGates::MAX || gates.values().any(|evals| evals.len() > SetGates::MAX) {
            return Err(Error::invalid_request(format!(
                "A package has at most {0} gates, and a gate at most {0} evals",
                SetGates::MAX
            )));
        }
        let gates: Gates = gates.into_iter().map(|(tag, evals)| (tag, distinct(evals))).collect();
        let told: BTreeMap<_, _> = gates.iter().map(|(tag, evals)| (tag.as_str(), texts(evals))).collect();
        let told: Map<String, Value> = told.into_iter().map(|(tag, evals)| (tag.to_owned(), evals.into())).collect();
        let audit = self.entry(AuditEvent::GateSet, by, name).with("gates", told);
        let (actor, package) = (by.actor(), name.clone());
        let set = SetGates { actor, package, gates, now: audit.timestamp, audit };
        self.inner().commands.execute(&set).await?;
        tracing::info!(event = "gates_set", user = %by.username, package = %name, count = set.gates.len(), "gates set");
        Ok(set.gates)
    }
}

impl View<'_> {
    /// The gates of a package, by dist-tag.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`].
    pub async fn gates(&self, name: &PackageName) -> Result<Gates> {
        let found = self.find_beside(name, |reach| self.inner().queries.ask(TagGates((name.clone(), reach)))).await?;
        found.ok_or_else(|| Error::PackageNotFound(name.clone()))
    }
}

/// Each name once, in order.
fn distinct(mut evals: Vec<EvalName>) -> Vec<EvalName> {
    evals.sort();
    evals.dedup();
    evals
}

fn texts(evals: &[EvalName]) -> Vec<Value> {
    evals.iter().map(|name| name.as_str().into()).collect()
}

/// Finds what is wrong with facts that are given by name.
fn check_facts(field: &str, facts: &Map<String, Value>, faults: &mut Vec<Detail>) {
    if facts.len() > EvalResult::MAX_FACTS {
        faults.push(Detail::new(field, format!("has more than {} entries", EvalResult::MAX_FACTS)));
        return;
    }
    for (name, value) in facts {
        if name.is_empty() || name.len() > EvalResult::MAX_FACT_NAME || name.chars().any(char::is_control) {
            let error = format!("has a name that is not 1 to {} bytes long", EvalResult::MAX_FACT_NAME);
            faults.push(Detail::new(field, error));
        }
        let fits = match value {
            Value::Number(_) | Value::Bool(_) => true,
            Value::String(text) => text.chars().count() <= EvalResult::MAX_TEXT,
            _ => false,
        };
        if !fits {
            let short: String = name.chars().take(EvalResult::MAX_FACT_NAME).collect();
            let error =
                format!("`{short}` is no number, truth value or text of at most {} characters", EvalResult::MAX_TEXT);
            faults.push(Detail::new(field, error));
        }
    }
}
