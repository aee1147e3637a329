use std::{fs, path::PathBuf, process::Stdio, time::Duration};

use tempfile::NamedTempFile;
use tokio::process::Command;

use super::{Observed, Request, percentile};
use crate::error::{Failure, Result};

/// nghttp2's h2load: HTTP/2, with prior knowledge or over TLS.
#[derive(Clone, Debug)]
pub(crate) struct H2load(pub(crate) PathBuf);

/// Concurrent requests on one connection, the advantage of HTTP/2.
const STREAMS: u32 = 4;

impl H2load {
    /// Runs with as many concurrent requests as `request` has connections.
    pub(crate) async fn load(&self, request: &Request, duration: Duration) -> Result<Observed> {
        let log = NamedTempFile::new().map_err(Failure::io("a log for h2load"))?;
        let mut command = Command::new(&self.0);
        command
            .args(["--threads", "2"])
            .args(["--clients", &(request.connections / STREAMS).max(1).to_string()])
            .args(["--max-concurrent-streams", &STREAMS.to_string()])
            .args(["--duration", &duration.as_secs().max(1).to_string()])
            .arg(format!("--log-file={}", log.path().display()));
        for (name, value) in &request.headers {
            command.args(["--header", &format!("{name}: {value}")]);
        }
        command.args(request.paths.iter().map(|path| format!("{}{path}", request.base)));
        let output = command
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(Failure::io("h2load does not start"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let latencies = fs::read_to_string(log.path()).map_err(Failure::io("the log of h2load"))?;
        parse(&text, &latencies).ok_or_else(|| {
            let complaint = String::from_utf8_lossy(&output.stderr);
            Failure::Other(format!("h2load did not get every answer:\n{text}{complaint}"))
        })
    }
}

fn parse(text: &str, log: &str) -> Option<Observed> {
    let finished = text.lines().find_map(|line| line.strip_prefix("finished in "))?;
    let requests_per_second = finished.split(", ").nth(1)?.strip_suffix(" req/s")?.parse().ok()?;
    let statuses = text.lines().find_map(|line| line.strip_prefix("status codes: "))?;
    if !(statuses.contains(" 0 4xx") && statuses.contains(" 0 5xx")) {
        return None;
    }
    let mut latencies: Vec<_> = log.lines().filter_map(parse_log_line).collect();
    latencies.sort_unstable();
    if latencies.is_empty() || requests_per_second == 0.0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 requests")]
    let requests = latencies.len() as f64;
    Some(Observed { requests, requests_per_second, p50: percentile(&latencies, 50), p99: percentile(&latencies, 99) })
}

/// The latency in a log line of start, status and microseconds.
fn parse_log_line(line: &str) -> Option<Duration> {
    let mut fields = line.split('\t');
    let (_start, status) = (fields.next()?, fields.next()?);
    let is_answered = matches!(status.parse::<u16>(), Ok(200..=399));
    is_answered.then_some(fields.next()?.trim().parse().ok().map(Duration::from_micros)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
finished in 1.00s, 61728.20 req/s, 740.00MB/s
requests: 4 total, 4 started, 4 done, 4 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 4 2xx, 0 3xx, 0 4xx, 0 5xx
";

    #[test]
    fn what_h2load_says_is_understood() {
        let log = "1000\t200\t10\n1001\t200\t40\n1002\t200\t20\n1003\t-1\t99999\n1004\t200\t30\n";
        let expected = Observed {
            requests: 4.0,
            requests_per_second: 61_728.2,
            p50: Duration::from_micros(20),
            p99: Duration::from_micros(40),
        };
        assert_eq!(parse(OUTPUT, log), Some(expected));
        assert_eq!(parse(&OUTPUT.replace("4 2xx, 0 3xx, 0 4xx", "0 2xx, 0 3xx, 4 4xx"), log), None);
        assert_eq!(parse(OUTPUT, ""), None);
    }
}
