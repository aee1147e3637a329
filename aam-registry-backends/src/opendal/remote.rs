use std::{io, ops::Range};

use aam_registry_core::{
    ports::{ArchiveContent, StoredArchive},
    types::ArchiveKey,
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use opendal::{BytesRange, Error, ErrorKind, HttpTransporter, OperationContext, Operator};

use super::Patience;
use crate::archive_rules::SMALL;

/// The media type of every archive (RFC 6713).
pub(super) const GZIP: &str = "application/gzip";

/// One object store, with clients for different kinds of calls.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    /// For reading, listing and deleting.
    pub(super) reading: Operator,
    /// With longer time-outs, for writing.
    pub(super) writing: Operator,
    /// Without retries, for callers that must not wait long.
    pub(super) probing: Operator,
    /// With the endpoint that clients reach, for links.
    pub(super) links: Operator,
    /// Whether the store lists keys in order and can start after any key.
    pub(super) in_order: bool,
    /// The multipart uploads in progress, if the store can list them.
    #[cfg(feature = "s3")]
    pub(super) uploads: Option<super::s3::Uploads>,
}

impl Remote {
    pub(super) fn new(operator: Operator, transport: HttpTransporter, patience: &Patience) -> Self {
        let operator = operator.with_context(OperationContext::new().with_http_transport(transport));
        let probing = operator.clone().layer(patience.read_once());
        Self {
            links: probing.clone(),
            reading: patience.bound_reads(operator.clone()),
            writing: patience.bound_writes(operator),
            probing,
            in_order: false,
            #[cfg(feature = "s3")]
            uploads: None,
        }
    }

    /// Opens an archive with one request, whose answer says the size.
    pub(super) async fn open(&self, key: &ArchiveKey, range: Option<Range<u64>>) -> opendal::Result<ArchiveContent> {
        if let Some(range) = range.as_ref().filter(|range| range.is_empty()) {
            check_within(range, self.size(key).await?)?;
            return Ok(ArchiveContent::Bytes(Bytes::new()));
        }
        let asked = range.clone().map_or(BytesRange::from(..), BytesRange::from);
        let mut stream = self.reading.reader(key.as_str()).await?.into_bytes_stream(asked).await?;
        let size = stream.metadata().await?.content_length();
        let range = range.unwrap_or(0..size);
        check_within(&range, size)?;
        let len = range.end - range.start;
        let stream = exactly(stream, len);
        if len > SMALL {
            return Ok(ArchiveContent::Stream { stream: stream.boxed(), len });
        }
        let small = stream.try_fold(BytesMut::new(), async |mut bytes, chunk| {
            bytes.extend_from_slice(&chunk);
            Ok(bytes)
        });
        let bytes = small.await.map_err(|error| {
            Error::new(ErrorKind::Unexpected, "an archive broke off").set_temporary().set_source(error)
        })?;
        Ok(ArchiveContent::Bytes(bytes.freeze()))
    }

    /// The size of an archive.
    pub(super) async fn size(&self, key: &ArchiveKey) -> opendal::Result<u64> {
        match self.reading.stat(key.as_str()).await {
            Ok(metadata) => Ok(metadata.content_length()),
            // A 404 to a HEAD has no body that says whether the archive or the bucket is missing, or
            // whether a proxy in between answered.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let mut stream = self.reading.reader(key.as_str()).await?.into_bytes_stream(..).await?;
                Ok(stream.metadata().await?.content_length())
            }
            Err(error) => Err(error),
        }
    }

    /// Removes the remains of unfinished writes at `key`, if the store can list them.
    #[cfg_attr(not(feature = "s3"), expect(clippy::unused_async, unused_variables, reason = "only S3 lists uploads"))]
    pub(super) async fn abort(&self, key: &ArchiveKey) -> opendal::Result<()> {
        #[cfg(feature = "s3")]
        if let Some(uploads) = &self.uploads {
            return uploads.abort(key).await;
        }
        Ok(())
    }

    /// The remains of unfinished writes, if the store can list them.
    #[cfg_attr(not(feature = "s3"), expect(clippy::unused_async, unused_variables, reason = "only S3 lists uploads"))]
    pub(super) async fn unfinished(
        &self,
        after: Option<&ArchiveKey>,
        limit: usize,
    ) -> opendal::Result<Vec<StoredArchive>> {
        #[cfg(feature = "s3")]
        if let Some(uploads) = &self.uploads {
            return uploads.list(after, limit).await;
        }
        Ok(Vec::new())
    }
}

fn check_within(range: &Range<u64>, size: u64) -> opendal::Result<()> {
    if range.start <= range.end && range.end <= size {
        return Ok(());
    }
    let reason = format!("range {range:?} lies outside the {size} bytes of an archive");
    Err(Error::new(ErrorKind::RangeNotSatisfied, reason))
}

/// The chunks of `stream`, which must have `len` bytes in total. If there are fewer or more, an error
/// replaces the last chunk, so that the stream never looks complete.
fn exactly(
    stream: impl Stream<Item = io::Result<Bytes>> + Send + Unpin + 'static,
    len: u64,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::try_unfold((stream, len), async |(mut stream, remaining)| match stream.try_next().await? {
        Some(chunk) => match remaining.checked_sub(chunk.len() as u64) {
            Some(remaining) => Ok(Some((chunk, (stream, remaining)))),
            None => Err(io::Error::other("the store sends more bytes than it announced")),
        },
        None if remaining > 0 => Err(io::ErrorKind::UnexpectedEof.into()),
        None => Ok(None),
    })
}
