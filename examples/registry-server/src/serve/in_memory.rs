//! A server with a registry in memory, for tests of the code around it.

use std::sync::Arc;

use aam_registry_core::{
    http::{Readiness, ReadinessState, RegistryService},
    memory,
};

use super::{
    connection::{Http2Bounds, Patience, Serving},
    seats::Seats,
};

pub(super) fn serving(seats: &Arc<Seats>, patience: Patience) -> Arc<Serving> {
    let bounds = Http2Bounds { streams: 100, send_buffer: 64 * 1024 };
    let registry = memory::registry().build().expect("a registry");
    let service = RegistryService::builder(registry).base_url("http://localhost").build().expect("a service");
    Arc::new(Serving::new(service, Readiness::new(ReadinessState::Ready), None, Arc::clone(seats), patience, bounds))
}
