use serde::Serialize;

/// The meaning of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Metric {
    /// Requests per second.
    RequestsPerSecond,
    /// Megabytes (10⁶ bytes) per second.
    MegabytesPerSecond,
    /// Processor time of the server per request, in microseconds.
    CpuMicroseconds,
    /// The latency that half of the requests stay below, in microseconds.
    P50Microseconds,
    /// The latency that 99 of 100 requests stay below, in microseconds.
    P99Microseconds,
    /// The 99th percentile divided by the median.
    P99ToP50,
    /// From the request to the first bytes of the body, in microseconds.
    FirstByteMicroseconds,
    /// Bytes downloaded from the store for one archive that many clients requested, divided by its
    /// size.
    FetchedFromStore,
    /// From the start of the process until `/ready` answers 200, in milliseconds.
    ReadyMilliseconds,
    /// Resident memory of the process, in megabytes (10⁶ bytes).
    ResidentMegabytes,
    /// The part of it that is not backed by a file, in megabytes.
    AnonymousMegabytes,
    /// The size of a file, in megabytes.
    FileMegabytes,
}

impl Metric {
    /// The column heading of the metric.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::RequestsPerSecond => "requests/s",
            Self::CpuMicroseconds => "CPU/request",
            Self::P50Microseconds => "p50",
            Self::P99Microseconds => "p99",
            Self::P99ToP50 => "p99/p50",
            Self::MegabytesPerSecond => "MB/s",
            Self::FirstByteMicroseconds => "first byte",
            Self::FetchedFromStore => "fetched/size",
            Self::ReadyMilliseconds => "ready after",
            Self::ResidentMegabytes => "resident",
            Self::AnonymousMegabytes => "anonymous",
            Self::FileMegabytes => "size",
        }
    }

    /// The figure with its unit.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::RequestsPerSecond if value < 100.0 => format!("{value:.1}"),
            Self::RequestsPerSecond | Self::MegabytesPerSecond => format!("{value:.0}"),
            Self::CpuMicroseconds | Self::P50Microseconds | Self::P99Microseconds | Self::FirstByteMicroseconds => {
                time(value)
            }
            Self::P99ToP50 | Self::FetchedFromStore => format!("{value:.2}"),
            Self::ReadyMilliseconds => format!("{value:.0} ms"),
            Self::ResidentMegabytes | Self::AnonymousMegabytes | Self::FileMegabytes => format!("{value:.1} MB"),
        }
    }
}

fn time(microseconds: f64) -> String {
    if microseconds < 1000.0 { format!("{microseconds:.1} µs") } else { format!("{:.2} ms", microseconds / 1000.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_unit_that_fits() {
        assert_eq!(Metric::P99Microseconds.show(999.94), "999.9 µs");
        assert_eq!(Metric::P99Microseconds.show(1430.0), "1.43 ms");
        assert_eq!(Metric::RequestsPerSecond.show(12.34), "12.3");
        assert_eq!(Metric::RequestsPerSecond.show(59_546.6), "59547");
        assert_eq!(Metric::ResidentMegabytes.show(31.26), "31.3 MB");
    }
}
