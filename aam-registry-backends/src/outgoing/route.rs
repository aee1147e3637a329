use std::{fmt, sync::Arc, time::Duration};

use aam_registry_core::{Error, Result};
use reqwest::{Certificate, ClientBuilder, NoProxy, Proxy, Url, redirect::Policy};

use super::{AllowedNetworks, NameResolver, OutgoingClient, OutgoingHeaders, SystemResolver, client::CheckedResolver};

/// How the server calls others by HTTP: through which proxy, and whose certificates it trusts beside
/// those of the system. By default directly.
///
/// The variables `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` of the process are not read.
#[derive(Clone, Default)]
pub struct Outgoing {
    proxy: Option<ProxyRoute>,
    roots: Vec<Certificate>,
    headers: Option<Arc<dyn OutgoingHeaders>>,
}

#[derive(Clone)]
struct ProxyRoute {
    url: Url,
    exceptions: Option<NoProxy>,
}

/// Why a proxy or certificates cannot be used. The text does not quote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingFault(String);

impl fmt::Display for OutgoingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OutgoingFault {}

impl Outgoing {
    /// Calls through the proxy `url`, such as `http://user:password@proxy.example.com:3128`; without a
    /// scheme it is `http://`. Requests to `https` addresses use `CONNECT`.
    ///
    /// `exceptions` are called directly: a comma-separated list of addresses, networks and names, where
    /// a name stands for everything below it too, and `*` for everything.
    ///
    /// # Errors
    /// If `url` is not the address of an HTTP proxy.
    pub fn with_proxy(mut self, url: &str, exceptions: &str) -> std::result::Result<Self, OutgoingFault> {
        let fault = || OutgoingFault("is not the address of an HTTP proxy".to_owned());
        let with_scheme = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let url: Url = with_scheme.parse().map_err(|_| fault())?;
        let is_plain = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_plain {
            return Err(fault());
        }
        self.proxy = Some(ProxyRoute { url, exceptions: NoProxy::from_string(exceptions) });
        Ok(self)
    }

    /// Trusts the certificate authorities in `pem` beside those of the system.
    ///
    /// # Errors
    /// If there is no certificate in `pem`, or one that cannot be read.
    pub fn with_root_certificates(mut self, pem: &[u8]) -> std::result::Result<Self, OutgoingFault> {
        let found = Certificate::from_pem_bundle(pem)
            .map_err(|_| OutgoingFault("holds a certificate that cannot be read".to_owned()))?;
        if found.is_empty() {
            return Err(OutgoingFault("holds no certificate in PEM".to_owned()));
        }
        self.roots.extend(found);
        // A certificate that is no authority is found out when a client is built.
        self.builder().build().map_err(|_| OutgoingFault("holds a certificate that cannot be used".to_owned()))?;
        Ok(self)
    }

    /// Adds headers to every request, those to object stores included.
    #[must_use]
    pub fn with_headers(mut self, headers: impl OutgoingHeaders) -> Self {
        self.headers = Some(Arc::new(headers));
        self
    }

    /// What adds headers to every request.
    pub(crate) fn headers(&self) -> Option<Arc<dyn OutgoingHeaders>> {
        self.headers.clone()
    }

    /// A client that calls what the operator named, on whatever network that is, and waits for a whole answer for at
    /// most `timeout`. Requests to `http` addresses do not use the proxy: such servers are on the operator's own
    /// network.
    ///
    /// # Errors
    /// If the certificates of the system cannot be used.
    pub fn client_for_operator(&self, timeout: Duration) -> Result<OutgoingClient> {
        let build = |resolver: CheckedResolver| {
            let builder = self.builder().user_agent(concat!("aam-registry/", env!("CARGO_PKG_VERSION")));
            builder.dns_resolver(resolver).redirect(Policy::none()).referer(false).timeout(timeout).build()
        };
        let allowed = AllowedNetworks::all();
        let client = OutgoingClient::new(allowed, SystemResolver, None, timeout, build).map_err(Error::internal)?;
        Ok(client.with_headers(self.headers()))
    }

