use std::{fmt, sync::Arc};

use aam_registry_core::{ports::StoredArchive, types::ArchiveKey};
use backon::Retryable;
use http::{Method, Request, StatusCode};
use opendal::{Buffer, Error, ErrorKind, HttpTransporter, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqsign_aws_v4::{Credential, RequestSigner};
use reqsign_core::{Context, OsEnv, Signer};
use reqsign_file_read_tokio::TokioFileRead;
use serde::Deserialize;

use super::{S3Config, credentials::credentials};
use crate::opendal::Patience;

/// The most pages of uploads that are read, a thousand uploads each. No real store has more.
const MOST_PAGES: usize = 10_000;

/// The characters that are not escaped in a query (RFC 3986, section 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The multipart uploads in progress in a bucket. OpenDAL begins and completes them, but can neither
/// list nor abort them after their writer has gone.
#[derive(Clone)]
pub(in crate::opendal) struct Uploads {
    /// The URL of the bucket, with a slash at the end.
    bucket: String,
    /// The prefix of the archives' keys there.
    prefix: String,
    transport: HttpTransporter,
    signer: Arc<Signer<Credential>>,
    patience: Patience,
}

/// The end of the last page of a listing.
#[derive(Debug, Default)]
struct Marker {
    key: Option<String>,
    upload: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    // Not optional, so that an answer of another kind is not taken for an empty page.
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_upload_id_marker: Option<String>,
    #[serde(default, rename = "Upload")]
    uploads: Vec<Upload>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Upload {
    key: String,
    #[serde(rename = "UploadId")]
    id: String,
    #[serde(default)]
    initiated: String,
}

impl Uploads {
    pub(super) fn new(config: &S3Config, transport: HttpTransporter) -> Self {
        let context = Context::new().with_file_read(TokioFileRead).with_http_send(transport.clone()).with_env(OsEnv);
        let signer = Signer::new(context, credentials(config), RequestSigner::new("s3", &config.region));
        let (endpoint, name) = (config.endpoint(), &config.bucket);
        let bucket = if config.is_path_style() {
            format!("{endpoint}/{name}/")
        } else {
            format!("{}/", endpoint.replacen("://", &format!("://{name}."), 1))
        };
        let patience = config.patience.clone();
        Self { bucket, prefix: config.prefix(), transport, signer: Arc::new(signer), patience }
    }

    /// Up to `limit` keys with uploads in progress, in order after `after`, each with the start of its
    /// latest upload.
    pub(in crate::opendal) async fn list(
        &self,
        after: Option<&ArchiveKey>,
        limit: usize,
    ) -> Result<Vec<StoredArchive>> {
        let mut listed: Vec<StoredArchive> = Vec::new();
        let prefix = format!("{}{}", self.prefix, ArchiveKey::PREFIX);
        let mut marker = Marker { key: after.map(|after| format!("{}{after}", self.prefix)), upload: None };
        let mut pages = 0;
        loop {
            bounded(&mut pages, &self.bucket)?;
            let page = self.page(&prefix, &marker).await?;
            for upload in page.uploads {
                let key = upload.key.strip_prefix(&self.prefix).and_then(|key| key.parse::<ArchiveKey>().ok());
                let Some(key) = key.filter(|key| after.is_none_or(|after| key > after)) else { continue };
                let begun_at = upload.initiated.parse().ok();
                if let Some(last) = listed.last_mut().filter(|last| last.key == key) {
                    last.modified_at = last.modified_at.max(begun_at);
                } else if listed.len() == limit {
                    return Ok(listed);
                } else {
                    listed.push(StoredArchive { key, size: 0, modified_at: begun_at });
                }
            }
            match next(page.is_truncated, page.next_key_marker, page.next_upload_id_marker, &marker)? {
                Some(next) => marker = next,
                None => return Ok(listed),
            }
        }
    }

    /// Aborts all uploads of one key.
    pub(in crate::opendal) async fn abort(&self, key: &ArchiveKey) -> Result<()> {
        let key = format!("{}{key}", self.prefix);
        let mut marker = Marker::default();
        let mut pages = 0;
        loop {
            bounded(&mut pages, &self.bucket)?;
            let page = self.page(&key, &marker).await?;
            for upload in page.uploads.iter().filter(|upload| upload.key == key) {
                self.abort_one(&key, &upload.id).await?;
            }
            match next(page.is_truncated, page.next_key_marker, page.next_upload_id_marker, &marker)? {
                Some(next) => marker = next,
                None => return Ok(()),
            }
        }
    }

    async fn page(&self, prefix: &str, from: &Marker) -> Result<Page> {
        let mut url = format!("{}?uploads&prefix={}", self.bucket, utf8_percent_encode(prefix, ENCODED));
        for (name, value) in [("key-marker", &from.key), ("upload-id-marker", &from.upload)] {
            if let Some(value) = value {
                url.extend(["&", name, "="].into_iter().chain(utf8_percent_encode(value, ENCODED)));
            }
        }
        let (status, body) = self.send(Method::GET, &url).await?;
        // A few stores do not list uploads, and remove unfinished ones in their own way.
        if status == StatusCode::NOT_IMPLEMENTED {
            return Ok(Page::default());
        }
        if status != StatusCode::OK {
            return Err(refused(status, &body));
        }
        quick_xml::de::from_str(&body)
            .map_err(|error| Error::new(ErrorKind::Unexpected, "not a list of uploads").set_source(error))
    }

    async fn abort_one(&self, key: &str, upload: &str) -> Result<()> {
        let path = key.split('/').map(|part| utf8_percent_encode(part, ENCODED).to_string()).collect::<Vec<_>>();
        let upload = utf8_percent_encode(upload, ENCODED);
        let (status, body) =
            self.send(Method::DELETE, &format!("{}{}?uploadId={upload}", self.bucket, path.join("/"))).await?;
        // It may have ended since it was listed.
        if status.is_success() || body.contains("<Code>NoSuchUpload</Code>") {
            return Ok(());
        }
        Err(refused(status, &body))
    }

    /// Sends a request without a body, with retries.
    async fn send(&self, method: Method, url: &str) -> Result<(StatusCode, String)> {
        let once = async || {
            let (status, body) = self.send_once(method.clone(), url).await?;
            if is_passing(status) { Err(refused(status, &body)) } else { Ok((status, body)) }
        };
        let tries = once.retry(self.patience.backoff()).when(Error::is_temporary);
        tokio::time::timeout(self.patience.read_in_all, tries).await.unwrap_or_else(|_| Err(no_answer()))
    }

    async fn send_once(&self, method: Method, url: &str) -> Result<(StatusCode, String)> {
        let fault = |error| Error::new(ErrorKind::Unexpected, "a request for uploads").set_source(error);
        let request = Request::builder().method(method).uri(url).body(Buffer::new()).map_err(fault)?;
        let (mut parts, body) = request.into_parts();
        let answered = async {
            self.signer.sign(&mut parts, None).await.map_err(|error| {
                let retry = error.is_retryable();
                Error::new(ErrorKind::Unexpected, "a request cannot be signed").with_temporary(retry).set_source(error)
            })?;
            self.transport.send(Request::from_parts(parts, body)).await
        };
        let answer = tokio::time::timeout(self.patience.read, answered).await.map_err(|_| no_answer())??;
        let (parts, body) = answer.into_parts();
        Ok((parts.status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
    }
}

/// The marker of the next page; `None` after the last page.
///
/// # Errors
/// If the store returns a marker that is not after the current one, and so would repeat itself.
fn next(truncated: bool, key: Option<String>, upload: Option<String>, current: &Marker) -> Result<Option<Marker>> {
    if !truncated {
        return Ok(None);
    }
    // Uploads of one key are sorted by their start, so the order of their ids says nothing.
    let advances = key > current.key || (key.is_some() && key == current.key && upload != current.upload);
    if advances {
        return Ok(Some(Marker { key, upload }));
    }
    let reason = "the store says that there are more unfinished uploads, and gives the same ones again";
    Err(Error::new(ErrorKind::Unexpected, reason))
}

/// Fails if the listing has more pages than any real store.
fn bounded(pages: &mut usize, bucket: &str) -> Result<()> {
    *pages += 1;
    if *pages <= MOST_PAGES {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unexpected, format!("the list of unfinished uploads at {bucket} does not end")))
}

fn no_answer() -> Error {
    Error::new(ErrorKind::Unexpected, "no answer in time").set_temporary()
}

fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504)
}

fn refused(status: StatusCode, body: &str) -> Error {
    let kind = match status {
        StatusCode::FORBIDDEN => ErrorKind::PermissionDenied,
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
        _ => ErrorKind::Unexpected,
    };
    let text: String = body.chars().take(500).collect();
    Error::new(kind, format!("{status}: {text}")).with_temporary(is_passing(status))
}

impl fmt::Debug for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploads").field("bucket", &self.bucket).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::opendal::s3::connect;

    #[tokio::test]
    async fn uploads_are_looked_for_where_opendal_makes_them() {
        let config = || S3Config::new("box").with_credentials("key", "secret".into());
        let configs = [
            (config().with_region("eu-west-1"), "https://box.s3.eu-west-1.amazonaws.com/"),
            (config().with_path_style(true), "https://s3.us-east-1.amazonaws.com/box/"),
            (config().with_endpoint("http://minio:9000/"), "http://minio:9000/box/"),
            (config().with_endpoint("http://127.0.0.1:9000").with_prefix("a/b"), "http://127.0.0.1:9000/box/"),
            (config().with_endpoint("https://s3.example.com").with_path_style(false), "https://box.s3.example.com/"),
        ];
        for (config, bucket) in configs {
            let remote = connect(&config).expect("a store");
            let uploads = remote.uploads.expect("S3 has them");
            assert_eq!(uploads.bucket, bucket);
            let link = remote.reading.presign_read("x", Duration::from_mins(1)).await.expect("a link");
            let object = format!("{bucket}{}x?", uploads.prefix);
            assert!(link.uri().to_string().starts_with(&object), "{} is not at {object}", link.uri());
        }
    }

    #[test]
    fn nothing_but_a_page_is_one() {
        let page: Page = quick_xml::de::from_str(
            "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>\
             <Upload><Key>a</Key><UploadId>1</UploadId><Initiated>2026-01-31T23:00:00.000Z</Initiated></Upload>\
             <Upload><Key>b</Key><UploadId>2</UploadId></Upload></ListMultipartUploadsResult>",
        )
        .expect("a page");
        assert_eq!((page.is_truncated, page.uploads.len()), (true, 2));
        for other in ["", "<html><body/></html>", "<ListMultipartUploadsResult/>", "{}"] {
            assert!(quick_xml::de::from_str::<Page>(other).is_err(), "{other:?} passed");
        }
    }

    #[test]
    fn a_store_that_repeats_itself_is_not_asked_for_ever() {
        let current = Marker { key: Some("k".into()), upload: Some("1".into()) };
        let next = |truncated, key: Option<&str>, upload: Option<&str>| {
            next(truncated, key.map(Into::into), upload.map(Into::into), &current).map(|next| next.is_some())
        };
        assert!(next(true, Some("k"), Some("1")).is_err(), "the same place");
        assert!(next(true, Some("j"), Some("1")).is_err(), "a place before it");
        assert!(next(true, None, None).is_err(), "no place");
        assert!(next(true, Some("k"), Some("2")).expect("the next upload of the key"));
        assert!(next(true, Some("l"), None).expect("the next key"));
        assert!(!next(false, Some("l"), None).expect("the end"));
        let mut pages = MOST_PAGES - 1;
        assert!(bounded(&mut pages, "bucket").is_ok() && bounded(&mut pages, "bucket").is_err());
    }
}
