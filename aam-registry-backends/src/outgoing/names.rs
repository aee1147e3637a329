use std::{fmt::Debug, io, net::IpAddr};

use async_trait::async_trait;

/// Finds the addresses of a name.
#[async_trait]
pub trait NameResolver: Debug + Send + Sync + 'static {
    /// The addresses that `name` has now.
    ///
    /// # Errors
    /// Where the name cannot be looked up.
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// Asks the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl NameResolver for SystemResolver {
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}
