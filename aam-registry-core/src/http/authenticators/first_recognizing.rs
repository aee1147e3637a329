use std::sync::Arc;

use async_trait::async_trait;
use http::{Extensions, HeaderMap, request::Parts};

use crate::{
    error::{Error, Result},
    ports::Authenticator,
    types::Principal,
};

/// Several authenticators. The first that recognizes a request's credential decides: if it refuses the
/// credential, no other is asked.
#[derive(Clone, Debug)]
pub(crate) struct FirstRecognizing(pub(crate) Vec<Arc<dyn Authenticator>>);

impl FirstRecognizing {
    fn of(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<&Arc<dyn Authenticator>> {
        self.0.iter().find(|authenticator| authenticator.credential(headers, extensions).is_some())
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Authenticator for FirstRecognizing {
    fn credential<'r>(&self, headers: &'r HeaderMap, extensions: &'r Extensions) -> Option<&'r [u8]> {
        self.0.iter().find_map(|authenticator| authenticator.credential(headers, extensions))
    }

    async fn authenticate(&self, request: &Parts) -> Result<Principal> {
        match self.of(&request.headers, &request.extensions) {
            Some(authenticator) => authenticator.authenticate(request).await,
            None => Err(Error::Unauthorized("This needs a credential".to_owned())),
        }
    }
}
