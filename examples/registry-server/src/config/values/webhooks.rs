//! The operator's webhooks.

use std::collections::BTreeSet;

use aam_registry_core::types::{AuditEvent, OperatorWebhook, WebhookName, WebhookSecret, WebhookUrl};
use serde::Deserialize;

use crate::config::setting::{Refusal, Value};

/// Receivers of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Webhooks(pub(crate) Vec<OperatorWebhook>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    #[serde(default)]
    name: Option<String>,
    url: String,
    secret: String,
    events: Vec<String>,
    #[serde(default)]
    private: bool,
}

impl Value for Webhooks {
    const PLACEHOLDER: &'static str = "LIST";

    fn allowed() -> String {
        "a list such as `[ { url: https://hooks.example.com/aam, secret: whsec_…, events: [package.publish] } ]`"
            .to_owned()
    }

    /// Reads the list as the JSON that the file's reader makes of it.
    fn parse(text: &str) -> Result<Self, Refusal> {
        let items: Vec<serde_json::Value> = serde_json::from_str(text).map_err(|_| Refusal::NotAllowed)?;
        let (mut hooks, mut names) = (Vec::new(), BTreeSet::new());
        for (at, item) in items.into_iter().enumerate() {
            let hook = webhook(item).map_err(|wrong| Refusal::Because(format!("webhook {}: {wrong}", at + 1)))?;
            if !names.insert(hook.name.clone()) {
                let (at, name) = (at + 1, hook.name.as_str());
                let wrong = format!(
                    "webhook {at}: another one is called {name}; give each a `name` of its own (without one it is called as its host)"
                );
                return Err(Refusal::Because(wrong));
            }
            hooks.push(hook);
        }
        Ok(Self(hooks))
    }
}

fn webhook(item: serde_json::Value) -> Result<OperatorWebhook, String> {
    // The error of the parser may quote a value.
    let item: Item = serde_json::from_value(item).map_err(|_| {
        "must have `url`, `secret` and `events`, a list of events, may have a `name` and `private: true`, and nothing else"
            .to_owned()
    })?;
    if item.events.is_empty() {
        return Err("`events` must name an event, such as package.publish".to_owned());
    }
    let event = |text: &String| {
        let event = AuditEvent::parse(text).filter(|event| event.can_be_subscribed());
        event.ok_or_else(|| {
            let events = AuditEvent::ALL.iter().filter(|event| event.can_be_subscribed()).map(|event| event.as_str());
            format!("`events` may hold: {}", events.collect::<Vec<_>>().join(", "))
        })
    };
    let url = WebhookUrl::parse(&item.url).map_err(|wrong| format!("`url` {wrong}"))?;
    // A host of IPv6 has brackets and colons, which no name has.
    let name = item.name.unwrap_or_else(|| url.host().replace(['[', ']'], "").replace(':', "-"));
    Ok(OperatorWebhook {
        name: WebhookName::parse(&name).map_err(|wrong| format!("`name` {wrong}"))?,
        url,
        secret: WebhookSecret::parse(&item.secret).map_err(|wrong| format!("`secret` {wrong}"))?,
        events: item.events.iter().map(event).collect::<Result<_, _>>()?,
        private: item.private,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn wrong(hooks: &serde_json::Value) -> String {
        match Webhooks::parse(&hooks.to_string()) {
            Err(Refusal::Because(wrong)) => wrong,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_webhook_says_where_and_what() {
        let good = json!({"url": "https://h.example/x", "secret": SECRET, "events": ["package.publish", "tag.set"]});
        let Webhooks(hooks) = Webhooks::parse(&json!([good]).to_string()).expect("a list");
        assert_eq!(hooks[0].events, [AuditEvent::PackagePublish, AuditEvent::TagSet]);
        assert!(!hooks[0].private, "private packages are told of where that is asked for");
        let mut all = good.clone();
        all["private"] = json!(true);
        let Webhooks(hooks) = Webhooks::parse(&json!([all]).to_string()).expect("a list");
        assert!(hooks[0].private);
        for (key, value, says) in [
            ("url", json!("ftp://h.example"), "`https://`"),
            ("secret", json!("hunter2hunter2"), "whsec_"),
            ("events", json!([]), "must name an event"),
            ("events", json!(["package.eaten"]), "package.publish"),
            ("events", json!(["user.login"]), "package.publish"),
            ("private", json!("yes"), "and nothing else"),
            ("secrets", json!(true), "and nothing else"),
            ("name", json!("@team"), "`name`"),
        ] {
            let mut bad = good.clone();
            bad[key] = value;
            let wrong = wrong(&json!([good, bad]));
            assert!(wrong.starts_with("webhook 2: ") && wrong.contains(says) && !wrong.contains("hunter2"), "{wrong}");
        }
        assert!(wrong(&json!([good, good])).contains("called h.example; give each a `name`"));
        let mut named = good.clone();
        named["name"] = json!("ci");
        let Webhooks(hooks) = Webhooks::parse(&json!([good, named]).to_string()).expect("two names");
        assert_eq!(hooks.iter().map(|hook| hook.name.as_str()).collect::<Vec<_>>(), ["h.example", "ci"]);
        assert!(wrong(&json!([{"url": "https://h.example"}])).contains("must have"));
    }
}
