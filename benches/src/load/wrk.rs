use std::{io::Write, path::PathBuf, process::Stdio, time::Duration};

use tempfile::NamedTempFile;
use tokio::process::Command;

use super::{Observed, Request};
use crate::error::{Failure, Result};

/// wrk: HTTP/1.1, with or without TLS.
///
/// It uses little of the processors that it shares with the server, is available as a package, and its
/// figures are well known.
#[derive(Clone, Debug)]
pub(crate) struct Wrk(pub(crate) PathBuf);

/// Longer than any answer takes, so that none is counted as timed out.
const PATIENCE: &str = "120s";

impl Wrk {
    pub(crate) async fn load(&self, request: &Request, duration: Duration) -> Result<Observed> {
        let mut command = Command::new(&self.0);
        command
            .arg("--latency")
            .args(["--threads", if request.connections > 1 { "2" } else { "1" }])
            .args(["--connections", &request.connections.to_string()])
            .args(["--duration", &format!("{}s", duration.as_secs().max(1))])
            .args(["--timeout", PATIENCE]);
        for (name, value) in &request.headers {
            command.args(["--header", &format!("{name}: {value}")]);
        }
        let script = script(&request.paths).map_err(Failure::io("the script for wrk"))?;
        if let Some(script) = &script {
            command.arg("--script").arg(script.path());
        }
        let first = request.paths.first().map_or("/", String::as_str);
        command.arg(format!("{}{first}", request.base));
        let output = command
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(Failure::io("wrk does not start"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        if text.contains("Non-2xx or 3xx responses") || text.contains("Socket errors") {
            return Err(Failure::Other(format!("not every request was answered:\n{text}")));
        }
        parse(&text).ok_or_else(|| {
            let complaint = String::from_utf8_lossy(&output.stderr);
            Failure::Other(format!("wrk says what is not understood:\n{text}{complaint}"))
        })
    }
}

/// A script that requests many paths in turn; `None` for a single path.
fn script(paths: &[String]) -> std::io::Result<Option<NamedTempFile>> {
    if paths.len() < 2 {
        return Ok(None);
    }
    let mut file = NamedTempFile::with_suffix(".lua")?;
    writeln!(file, "local paths = {{")?;
    for path in paths {
        writeln!(file, "  \"{}\",", path.replace('\\', "\\\\").replace('"', "\\\""))?;
    }
    // The requests are built once, so that one costs the load generator no more than with a single
    // path.
    file.write_all(
        b"}
local requests, at = {}, 0
init = function(arguments)
  for i, path in ipairs(paths) do requests[i] = wrk.format('GET', path) end
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
",
    )?;
    file.flush()?;
    Ok(Some(file))
}

fn parse(text: &str) -> Option<Observed> {
    let zero = Duration::ZERO;
    let mut seen = Observed { requests: 0.0, requests_per_second: 0.0, p50: zero, p99: zero };
    for line in text.lines() {
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        match words[..] {
            ["50%", latency] => seen.p50 = parse_latency(latency)?,
            ["99%", latency] => seen.p99 = parse_latency(latency)?,
            ["Requests/sec:", rate] => seen.requests_per_second = rate.parse().ok()?,
            [requests, "requests", "in", ..] => seen.requests = requests.parse().ok()?,
            _ => {}
        }
    }
    (seen.requests > 0.0 && seen.requests_per_second > 0.0 && !seen.p99.is_zero()).then_some(seen)
}

fn parse_latency(text: &str) -> Option<Duration> {
    let at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(at);
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Some(Duration::from_secs_f64(number.parse::<f64>().ok()? * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
Running 1s test @ http://127.0.0.1:8000/
  2 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   537.56us  268.24us   8.98ms   91.74%
    Req/Sec    29.92k     1.45k   33.52k    77.27%
  Latency Distribution
     50%  496.00us
     75%  603.00us
     90%  751.00us
     99%    1.43ms
  65535 requests in 1.10s, 794.39MB read
Requests/sec:  59546.15
Transfer/sec:    721.87MB
";

    #[test]
    fn what_wrk_says_is_understood() {
        let expected = Observed {
            requests: 65_535.0,
            requests_per_second: 59_546.15,
            p50: Duration::from_micros(496),
            p99: Duration::from_micros(1430),
        };
        assert_eq!(parse(OUTPUT), Some(expected));
        assert_eq!(parse("unable to connect to 127.0.0.1:1 Connection refused"), None);
    }

    #[test]
    fn only_many_paths_need_a_script() {
        let paths = ["/a".to_owned(), "/b?q=\"".to_owned()];
        assert!(script(&paths[..1]).expect("a script").is_none());
        let script = script(&paths).expect("a script").expect("one is needed");
        let text = std::fs::read_to_string(script.path()).expect("the file is there");
        assert!(text.starts_with("local paths = {\n  \"/a\",\n  \"/b?q=\\\"\",\n}"), "{text}");
    }
}
