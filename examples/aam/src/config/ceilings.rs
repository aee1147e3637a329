//! What no registry may make a command exceed, whatever it says of itself.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::{
    config::RegistryUrl,
    failure::{Failure, Kind, Result},
};

const KIB: u64 = 1 << 10;
const GIB: u64 = 1 << 30;

/// The speed below which a download is slow, in bytes a second.
pub(crate) const LEAST_SPEED: u64 = KIB;

/// What one command downloads, unpacks and waits for at most. A person raises
/// them with `--max` or in `config.yaml`; a registry cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ceilings {
    /// The bytes of all archives that are downloaded.
    pub(crate) download: u64,
    /// The bytes that they all unpack to.
    pub(crate) unpacked: u64,
    /// The files and folders that they all unpack to.
    pub(crate) files: u64,
    /// From a question to the end of its answer, repetitions included.
    pub(crate) answer: Duration,
    /// All downloads of one command, or one upload.
    pub(crate) transfer: Duration,
    /// How long a download may bring less than [`LEAST_SPEED`].
    pub(crate) slow: Duration,
}

impl Default for Ceilings {
    fn default() -> Self {
        Self {
            download: 4 * GIB,
            unpacked: 8 * GIB,
            files: 1_000_000,
            answer: Duration::from_mins(5),
            transfer: Duration::from_hours(1),
            slow: Duration::from_mins(1),
        }
    }
}

impl Ceilings {
    /// The usual ones, changed by `max` of `config.yaml` and then by the values of `--max`.
    pub(crate) fn of(configured: &BTreeMap<String, Value>, asked: &[(String, String)]) -> Result<Self> {
        let mut ceilings = Self::default();
        for (name, value) in configured {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            ceilings.set(name, &text).map_err(|failure| failure.hint("mend `max` in config.yaml of ~/.aam"))?;
        }
        for (name, text) in asked {
            ceilings.set(name, text)?;
        }
        Ok(ceilings)
    }

    fn set(&mut self, name: &str, text: &str) -> Result<()> {
        let wrong = |form: &str| Failure::usage(format!("`{text}` is no value for `{name}`: use {form}"));
        let bytes = || size(text).ok_or_else(|| wrong("a size such as `500MB` or `20GiB`"));
        let time = || time(text).ok_or_else(|| wrong("a time such as `90s`, `10m` or `2h`"));
        match name {
            "download" => self.download = bytes()?,
            "unpacked" => self.unpacked = bytes()?,
            "files" => self.files = text.parse().ok().filter(|n| *n > 0).ok_or_else(|| wrong("a number"))?,
            "answer" => self.answer = time()?,
            "transfer" => self.transfer = time()?,
            "slow" => self.slow = time()?,
            _ => {
                let known = "use download, unpacked, files, answer, transfer or slow";
                return Err(Failure::usage(format!("`{name}` is nothing that --max sets: {known}")));
            }
        }
        Ok(())
    }

    /// Fails where archives of `bytes` in all are more than may be downloaded.
    pub(crate) fn admit_download(&self, bytes: u64) -> Result<()> {
        if bytes <= self.download {
            return Ok(());
        }
        let message = format!(
            "The archives to download have {bytes} bytes in all, and one command downloads at most {}",
            shown(self.download)
        );
        Err(exceeded(message, "download", "20GiB"))
    }

    /// Why packages are not unpacked that have more bytes in all than may be.
    pub(crate) fn too_many_bytes(&self) -> Failure {
        let most = shown(self.unpacked);
        let message = format!("The packages unpack to more than {most} in all, the most that one command unpacks");
        exceeded(message, "unpacked", "50GiB")
    }

    /// Why packages are not unpacked that have more files in all than may be.
    pub(crate) fn too_many_files(&self) -> Failure {
        let most = self.files;
        let message = format!("The packages hold more than {most} files in all, the most that one command unpacks");
        exceeded(message, "files", "5000000")
    }

