//! `serve`.

use super::{Answer, Failed, surroundings};
use crate::{
    assemble,
    config::{Flags, load},
    logs,
    serve::{self, Invocation},
    traces::Traces,
};

/// Serves until it is told to stop.
pub(super) fn run(flags: Flags<true>) -> Result<Answer, Failed> {
    let invocation = Invocation::of(&flags);
    let loaded = load(surroundings(flags))?;
    let threads = loaded.settings.threads.0;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let runtime = runtime.map_err(|error| Failed(format!("no threads can be started: {error}")))?;
    let traces = {
        let _entered = runtime.enter();
        Traces::start(&loaded.settings, &assemble::outgoing(&loaded.settings)?)
            .map_err(|error| Failed(format!("OTEL_EXPORTER_OTLP_ENDPOINT cannot be used: {error}")))?
    };
    let _guard = logs::start(&loaded.settings, traces.as_ref());
    for warning in &loaded.warnings {
        tracing::warn!(event = "configuration_warning", "{warning}");
    }
    let served = runtime.block_on(serve::serve(loaded.settings, invocation));
    // The last spans are sent by a task of the runtime.
    drop(traces);
    // A blocking thread that still reads for a disconnected client must not delay the exit.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    served.map(|()| Answer::silent()).map_err(|error| Failed(error.to_string()))
}
