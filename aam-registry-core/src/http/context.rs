use http::{Extensions, HeaderValue};

use super::MatchedRoute;
use crate::types::ClientAddress;

/// What the layers have found out about a request; one of its extensions.
///
/// A single extension for all of them, since each one costs a request two allocations. The caller is a
/// separate one: see [`Principal`](crate::types::Principal).
#[derive(Clone, Debug, Default)]
pub struct RequestContext {
    id: Option<HeaderValue>,
    route: Option<MatchedRoute>,
    client: Option<ClientAddress>,
    trace: Option<HeaderValue>,
}

impl RequestContext {
    /// The context of the request with these extensions.
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// The same, to add to it.
    pub(crate) fn of_mut(extensions: &mut Extensions) -> &mut Self {
        extensions.get_or_insert_default()
    }

    /// The id of the request, if [`RequestIdLayer`](crate::http::layers::RequestIdLayer) set one.
    pub fn id(&self) -> Option<&HeaderValue> {
        self.id.as_ref()
    }

    /// The matched route, if [`MatchRouteLayer`](crate::http::layers::MatchRouteLayer) found one.
    pub fn route(&self) -> Option<&MatchedRoute> {
        self.route.as_ref()
    }

    /// The client's address, if [`ClientAddressLayer`](crate::http::layers::ClientAddressLayer) knows it.
    pub fn client(&self) -> Option<ClientAddress> {
        self.client
    }

    /// The id of the request's trace, if [`TraceRequestsLayer`](crate::http::layers::TraceRequestsLayer) knows it.
    pub fn trace(&self) -> Option<&HeaderValue> {
        self.trace.as_ref()
    }

    pub(crate) fn into_route(self) -> Option<MatchedRoute> {
        self.route
    }

    pub(crate) fn set_id(&mut self, id: HeaderValue) {
        self.id = Some(id);
    }

    pub(crate) fn set_route(&mut self, route: MatchedRoute) {
        self.route = Some(route);
    }

    pub(crate) fn set_client(&mut self, client: ClientAddress) {
        self.client = Some(client);
    }

    pub(crate) fn set_trace(&mut self, trace: HeaderValue) {
        self.trace = Some(trace);
    }
}
