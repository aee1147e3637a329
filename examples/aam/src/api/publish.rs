//! Sending an archive.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aam_registry_core::types::{DistTag, PackageName, Sha256Digest, Version};
use futures_util::StreamExt;
use reqwest::{
    Body, Method, Response,
    multipart::{Form, Part},
};
use tokio_util::io::ReaderStream;

use super::{
    answer,
    client::{Client, IDLE},
    retry::{self, Repeat},
    unreachable::unreachable_registry,
    wire::Receipt,
};
use crate::{
    failure::{Failure, Kind, Result},
    output::plain,
};

/// How long the registry may take to answer once it has everything, in idle periods.
const PATIENCE: u32 = 4;
/// How long its answer may take to arrive whole once it has begun.
const ANSWER: Duration = IDLE.saturating_mul(PATIENCE);

/// An archive to publish.
#[derive(Debug)]
pub(crate) struct Upload<'a> {
    pub(crate) path: &'a Path,
    pub(crate) name: &'a PackageName,
    pub(crate) version: &'a Version,
    pub(crate) sha256: Sha256Digest,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) tag: Option<&'a DistTag>,
}

/// How a publish ended well.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The registry took it.
    Published(Box<Receipt>),
    /// The registry already had exactly these bytes as that version, from a
    /// publish whose answer never came or from an earlier run.
    AlreadyThere,
}

/// Why one try brought no answer.
enum Silence {
    Broken(reqwest::Error),
    Stalled,
    /// The answer began and did not end.
    Unfinished,
}

impl Silence {
    fn may_pass(&self) -> bool {
        match self {
            Self::Broken(error) => Repeat::Harmless.after_error(error),
            Self::Stalled | Self::Unfinished => true,
        }
    }

    fn told(&self, client: &Client) -> Failure {
        match self {
            Self::Broken(error) => unreachable_registry(client.registry(), error),
            Self::Stalled | Self::Unfinished => {
                let what =
                    if matches!(self, Self::Stalled) { "taking the archive" } else { "in the middle of its answer" };
                let message = format!("{} stopped {what}", client.registry());
                Failure::new(Kind::Unavailable, "unreachable", message)
                    .hint("publish again: a version that arrived after all is recognised")
            }
        }
    }
}

impl Client {
    /// Publishes an archive; `progress` hears the bytes sent so far.
    pub(crate) async fn publish(
        &self,
        upload: &Upload<'_>,
        progress: impl Fn(u64) + Clone + Send + 'static,
    ) -> Result<Outcome> {
        self.in_transfer_time(self.publish_in_tries(upload, progress)).await
    }

    async fn publish_in_tries(
        &self,
        upload: &Upload<'_>,
        progress: impl Fn(u64) + Clone + Send + 'static,
    ) -> Result<Outcome> {
        let mut attempt = 0;
        loop {
            let last = attempt + 1 == retry::ATTEMPTS;
            let silence = match self.send_archive(upload, progress.clone()).await? {
                Ok(response) => match Repeat::Harmless.after_answer(response.status(), response.headers(), attempt) {
                    Some(wait) if !last && self.wait(wait, Some(response.status())).await => None,
                    _ => match tokio::time::timeout(ANSWER, answer::json(self.registry(), response)).await {
                        Ok(answer) => return self.published(upload, answer).await,
                        Err(_) => Some(Silence::Unfinished),
                    },
                },
                Err(silence) => Some(silence),
            };
            if let Some(silence) = silence {
                let again = !last && silence.may_pass();
                if !again || !self.wait(retry::backoff(attempt), None).await {
                    return Err(silence.told(self));
                }
            }
            attempt += 1;
        }
    }

    async fn published(&self, upload: &Upload<'_>, answer: Result<Receipt>) -> Result<Outcome> {
        match answer {
            Ok(receipt) => self.is_for(upload, receipt).map(|receipt| Outcome::Published(Box::new(receipt))),
            Err(failure) if &*failure.code == "version_exists" && names(&failure, upload.sha256) => {
                // The lost answer may have been lost before the tag was asked for.
                if let Some(tag) = upload.tag {
                    self.set_tag(upload.name, tag, upload.version).await?;
                }
                Ok(Outcome::AlreadyThere)
            }
            Err(failure) if &*failure.code == "version_gone" => Err(failure.hint("raise the version in aam.yaml")),
            Err(failure) => Err(failure),
        }
    }

    /// Fails unless the receipt is one for what was sent.
    fn is_for(&self, upload: &Upload<'_>, receipt: Receipt) -> Result<Receipt> {
        let Upload { name, version, sha256, .. } = upload;
        let told = (&*receipt.name, &*receipt.version, *receipt.checksum.sha256);
        if told == (name.as_str(), *version, *sha256) {
            return Ok(receipt);
        }
        let what = format!(
            "{name} {version} with the sha256 {sha256} was sent, and it says that it took {} {} with {}",
            plain(told.0),
            told.1,
            told.2
        );
        Err(answer::unexpected(self.registry(), &what).hint(format!("see what it has with `aam info {name}`")))
    }

    async fn send_archive(
        &self,
        upload: &Upload<'_>,
        progress: impl Fn(u64) + Send + 'static,
    ) -> Result<Result<Response, Silence>> {
        let failed = |error| Failure::io("read", upload.path, &error);
        let file = tokio::fs::File::open(upload.path).await.map_err(failed)?;
        let sent = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&sent);
        let stream = ReaderStream::with_capacity(file, 64 * 1024).inspect(move |chunk| {
            if let Ok(chunk) = chunk {
                let size = chunk.len() as u64;
                progress(counter.fetch_add(size, Ordering::Relaxed) + size);
            }
        });
        let archive = Part::stream_with_length(Body::wrap_stream(stream), upload.size).file_name(format!(
            "{}-{}.aam",
            upload.name.fs_name(),
            upload.version
        ));
        // What can be judged without the archive goes first, so that it can be refused first.
        let mut form = Form::new().text("checksum", upload.sha256.to_string());
        if let Some(tag) = upload.tag {
            form = form.text("tag", tag.to_string());
        }
        let form = form.part("archive", archive);
        let request = self.authorised(self.uploads.request(Method::POST, self.url("packages"))).multipart(form);
        tokio::select! {
            answer = request.send() => Ok(answer.map_err(Silence::Broken)),
            () = stall(&sent, upload.size) => Ok(Err(Silence::Stalled)),
        }
    }
}

/// Ends when nothing was sent for a while, or no answer followed what was sent.
async fn stall(sent: &AtomicU64, size: u64) {
    let (mut before, mut silent) = (0, 0);
    loop {
        tokio::time::sleep(IDLE).await;
        let now = sent.load(Ordering::Relaxed);
        silent = if now == before { silent + 1 } else { 0 };
        before = now;
        let allowed = if now >= size { PATIENCE } else { 1 };
        if silent >= allowed {
            return;
        }
    }
}

fn names(failure: &Failure, sha256: Sha256Digest) -> bool {
    let text = sha256.to_string();
    failure.details.iter().any(|detail| detail.error.eq_ignore_ascii_case(&text))
}
