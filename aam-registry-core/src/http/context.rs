use http::{Extensions, HeaderValue};

use super::MatchedRoute;
use crate::layers::ClientAddress;

/// What the layers have learned of a request; an extension of it.
///
/// One for all of them, since every extension costs a request two allocations.
/// Who makes the request is apart from it: see [`Principal`](crate::types::Principal).
#[derive(Clone, Debug, Default)]
pub struct RequestContext {
    id: Option<HeaderValue>,
    route: Option<MatchedRoute>,
    client: Option<ClientAddress>,
}

impl RequestContext {
    /// What is known of the request with these extensions.
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// The same, to add to it.
    pub(crate) fn of_mut(extensions: &mut Extensions) -> &mut Self {
        extensions.get_or_insert_default()
    }

    /// The id of the request, where [`RequestIdLayer`](crate::layers::RequestIdLayer) gave it one.
    pub fn id(&self) -> Option<&HeaderValue> {
        self.id.as_ref()
    }

    /// What its path and method mean, where [`MatchRouteLayer`](crate::layers::MatchRouteLayer) found that.
    pub fn route(&self) -> Option<&MatchedRoute> {
        self.route.as_ref()
    }

    /// Where it comes from, where [`ClientAddressLayer`](crate::layers::ClientAddressLayer) was told that.
    pub fn client(&self) -> Option<ClientAddress> {
        self.client
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
}
