use bytes::Bytes;
use reqwest::{Response, header::HeaderMap};

use crate::error::Result;

/// An answer of the registry that the yardsticks give too.
#[derive(Clone, Debug)]
pub(crate) struct Canned {
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Canned {
    pub(crate) async fn of(path: &str, response: Response) -> Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self { path: path.to_owned(), status, headers, body: response.bytes().await? })
    }

    /// A header as text; empty if it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
