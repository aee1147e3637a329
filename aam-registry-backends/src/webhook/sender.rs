use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use aam_registry_core::{
    Error, Result,
    ports::{WebhookAnswer, WebhookMessage, WebhookSender},
};
use async_trait::async_trait;
use http::{HeaderMap, header};
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

use super::{AllowedNetworks, NameResolver, SystemResolver};

/// How long a receiver has to answer, its name and the connection included.
const PATIENCE: Duration = Duration::from_secs(15);

/// Sends webhooks by HTTP/1.1, each on a connection of its own: its name is
/// resolved, the addresses are checked, and one of these is connected to.
#[derive(Clone, Debug)]
pub struct HttpWebhooks {
    client: Client,
    allowed: AllowedNetworks,
}

impl HttpWebhooks {
    /// Sends to public addresses and to those in `allowed`.
    ///
    /// # Errors
    /// Where the certificates of the system cannot be read.
    pub fn new(allowed: AllowedNetworks) -> Result<Self> {
        Self::with_resolver(allowed, SystemResolver)
    }

    /// The same, where names are looked up by `names`.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn with_resolver(allowed: AllowedNetworks, names: impl NameResolver) -> Result<Self> {
        let client = Client::builder()
            .user_agent(concat!("aam-registry/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(CheckedResolver { allowed: allowed.clone(), names: Arc::new(names) })
            .redirect(Policy::none())
            // A proxy would resolve the name anew.
            .no_proxy()
            // A connection that is kept would go to an address that the name may have no more.
            .pool_max_idle_per_host(0)
            .referer(false)
            .timeout(PATIENCE)
            .build()
            .map_err(Error::internal)?;
        Ok(Self { client, allowed })
    }
}

#[async_trait]
impl WebhookSender for HttpWebhooks {
    async fn send(&self, message: &WebhookMessage<'_>) -> std::result::Result<WebhookAnswer, String> {
        let url = Url::parse(message.url.as_str()).map_err(|_| "the address cannot be parsed")?;
        // An address in place of a name is not resolved.
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = host.parse::<IpAddr>()
            && !self.allowed.admit(address)
        {
            return Err(refused(host));
        }
        let timestamp = message.sent_at.as_second();
        let signature = Webhook::new(message.secret.expose())
            .and_then(|webhook| webhook.sign(message.id, timestamp, message.body.as_bytes()))
            .map_err(|_| "the message cannot be signed")?;
        let request = self
            .client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(HEADER_WEBHOOK_ID, message.id)
            .header(HEADER_WEBHOOK_TIMESTAMP, timestamp)
            .header(HEADER_WEBHOOK_SIGNATURE, signature)
            .body(message.body.to_owned());
        // The body of the answer is not read: it is closed with the connection.
        let answer = request.send().await.map_err(|error| reason(&error.without_url()))?;
        Ok(WebhookAnswer { status: answer.status().as_u16(), retry_after: retry_after(answer.headers()) })
    }
}

fn refused(host: &str) -> String {
    format!("{host} is on a network that webhooks may not reach; WEBHOOK_ALLOW_PRIVATE allows more")
}

/// Why there is no answer, with its causes.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} seconds", PATIENCE.as_secs());
    }
    let error: &(dyn std::error::Error + 'static) = error;
    let mut texts: Vec<_> =
        std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}

/// The header `Retry-After`, in seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    SystemTime::from(date.timestamp()).duration_since(SystemTime::now()).ok()
}

/// Resolves names, and gives of their addresses only those that may be called.
#[derive(Clone, Debug)]
struct CheckedResolver {
    allowed: AllowedNetworks,
    names: Arc<dyn NameResolver>,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { allowed, names } = self.clone();
        Box::pin(async move {
            let found = names.look_up(name.as_str()).await?.into_iter();
            let admitted: Vec<_> = found.filter(|address| allowed.admit(*address)).collect();
            if admitted.is_empty() {
                return Err(refused(name.as_str()).into());
            }
            Ok(Box::new(admitted.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}
