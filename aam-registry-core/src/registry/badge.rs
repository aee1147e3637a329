use serde_json::Value;

use super::View;
use crate::{
    error::{Error, Result},
    ports::{ApprovalsOf, QueryHandlerExt},
    types::{ApprovalStatus, DistTag, EvalName, EvalResult, EvalStatus, Package, PackageName, VersionDetail},
};

/// The metrics of a badge that every package has.
pub(crate) const METRICS: [&str; 6] = ["version", "downloads", "license", "tests", "evals", "approval"];
/// The most characters of a badge's text.
const MAX_TEXT: usize = 64;

/// How a badge is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadgeColor {
    /// A fact.
    Blue,
    /// As it should be.
    Green,
    /// In part as it should be.
    Yellow,
    /// Not as it should be.
    Red,
    /// Not known.
    Grey,
}

/// A small label with one fact about a package, for web pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    /// What is told; at most 64 characters.
    pub label: String,
    /// The fact; at most 64 characters.
    pub message: String,
    /// How it is coloured.
    pub color: BadgeColor,
}

impl Badge {
    fn new(label: &str, message: impl Into<String>, color: BadgeColor) -> Self {
        Self { label: shortened(label), message: shortened(&message.into()), color }
    }
}

impl View<'_> {
    /// The badge of a package: `version`, `downloads`, `license`, `tests` (the eval of that name), `evals` (how many
    /// passed), `approval`; else a metric of an eval of the latest version, or else how the eval of that name ended.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`]; [`Error::NotFound`] for another metric.
    pub async fn badge(&self, name: &PackageName, metric: &str) -> Result<Badge> {
        let package = self.package(name).await?;
        match metric {
            "version" => return Ok(version(&package)),
            "downloads" => return Ok(Badge::new("downloads", abbreviated(package.downloads), BadgeColor::Blue)),
            "license" => return Ok(license(&package)),
            _ => {}
        }
        let latest = match package.latest() {
            Some(latest) => Some(self.version(name, latest).await?),
            None => None,
        };
        let results = latest.as_ref().map(|latest| latest.eval_results.as_slice()).unwrap_or_default();
        match metric {
            "tests" => Ok(ended("tests", results.iter().find(|result| result.name.as_str() == "tests"))),
            "evals" => Ok(passed(results)),
            "approval" => self.approval(name, latest.as_ref()).await,
            _ => of_eval(results, metric).ok_or_else(|| unknown(name, latest.as_ref(), metric)),
        }
    }

    async fn approval(&self, name: &PackageName, latest: Option<&VersionDetail>) -> Result<Badge> {
        let Some(latest) = latest else { return Ok(Badge::new("approval", "no version", BadgeColor::Grey)) };
        let version = latest.summary.version.clone();
        let approvals = self.inner().queries.ask(ApprovalsOf((name.clone(), version))).await?;
        Ok(match approvals.last().map(|last| last.status) {
            Some(ApprovalStatus::Approved) => Badge::new("approval", "approved", BadgeColor::Green),
            _ => Badge::new("approval", "not reviewed", BadgeColor::Grey),
        })
    }
}

fn version(package: &Package) -> Badge {
    match package.latest() {
        Some(latest) if latest.is_prerelease() => Badge::new("aam", format!("v{latest}"), BadgeColor::Yellow),
        Some(latest) => Badge::new("aam", format!("v{latest}"), BadgeColor::Blue),
        None => Badge::new("aam", format!("no {}", DistTag::LATEST), BadgeColor::Grey),
    }
}

fn license(package: &Package) -> Badge {
    match &package.manifest.license {
        Some(license) => Badge::new("license", license.as_str(), BadgeColor::Blue),
        None => Badge::new("license", "not given", BadgeColor::Grey),
    }
}

fn ended(label: &str, result: Option<&EvalResult>) -> Badge {
    match result.map(|result| result.status) {
        Some(EvalStatus::Passed) => Badge::new(label, "passed", BadgeColor::Green),
        Some(EvalStatus::Failed) => Badge::new(label, "failed", BadgeColor::Red),
        Some(EvalStatus::Error) => Badge::new(label, "error", BadgeColor::Red),
        None => Badge::new(label, "no result", BadgeColor::Grey),
    }
}

fn passed(results: &[EvalResult]) -> Badge {
    let passed = results.iter().filter(|result| result.status == EvalStatus::Passed).count();
    let color = match passed {
        0 if results.is_empty() => return Badge::new("evals", "no result", BadgeColor::Grey),
        0 => BadgeColor::Red,
        all if all == results.len() => BadgeColor::Green,
        _ => BadgeColor::Yellow,
    };
    Badge::new("evals", format!("{passed} of {} passed", results.len()), color)
}

/// A metric of an eval, or how the eval of that name ended.
fn of_eval(results: &[EvalResult], metric: &str) -> Option<Badge> {
    let measured = results.iter().find_map(|result| result.metrics.get(metric));
    if let Some(value) = measured {
        let (text, color) = match value {
            Value::String(text) => (text.clone(), BadgeColor::Blue),
            Value::Bool(true) => ("yes".to_owned(), BadgeColor::Green),
            Value::Bool(false) => ("no".to_owned(), BadgeColor::Red),
            other => (other.to_string(), BadgeColor::Blue),
        };
        return Some(Badge::new(metric, text, color));
    }
    let named: EvalName = metric.parse().ok()?;
    results.iter().find(|result| result.name == named).map(|result| ended(metric, Some(result)))
}

fn unknown(name: &PackageName, latest: Option<&VersionDetail>, metric: &str) -> Error {
    let metric = shortened(metric);
    let version = latest.map(|latest| format!("Version {} of ", latest.summary.version)).unwrap_or_default();
    Error::NotFound(format!(
        "{}{name} has no result of an eval with the metric or the name `{metric}`; badges of every package are {}",
        if version.is_empty() { "Package " } else { &version },
        METRICS.join(", ")
    ))
}

/// The text without control characters, and cut where it is long.
fn shortened(text: &str) -> String {
    let plain = || text.chars().filter(|c| !c.is_control());
    if plain().count() <= MAX_TEXT {
        return plain().collect();
    }
    plain().take(MAX_TEXT - 1).chain(['…']).collect()
}

/// A count in few characters: `980`, `1.5k`, `12k`, `3.4M`.
fn abbreviated(count: u64) -> String {
    let units = ["", "k", "M", "G", "T", "P", "E"];
    let (mut tenths, mut unit) = (u128::from(count) * 10, 0);
    while tenths >= 10_000 {
        tenths /= 1_000;
        unit += 1;
    }
    let (whole, tenth) = (tenths / 10, tenths % 10);
    let fraction = if whole < 10 && tenth > 0 { format!(".{tenth}") } else { String::new() };
    format!("{whole}{fraction}{}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_short() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1k"),
            (1_542, "1.5k"),
            (12_345, "12k"),
            (999_999, "999k"),
            (3_400_000, "3.4M"),
            (u64::MAX, "18E"),
        ] {
            assert_eq!(abbreviated(count), text);
        }
    }

    #[test]
    fn texts_are_plain_and_short() {
        assert_eq!(shortened("a\u{0}\nb"), "ab");
        assert_eq!(shortened(&"x".repeat(64)).len(), 64);
        let cut = shortened(&"é".repeat(100));
        assert!(cut.chars().count() == 64 && cut.ends_with('…'), "{cut}");
    }
}