    /// A client that calls public addresses and those in `allowed`, and waits for a whole answer for at
    /// most `timeout`.
    ///
    /// # Errors
    /// If the certificates of the system cannot be used.
    pub fn client(&self, allowed: AllowedNetworks, timeout: Duration) -> Result<OutgoingClient> {
        self.client_with_resolver(allowed, timeout, SystemResolver)
    }

    /// The same, where names are looked up by `names`.
    ///
    /// # Errors
    /// As for [`client`](Self::client).
    pub fn client_with_resolver(
        &self,
        allowed: AllowedNetworks,
        timeout: Duration,
        names: impl NameResolver,
    ) -> Result<OutgoingClient> {
        let proxy = self.proxy.as_ref().and_then(|proxy| proxy.url.host_str().map(str::to_owned));
        let build = |resolver: CheckedResolver| {
            let builder = self.with_roots(ClientBuilder::new()).no_proxy();
            let builder = match &self.proxy {
                // Where a proxy decides what may be called, nothing goes past it.
                Some(proxy) => builder.proxy(proxy.of(Proxy::all(proxy.url.clone()))?),
                None => builder,
            };
            builder
                .user_agent(concat!("aam-registry/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(resolver)
                .redirect(Policy::none())
                // A connection that is kept would go to an address that the name may have no more.
                .pool_max_idle_per_host(0)
                .referer(false)
                .timeout(timeout)
                .build()
        };
        let client = OutgoingClient::new(allowed, names, proxy, timeout, build).map_err(Error::internal)?;
        Ok(client.with_headers(self.headers()))
    }

    /// A client for servers that the operator named, on whatever network they are.
    ///
    /// Requests to `http` addresses do not use the proxy: such servers are on the operator's own network.
    pub(crate) fn builder(&self) -> ClientBuilder {
        let builder = self.with_roots(ClientBuilder::new()).no_proxy();
        match &self.proxy {
            Some(proxy) => match proxy.of(Proxy::https(proxy.url.clone())) {
                Ok(route) => builder.proxy(route),
                // The address was parsed before.
                Err(_) => builder,
            },
            None => builder,
        }
    }

    fn with_roots(&self, builder: ClientBuilder) -> ClientBuilder {
        if self.roots.is_empty() { builder } else { builder.tls_certs_merge(self.roots.iter().cloned()) }
    }
}

impl ProxyRoute {
    fn of(&self, proxy: reqwest::Result<Proxy>) -> reqwest::Result<Proxy> {
        Ok(proxy?.no_proxy(self.exceptions.clone()))
    }
}

/// The address of a proxy may hold a password.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("proxy", &self.proxy.as_ref().and_then(|proxy| proxy.url.host_str()))
            .field("roots", &self.roots.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address_of_http() {
        for good in ["http://proxy.example:3128", "proxy.example:3128", "https://u:p@proxy.example/", "10.0.0.1:8080"] {
            assert!(Outgoing::default().with_proxy(good, "").is_ok(), "{good}");
        }
        for bad in ["socks5://proxy.example", "http://", "http://proxy.example/path", "http://proxy.example?x", "a b"] {
            let fault = Outgoing::default().with_proxy(bad, "").expect_err(bad);
            assert_eq!(fault.to_string(), "is not the address of an HTTP proxy");
        }
        let shown =
            format!("{:?}", Outgoing::default().with_proxy("http://u:hunter2@proxy.example", "").expect("a proxy"));
        assert!(shown.contains("proxy.example") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn certificates_are_checked_when_they_are_given() {
        let made = rcgen::generate_simple_self_signed(["h".to_owned()]).expect("a certificate").cert.pem();
        assert!(Outgoing::default().with_root_certificates(made.as_bytes()).is_ok());
        for bad in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----\n"] {
            assert!(Outgoing::default().with_root_certificates(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
