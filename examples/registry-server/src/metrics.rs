//! The metrics of `/metrics`.

use std::{future::Future, sync::Arc, time::Duration};

use aam_registry_core::{ports::RateClass, registry::Registry};
use futures_util::future::{self, Either};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::{
    task::{self, JoinHandle},
    time,
};

use crate::{
    disks::{self, Disk},
    logs,
};

/// How often the gauges are updated.
const REFRESH_EVERY: Duration = Duration::from_secs(10);

/// Histogram buckets in seconds: from a cached download to an upload of fifteen minutes.
const DURATIONS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 900.0];

/// Histogram buckets in seconds for calls of the services behind the registry: from a row in memory to a call that ran
/// into its time-out.
const CALLS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The histograms of such calls.
const TIMED_CALLS: [&str; 4] = [
    "aam_database_duration_seconds",
    "aam_database_wait_seconds",
    "aam_redis_duration_seconds",
    "aam_storage_duration_seconds",
];

/// Starts recording and returns the handle that renders the metrics.
///
/// # Errors
/// If another recorder is already installed in this process.
pub(crate) fn install() -> Result<PrometheusHandle, BuildError> {
    let mut builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("aam_request_duration_seconds".to_owned()), DURATIONS)?;
    for name in TIMED_CALLS {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), CALLS)?;
    }
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(BuildError::FailedToSetGlobalRecorder)?;
    describe();
    begin_at_zero();
    gauge!("aam_build_info", "version" => env!("CARGO_PKG_VERSION"), "commit" => env!("AAM_COMMIT")).set(1.0);
    Ok(handle)
}

fn describe() {
    describe_counter!("aam_requests_total", "Requests answered");
    describe_histogram!("aam_request_duration_seconds", Unit::Seconds, "Time from a request to its answer's head");
    describe_counter!("aam_downloads_total", "Downloads counted by this process");
    describe_counter!("aam_downloads_uncounted_total", "Downloads that could not be counted");
    describe_counter!("aam_download_bytes_total", Unit::Bytes, "Bytes of archives sent");
    describe_counter!("aam_publishes_total", "Uploads by outcome");
    describe_counter!("aam_rate_limited_requests_total", "Requests refused for coming too often");
    describe_counter!("aam_failed_logins_total", "Logins that failed, by cause");
    describe_counter!(
        "aam_suspicious_activity_total",
        "Activity that may come from a stolen account or a leaked token, by kind; the log has the names"
    );
    describe_counter!("aam_background_failures_total", "Background work that failed and was tried again");
    describe_gauge!("aam_background_job_lag_seconds", Unit::Seconds, "Time by which background work is overdue");
    describe_counter!("aam_jobs_total", "Attempts at queued jobs that this process made, by outcome");
    describe_counter!("aam_mails_total", "Attempts to send mails, by outcome");
    describe_counter!(
        "aam_id_tokens_total",
        "ID tokens that were to be swapped for a token that publishes, by outcome"
    );
    describe_counter!("aam_webhooks_disabled_total", "Webhooks that were disabled, by reason");
    describe_gauge!("aam_operator_webhooks_disabled", "Webhooks of config.yaml that are disabled now");
    describe_counter!(
        "aam_webhook_deliveries_dropped_total",
        "Deliveries that were dropped because too many to one webhook waited, by kind"
    );
    describe_gauge!(
        "aam_retention_lag_seconds",
        Unit::Seconds,
        "How much older than they are kept rows of the database are, by what they are"
    );
    describe_counter!("aam_cdn_purges_total", "Requests to purge the CDN, by outcome");
    describe_gauge!("aam_read_only", "1 while the registry is read-only, else 0");
    describe_gauge!("aam_jobs_waiting", "Queued jobs of the registry that wait or run");
    describe_gauge!("aam_jobs_failed", "Queued jobs of the registry that were given up");
    describe_gauge!("aam_jobs_overdue_seconds", Unit::Seconds, "Time by which queued jobs are overdue");
    describe_counter!("aam_cache_requests_total", "Looks into caches by tier and result");
    describe_histogram!(
        "aam_database_duration_seconds",
        Unit::Seconds,
        "Time of calls of the database, with the wait for a connection, by operation"
    );
    describe_histogram!(
        "aam_database_wait_seconds",
        Unit::Seconds,
        "Time for which calls waited for a connection or their turn, by queue"
    );
    describe_histogram!("aam_redis_duration_seconds", Unit::Seconds, "Time of commands of Redis, by command");
    describe_histogram!(
        "aam_storage_duration_seconds",
        Unit::Seconds,
        "Time of calls of the archive storage, retries included, by operation"
    );
    describe_counter!("aam_storage_retries_total", "Calls of the object store that failed and were tried again");
    describe_gauge!(
        "aam_certificate_expiry_timestamp_seconds",
        Unit::Seconds,
        "When the certificate that is served expires, in seconds since 1970"
    );
    describe_counter!("aam_redis_failures_total", "Calls of Redis that failed");
    describe_gauge!("aam_database_pool_connections", "Connections to the database by state");
    describe_gauge!("aam_database_pool_waiting", "Calls that wait for a connection to the database");
    describe_gauge!("aam_database_changes_waiting", "Changes that wait for others of the same package, scope or user");
    describe_gauge!(
        "aam_clock_skew_seconds",
        Unit::Seconds,
        "How far the clock of this machine is ahead of the database's"
    );
    describe_counter!("aam_database_retries_total", "Transactions that were started again");
    describe_gauge!("aam_connections_open", "Connections of clients");
    describe_counter!("aam_connections_refused_total", "Connections for which there was no place");
    describe_counter!("aam_requests_refused_total", "Requests that were not begun, since memory for answers was short");
    describe_gauge!("aam_answer_memory_bytes", Unit::Bytes, "Memory of answers that their clients have not read yet");
    describe_counter!(
        "aam_http2_floods_total",
        "Connections of HTTP/2 that were closed for sending frames without end and no requests"
    );
    describe_counter!("aam_connections_timed_out_total", "Connections given up for what took too long");
    describe_gauge!("aam_packages_total", "Packages of the registry");
    describe_gauge!("aam_versions_total", "Versions of the registry, yanked ones included");
    describe_gauge!("aam_users_total", "Users of the registry");
    describe_gauge!("aam_storage_bytes", Unit::Bytes, "Bytes of all archives of the registry");
    describe_gauge!("aam_registry_downloads", "Downloads of the registry ever counted");
    describe_gauge!(
        "aam_disk_free_bytes",
        Unit::Bytes,
        "Bytes of a disk that are free for this server, by what it keeps"
    );
    describe_gauge!("aam_disk_size_bytes", Unit::Bytes, "Bytes of that disk, free or not");
    describe_counter!("aam_trace_exports_total", "Batches of spans for the collector of traces, by outcome");
    describe_counter!("aam_log_lines_dropped_total", "Log lines dropped, because the output did not take them in time");
    describe_gauge!("aam_build_info", "1, with the version of this server and the commit that it is built from");
}

