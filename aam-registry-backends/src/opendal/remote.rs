use std::{io, ops::Range};

use aam_registry_core::{
    ports::{ArchiveContent, StoredArchive},
    types::ArchiveKey,
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use opendal::{BytesRange, Error, ErrorKind, HttpTransporter, OperationContext, Operator};

use super::{Patience, store::SMALL};

/// What every archive is (RFC 6713).
pub(super) const GZIP: &str = "application/gzip";

/// One object store, as it is asked for different things.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    /// For reads, lists and deletes.
    pub(super) reading: Operator,
    /// With more time, for parts on their way.
    pub(super) writing: Operator,
    /// Without a second try, for those who must not wait long.
    pub(super) probing: Operator,
    /// As clients reach it, for links.
    pub(super) links: Operator,
    /// Whether it lists keys in order from behind any of them.
    pub(super) in_order: bool,
    /// The uploads under way, where they can be told.
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

    /// Opens an archive by one request, whose answer tells its size.
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
            // The answer to a HEAD has no body to tell a missing archive from a missing bucket, or from a
            // proxy that knows of neither.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let mut stream = self.reading.reader(key.as_str()).await?.into_bytes_stream(..).await?;
                Ok(stream.metadata().await?.content_length())
            }
            Err(error) => Err(error),
        }
    }

    /// Removes what unfinished writers left at `key`, where that can be told.
    #[cfg_attr(not(feature = "s3"), expect(clippy::unused_async, unused_variables, reason = "only S3 tells"))]
    pub(super) async fn abort(&self, key: &ArchiveKey) -> opendal::Result<()> {
        #[cfg(feature = "s3")]
        if let Some(uploads) = &self.uploads {
            return uploads.abort(key).await;
        }
        Ok(())
    }

    /// What unfinished writers left, where that can be told.
    #[cfg_attr(not(feature = "s3"), expect(clippy::unused_async, unused_variables, reason = "only S3 tells"))]
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

/// The chunks of `stream`, which must hold `len` bytes: fewer or more are an
/// error in the place of the last chunk, so that they never look complete.
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
