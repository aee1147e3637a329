use std::{path::Path, process::Stdio, time::Duration};

use tokio::process::Command;

use crate::error::{Failure, Result};

/// What one run of the load generator saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    pub(crate) requests: f64,
    pub(crate) requests_per_second: f64,
    pub(crate) p99: Duration,
}

/// Loads `url` for `duration`.
///
/// By wrk: it takes little of the processors that it shares with the server,
/// is packaged, and everybody knows what its figures mean.
pub(crate) async fn load(wrk: &Path, url: &str, connections: u32, duration: Duration) -> Result<Load> {
    let output = Command::new(wrk)
        .arg("--latency")
        .args(["--threads", if connections > 1 { "2" } else { "1" }])
        .args(["--connections", &connections.to_string()])
        .args(["--duration", &format!("{}s", duration.as_secs())])
        .arg(url)
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
        Failure::Other(format!("wrk says what is not understood:\n{text}{}", String::from_utf8_lossy(&output.stderr)))
    })
}

fn parse(text: &str) -> Option<Load> {
    let mut load = Load { requests: 0.0, requests_per_second: 0.0, p99: Duration::ZERO };
    for line in text.lines() {
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        match words[..] {
            ["99%", latency] => load.p99 = parse_latency(latency)?,
            ["Requests/sec:", rate] => load.requests_per_second = rate.parse().ok()?,
            [requests, "requests", "in", ..] => load.requests = requests.parse().ok()?,
            _ => {}
        }
    }
    (load.requests > 0.0 && load.requests_per_second > 0.0 && !load.p99.is_zero()).then_some(load)
}

fn parse_latency(text: &str) -> Option<Duration> {
    let at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(at);
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
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
        let load = parse(OUTPUT).expect("wrk's output");
        let expected = Load { requests: 65_535.0, requests_per_second: 59_546.15, p99: Duration::from_micros(1430) };
        assert_eq!(load, expected);
        assert_eq!(parse("unable to connect to 127.0.0.1:1 Connection refused"), None);
    }
}