/// Creates every counter whose labels are known with the value 0: Prometheus' `rate` sees the first
/// event only if the counter was 0 before. Caches, background jobs, PostgreSQL and Redis do the same
/// for their counters.
fn begin_at_zero() {
    for outcome in ["published", "refused", "failed"] {
        counter!("aam_publishes_total", "outcome" => outcome).increment(0);
    }
    for class in RateClass::ALL {
        counter!("aam_rate_limited_requests_total", "class" => class.as_str()).increment(0);
    }
    for what in ["header", "body", "write", "idle", "handshake"] {
        counter!("aam_connections_timed_out_total", "what" => what).increment(0);
    }
    for outcome in ["sent", "refused", "failed", "not_sent"] {
        counter!("aam_mails_total", "outcome" => outcome).increment(0);
    }
    for outcome in ["purged", "failed"] {
        counter!("aam_cdn_purges_total", "outcome" => outcome).increment(0);
    }
    for outcome in ["accepted", "refused", "failed"] {
        counter!("aam_id_tokens_total", "outcome" => outcome).increment(0);
    }
    for outcome in ["sent", "failed"] {
        counter!("aam_trace_exports_total", "outcome" => outcome).increment(0);
    }
    for reason in ["gone", "failing"] {
        counter!("aam_webhooks_disabled_total", "reason" => reason).increment(0);
    }
    for kind in ["webhook", "webhook:scopes"] {
        counter!("aam_webhook_deliveries_dropped_total", "kind" => kind).increment(0);
    }
    for reason in ["limit", "flood"] {
        counter!("aam_connections_refused_total", "reason" => reason).increment(0);
    }
    for cause in ["credentials", "second_factor", "disabled", "confirmation", "too_many"] {
        counter!("aam_failed_logins_total", "cause" => cause).increment(0);
    }
    for kind in ["mass_yanks", "many_publishes", "token_from_many_networks", "download_spike"] {
        counter!("aam_suspicious_activity_total", "kind" => kind).increment(0);
    }
    for name in [
        "aam_downloads_total",
        "aam_downloads_uncounted_total",
        "aam_download_bytes_total",
        "aam_http2_floods_total",
        "aam_storage_retries_total",
    ] {
        counter!(name).increment(0);
    }
}

/// Updates the gauges of the whole registry until `stop` completes.
pub(crate) async fn keep_up(
    registry: Registry,
    handle: PrometheusHandle,
    disks: Vec<Disk>,
    stop: impl Future<Output = ()>,
) {
    let (disks, mut asking) = (Arc::new(disks), None::<JoinHandle<()>>);
    let mut stop = std::pin::pin!(stop);
    let mut ticks = time::interval(REFRESH_EVERY);
    loop {
        if let Either::Left(_) = future::select(&mut stop, std::pin::pin!(ticks.tick())).await {
            return;
        }
        handle.run_upkeep();
        counter!("aam_log_lines_dropped_total").absolute(logs::dropped_lines());
        // In the background, and only if the previous query has ended: a network disk may take long to
        // answer.
        if asking.as_ref().is_none_or(JoinHandle::is_finished) {
            let disks = Arc::clone(&disks);
            asking = Some(task::spawn_blocking(move || disks::record(&disks)));
        }
        match registry.totals().await {
            Ok(totals) => {
                gauge!("aam_packages_total").set(as_gauge(totals.packages));
                gauge!("aam_versions_total").set(as_gauge(totals.versions));
                gauge!("aam_users_total").set(as_gauge(totals.users));
                gauge!("aam_storage_bytes").set(as_gauge(totals.storage_bytes));
                gauge!("aam_registry_downloads").set(as_gauge(totals.downloads));
            }
            Err(error) => tracing::debug!(
                event = "totals_failed",
                error = &error as &dyn std::error::Error,
                "the sizes of the registry could not be read",
            ),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus values are 64-bit floats")]
fn as_gauge(count: u64) -> f64 {
    count as f64
}