    /// Why the download of `what` from `registry` was given up that brought nearly nothing for too long.
    pub(crate) fn too_slow(&self, registry: &RegistryUrl, what: &str) -> Failure {
        let seconds = self.slow.as_secs_f64();
        let message = format!(
            "The download of {what} from {registry} was given up: for {seconds} s it brought less than 1 KiB a second"
        );
        let hint = "try again later; where the line is that slow, allow more time with `--max slow=10m`";
        Failure::new(Kind::Unavailable, "too_slow", message).hint(hint)
    }

    /// Does `work`, a question to `registry`, in the time that an answer may take.
    pub(crate) async fn in_time<T>(&self, registry: &RegistryUrl, work: impl Future<Output = Result<T>>) -> Result<T> {
        let late = || {
            let seconds = self.answer.as_secs_f64();
            let message = format!("{registry} had not answered whole after {seconds} s");
            let hint = "try again later; where the line is slow, allow more time with `--max answer=10m`";
            Failure::new(Kind::Unavailable, "too_slow", message).hint(hint)
        };
        tokio::time::timeout(self.answer, work).await.unwrap_or_else(|_| Err(late()))
    }

    /// Does `work`, which sends or fetches archives, in the time that this may take.
    pub(crate) async fn in_transfer_time<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let late = || {
            let message = format!("The transfer was not done after {} s", self.transfer.as_secs_f64());
            let hint = "try again later; where the line is slow, allow more time with `--max transfer=5h`";
            Failure::new(Kind::Unavailable, "too_slow", message).hint(hint)
        };
        tokio::time::timeout(self.transfer, work).await.unwrap_or_else(|_| Err(late()))
    }
}

fn exceeded(message: String, limit: &str, more: &str) -> Failure {
    Failure::new(Kind::Other, "limit_exceeded", message).hint(format!(
        "where you expect that much and trust the registry, allow more with `--max {limit}={more}`, or under `max` \
         in config.yaml of ~/.aam"
    ))
}

/// `NAME=VALUE` of `--max`.
pub(crate) fn pair(text: &str) -> Result<(String, String), Failure> {
    let (name, value) = text.split_once('=').ok_or_else(|| {
        Failure::usage(format!("`{text}` is nothing that --max takes: use for example download=20GiB"))
    })?;
    Ceilings::default().set(name, value)?;
    Ok((name.to_owned(), value.to_owned()))
}

/// The bytes of `20GiB`, `500MB` or `1000`.
fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "mb" => 1000 * 1000,
        "gb" => 1000 * 1000 * 1000,
        "tb" => 1000 * 1000 * 1000 * 1000,
        "kib" => KIB,
        "mib" => KIB * KIB,
        "gib" => GIB,
        "tib" => GIB * KIB,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit).filter(|bytes| *bytes > 0)
}

/// The time of `90s`, `10m` or `2h`.
fn time(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return None,
    };
    let seconds = text[..text.len() - 1].parse::<u64>().ok()?.checked_mul(unit)?;
    // A year is longer than any transfer.
    (1..=365 * 24 * 3600).contains(&seconds).then(|| Duration::from_secs(seconds))
}

/// A number of bytes as a person reads it.
fn shown(bytes: u64) -> String {
    match bytes {
        _ if bytes.is_multiple_of(GIB) => format!("{} GiB", bytes / GIB),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_sets_limits_by_config_and_then_by_flag() {
        let configured = BTreeMap::from([
            ("download".to_owned(), Value::from("1MB")),
            ("files".to_owned(), Value::from(7)),
            ("answer".to_owned(), Value::from("2h")),
        ]);
        let asked = [pair("download=20GiB").expect("a limit")];
        let ceilings = Ceilings::of(&configured, &asked).expect("limits");
        let expected =
            Ceilings { download: 20 * GIB, files: 7, answer: Duration::from_hours(2), ..Ceilings::default() };
        assert_eq!(ceilings, expected);
        for bad in ["download", "download=", "download=0", "files=x", "answer=0s", "answer=5", "size=1", "transfer=é"]
        {
            assert!(pair(bad).is_err(), "{bad:?} passed");
        }
    }
}
