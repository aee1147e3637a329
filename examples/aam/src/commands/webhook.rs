//! `aam webhook`

use aam_registry_core::types::{AuditEvent, JobId, ScopeName, WebhookId, WebhookSecret, WebhookUrl};
use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Map, Value, json};

use super::scope::scope_name;
use crate::{
    config::Secret,
    failure::{Failure, Result},
    output::{moment, table},
    prompt,
    session::Session,
};

/// Tell other servers what happens in a scope
#[derive(Debug, Subcommand)]
#[command(
    long_about = "Tell other servers what happens in a scope: each event is sent to the webhook's address, signed as \
    standardwebhooks.com specifies. For owners of the scope.\n\n  \
    aam webhook add my_org https://hooks.example.com/aam --event package.publish,version.yank\n  \
    aam webhook ping my_org <ID>\n  \
    aam webhook deliveries my_org <ID>\n  \
    aam webhook redeliver my_org <DELIVERY>\n\n\
    A webhook is disabled after its receiver answered 410, or after a week in which every delivery failed. \
    `aam webhook show` says so; `aam webhook update my_org <ID> --enable` enables it again."
)]
pub(crate) enum Webhook {
    /// List the webhooks of a scope
    #[command(alias = "ls")]
    List {
        /// With or without `@`
        #[arg(value_parser = scope_name)]
        scope: ScopeName,
    },
    Add(Add),
    /// Show a webhook: what it receives, and whether it is disabled
    Show(One),
    Update(Update),
    /// Delete a webhook; what waits is not sent any more
    #[command(alias = "remove")]
    Rm(One),
    /// Send a test message, also to a webhook that is disabled
    Ping(One),
    Deliveries(Deliveries),
    /// Send a delivery again, at once and under the same webhook-id
    Redeliver {
        /// With or without `@`
        #[arg(value_parser = scope_name)]
        scope: ScopeName,
        /// Its id, from `aam webhook deliveries`
        delivery: JobId,
    },
}

/// A webhook.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// With or without `@`
    #[arg(value_parser = scope_name)]
    scope: ScopeName,
    /// Its id, from `aam webhook list`
    id: WebhookId,
}

/// Make a webhook and print its secret, once
#[derive(Debug, Args)]
#[command(long_about = "Make a webhook and print its secret to stdout. It is shown this once. The receiver verifies \
    messages with it, by any library that standardwebhooks.com lists.\n\n  \
    aam webhook add my_org https://hooks.example.com/aam --event package.publish\n  \
    SECRET=$(aam webhook add my_org https://hooks.example.com/aam --event package.publish --quiet)")]
pub(crate) struct Add {
    /// With or without `@`
    #[arg(value_parser = scope_name)]
    scope: ScopeName,
    /// Where events are sent: on the public internet, on port 80, 443 or above 1023
    #[arg(value_parser = url)]
    url: String,
    /// What is sent, such as package.publish
    #[arg(long = "event", value_name = "EVENT", value_delimiter = ',', required = true, value_parser = event)]
    events: Vec<String>,
    /// Use the secret on stdin, `whsec_` and base64 of 24 to 64 bytes, instead of a new one
    #[arg(long)]
    secret_stdin: bool,
}

/// Change a webhook, disable it or enable it again
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("what").required(true).multiple(true)
        .args(["url", "events", "secret_stdin", "rotate_secret", "enable", "disable"])),
    long_about = "Change a webhook: what is given changes.\n\n  \
    aam webhook update my_org <ID> --enable\n  \
    aam webhook update my_org <ID> --event package.publish,tag.set\n  \
    SECRET=$(aam webhook update my_org <ID> --rotate-secret --quiet)"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Update {
    #[command(flatten)]
    webhook: One,
    /// Where events are sent
    #[arg(long, value_name = "URL", value_parser = url)]
    url: Option<String>,
    /// What is sent, in place of what was
    #[arg(long = "event", value_name = "EVENT", value_delimiter = ',', value_parser = event)]
    events: Vec<String>,
    /// Sign with the secret on stdin from now on
    #[arg(long, conflicts_with = "rotate_secret")]
    secret_stdin: bool,
    /// Sign with a new secret from now on, and print it, once
    #[arg(long)]
    rotate_secret: bool,
    /// Use it again
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Send nothing to it
    #[arg(long)]
    disable: bool,
}

/// List the deliveries to a webhook, newest first
#[derive(Debug, Args)]
pub(crate) struct Deliveries {
    #[command(flatten)]
    webhook: One,
    /// At most this many
    #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=200))]
    limit: u64,
    /// Which page, from 1
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    page: u64,
}

fn url(text: &str) -> Result<String, &'static str> {
    WebhookUrl::parse(text).map(|url| url.as_str().to_owned())
}

fn event(text: &str) -> Result<String, String> {
    let known = || AuditEvent::of_scopes().map(AuditEvent::as_str).collect::<Vec<_>>().join(", ");
    let found = AuditEvent::parse(text).filter(|event| event.is_of_scope());
    found.map(|event| event.as_str().to_owned()).ok_or_else(|| format!("use one of {}", known()))
}

/// The secret on stdin.
fn secret(from_stdin: bool) -> Result<Option<Secret>> {
    if !from_stdin {
        return Ok(None);
    }
    let given = prompt::password("Secret", true)?;
    WebhookSecret::parse(given.expose()).map_err(|wrong| Failure::usage(format!("The secret {wrong}")))?;
    Ok(Some(given))
}

