use std::{error::Error as StdError, time::Duration};

use aam_registry_core::{ports::ChangeEvent, types::Change};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use redis::{
    Client, ErrorKind, RedisError, RedisResult, Value,
    aio::{PubSubSink, PubSubStream},
};
use tokio::time::{sleep, timeout};

use super::{
    RedisLink,
    connector::timed_out,
    failure,
    message::{self, CHANNEL},
    purpose::Purpose,
};

/// How long a connection may be silent before Redis is pinged.
const SILENCE: Duration = Duration::from_secs(1);
/// How long Redis may take to answer the ping.
const PATIENCE: Duration = Duration::from_secs(2);
/// The shortest and the longest pause between two attempts to connect.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// One subscriber: connects, listens, and connects again.
pub(super) struct Subscription {
    redis: RedisLink,
    /// The sender whose messages are ignored.
    ignored_sender: Option<String>,
    link: Option<Link>,
    /// The last link event that the subscriber received.
    last_link_event: Option<ChangeEvent>,
    pause: Duration,
}

struct Link {
    sink: PubSubSink,
    messages: PubSubStream,
}

impl Subscription {
    pub(super) fn new(redis: RedisLink, ignored_sender: Option<String>) -> Self {
        Self { redis, ignored_sender, link: None, last_link_event: None, pause: Duration::ZERO }
    }

    pub(super) fn into_stream(self) -> BoxStream<'static, ChangeEvent> {
        stream::unfold(self, |mut this| async { Some((this.next().await, this)) }).boxed()
    }

    async fn next(&mut self) -> ChangeEvent {
        loop {
            let Some(link) = &mut self.link else {
                if let Some(news) = self.connect().await {
                    return news;
                }
                continue;
            };
            match link.next().await {
                Ok((sender, _)) if self.ignored_sender.as_ref() == Some(&sender) => {}
                Ok((_, change)) => return ChangeEvent::Changed(change),
                Err(error) => {
                    self.link = None;
                    if let Some(news) = self.lost(&error) {
                        return news;
                    }
                }
            }
        }
    }

    /// Tries once to connect. Returns the event for the subscriber, if any.
    async fn connect(&mut self) -> Option<ChangeEvent> {
        if self.last_link_event.is_none() && self.redis.namespace().get().is_none() {
            // Nothing failed: the channel's name is just not known yet.
            self.last_link_event = Some(ChangeEvent::Lost);
            return self.last_link_event.clone();
        }
        let channel = [self.redis.namespace().wait().await, CHANNEL].concat();
        sleep(self.pause).await;
        let connecting = timeout(self.redis.connect_timeout(), Link::connect(self.redis.client(), &channel));
        match connecting.await.unwrap_or_else(|_| Err(timed_out())) {
            Ok(link) => {
                self.link = Some(link);
                self.pause = Duration::ZERO;
                if self.last_link_event == Some(ChangeEvent::Lost) {
                    tracing::info!(event = "changes_linked", "changes made by other replicas are received again");
                }
                self.last_link_event = Some(ChangeEvent::Linked);
                self.last_link_event.clone()
            }
            Err(error) => {
                self.pause = (self.pause * 2).clamp(PAUSES.0, PAUSES.1);
                self.lost(&error)
            }
        }
    }

    fn lost(&mut self, error: &RedisError) -> Option<ChangeEvent> {
        failure::count(Purpose::Changes);
        if self.last_link_event == Some(ChangeEvent::Lost) {
            return None;
        }
        tracing::warn!(
            event = "changes_lost",
            error = error as &dyn StdError,
            "changes made by other replicas are not received until redis answers again",
        );
        self.last_link_event = Some(ChangeEvent::Lost);
        self.last_link_event.clone()
    }
}

impl Link {
    /// A connection whose subscription Redis has confirmed.
    async fn connect(client: &Client, channel: &str) -> RedisResult<Self> {
        let (mut sink, messages) = client.get_async_pubsub().await?.split();
        sink.subscribe(channel).await?;
        Ok(Self { sink, messages })
    }

    /// The next change, and its sender.
    async fn next(&mut self) -> RedisResult<(String, Change)> {
        loop {
            match timeout(SILENCE, self.messages.next()).await {
                Ok(Some(message)) => {
                    let (sender, change) = message::read(message.get_payload_bytes());
                    return Ok((sender.to_owned(), change));
                }
                Ok(None) => return Err((ErrorKind::Io, "the connection was closed").into()),
                Err(_) => {
                    let pinging = timeout(PATIENCE, self.sink.ping::<Value>());
                    pinging.await.unwrap_or_else(|_| Err(timed_out()))?;
                }
            }
        }
    }
}