/// A field as text; nothing where there is none.
fn text(value: &Value, field: &str) -> String {
    match &value[field] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn events(webhook: &Value) -> String {
    let events = webhook["events"].as_array().map(Vec::as_slice).unwrap_or_default();
    events.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
}

/// How a webhook stands, in a few words.
fn standing(webhook: &Value) -> String {
    match webhook["disabled_reason"].as_str() {
        Some("gone") => "disabled: the receiver answered 410".to_owned(),
        Some("failing") => "disabled: every delivery failed for a week".to_owned(),
        Some(_) => "disabled".to_owned(),
        None if webhook["failing_since"].is_string() => {
            format!("failing since {}", moment(&text(webhook, "failing_since")))
        }
        None => "enabled".to_owned(),
    }
}

fn shown(webhook: &Value) -> Vec<String> {
    let rows = [
        ("id", text(webhook, "id")),
        ("scope", format!("@{}", text(webhook, "scope"))),
        ("url", text(webhook, "url")),
        ("events", events(webhook)),
        ("state", standing(webhook)),
    ];
    table(&rows.map(|(name, value)| vec![name.to_owned(), value]))
}

fn listed(webhooks: &[Value], scope: &ScopeName) -> Vec<String> {
    if webhooks.is_empty() {
        return vec![format!("@{scope} has no webhooks")];
    }
    let mut rows = vec![["id", "url", "events", "state"].map(str::to_owned).to_vec()];
    rows.extend(webhooks.iter().map(|one| vec![text(one, "id"), text(one, "url"), events(one), standing(one)]));
    table(&rows)
}

fn delivered(deliveries: &[Value]) -> Vec<String> {
    if deliveries.is_empty() {
        return vec!["Nothing was sent in the last two weeks".to_owned()];
    }
    let mut rows =
        vec![["id", "event", "package", "state", "attempts", "next", "last error"].map(str::to_owned).to_vec()];
    rows.extend(deliveries.iter().map(|one| {
        let package = match (text(one, "package"), text(one, "version")) {
            (package, version) if version.is_empty() => package,
            (package, version) => format!("{package}@{version}"),
        };
        let (next, error) = (moment(&text(one, "next_attempt_at")), text(one, "last_error"));
        vec![text(one, "id"), text(one, "event"), package, text(one, "state"), text(one, "attempts"), next, error]
    }));
    table(&rows)
}

impl Update {
    fn body(&self) -> Result<Value> {
        let mut body = Map::new();
        if let Some(url) = &self.url {
            body.insert("url".to_owned(), json!(url));
        }
        if !self.events.is_empty() {
            body.insert("events".to_owned(), json!(self.events));
        }
        if let Some(secret) = secret(self.secret_stdin)? {
            body.insert("secret".to_owned(), json!(secret.expose()));
        }
        if self.rotate_secret {
            body.insert("rotate_secret".to_owned(), json!(true));
        }
        if self.enable || self.disable {
            body.insert("enabled".to_owned(), json!(self.enable));
        }
        Ok(body.into())
    }
}

impl Webhook {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let client = session.authenticated(&session.registry()?)?;
        let out = &session.out;
        match self {
            Self::List { scope } => {
                let webhooks = client.webhooks(&scope).await?.webhooks;
                out.result(&webhooks, || listed(&webhooks, &scope))
            }
            Self::Add(Add { scope, url, events, secret_stdin }) => {
                let mut body = json!({"url": url, "events": events});
                if let Some(secret) = secret(secret_stdin)? {
                    body["secret"] = json!(secret.expose());
                }
                let made = client.create_webhook(&scope, &body).await?;
                out.note(&format!("Webhook {} of @{scope}. Its secret is shown this once:", text(&made.whole, "id")));
                out.result(&made, || vec![text(&made.whole, "secret")])
            }
            Self::Show(One { scope, id }) => {
                let webhook = client.webhook(&scope, id).await?;
                out.result(&webhook, || shown(&webhook.whole))
            }
            Self::Update(update) => {
                let One { scope, id } = &update.webhook;
                let changed = client.change_webhook(scope, *id, &update.body()?).await?;
                if update.rotate_secret {
                    out.note("The new secret is shown this once:");
                    return out.result(&changed, || vec![text(&changed.whole, "secret")]);
                }
                out.done(&changed, || shown(&changed.whole))
            }
            Self::Rm(One { scope, id }) => {
                client.delete_webhook(&scope, id).await?;
                let value = json!({"scope": scope.as_str(), "removed": id.to_string()});
                out.done(&value, || vec![format!("Deleted webhook {id} of @{scope}")])
            }
            Self::Ping(One { scope, id }) => {
                let delivery = client.ping_webhook(&scope, id).await?;
                let hint = format!("Sent soon; `aam webhook deliveries {scope} {id}` says how it ended");
                out.done(&delivery, || vec![hint])
            }
            Self::Deliveries(Deliveries { webhook: One { scope, id }, limit, page }) => {
                let answer = client.webhook_deliveries(&scope, id, page, limit).await?;
                out.result(&answer, || {
                    let mut lines = delivered(&answer.read.deliveries);
                    let pages = answer.read.pages;
                    if page < pages {
                        lines.push(format!("Page {page} of {pages}; --page {} shows the next", page + 1));
                    }
                    lines
                })
            }
            Self::Redeliver { scope, delivery } => {
                let again = client.redeliver(&scope, delivery).await?;
                out.done(&again, || vec![format!("Delivery {delivery} is sent again now")])
            }
        }
    }
}
