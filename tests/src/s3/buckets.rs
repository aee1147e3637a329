use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;
use s3s::{
    S3, S3Request, S3Response, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CreateBucketInput, CreateBucketOutput, CreateMultipartUploadInput,
        CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput,
        GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput,
        ListBucketsInput, ListBucketsOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsInput,
        ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, MultipartUpload, PutObjectInput, PutObjectOutput,
        Timestamp, UploadPartInput, UploadPartOutput,
    },
    s3_error,
};
use s3s_fs::FileSystem;

/// The most uploads on one page of a listing: few, so that clients have to read several pages.
const PAGE: usize = 3;

/// Buckets stored as subfolders of a folder by `s3s-fs`, with what that lacks: the list of multipart
/// uploads, the headers that a request may override, and the codes of two errors.
#[derive(Debug)]
pub struct Buckets {
    files: FileSystem,
    root: PathBuf,
    /// The multipart uploads in progress since this process started.
    uploads: Mutex<BTreeMap<Place, SystemTime>>,
}

/// Bucket, key, upload: the order in which uploads are listed.
type Place = (String, String, String);

impl Buckets {
    /// The buckets in the folder `root`.
    ///
    /// # Errors
    /// If the folder does not exist.
    pub fn new(root: &Path) -> io::Result<Self> {
        let files = FileSystem::new(root).map_err(|error| io::Error::other(format!("{error:?}")))?;
        Ok(Self { files, root: root.to_owned(), uploads: Mutex::default() })
    }

    fn check_bucket(&self, bucket: &str) -> S3Result<()> {
        if self.root.join(bucket).is_dir() { Ok(()) } else { Err(s3_error!(NoSuchBucket)) }
    }

    fn check_upload(&self, place: &Place) -> S3Result<()> {
        if self.uploads().contains_key(place) { Ok(()) } else { Err(s3_error!(NoSuchUpload)) }
    }

    fn uploads(&self) -> std::sync::MutexGuard<'_, BTreeMap<Place, SystemTime>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl S3 for Buckets {
    async fn create_bucket(&self, req: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        self.files.create_bucket(req).await
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        self.files.head_bucket(req).await
    }

    async fn list_buckets(&self, req: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        self.files.list_buckets(req).await
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        self.check_bucket(&req.input.bucket)?;
        let (kind, disposition) =
            (req.input.response_content_type.clone(), req.input.response_content_disposition.clone());
        let mut response = self.files.get_object(req).await?;
        let output = &mut response.output;
        output.content_type = kind.or(output.content_type.take());
        output.content_disposition = disposition.or(output.content_disposition.take());
        Ok(response)
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let (kind, disposition) =
            (req.input.response_content_type.clone(), req.input.response_content_disposition.clone());
        let mut response = self.files.head_object(req).await?;
        let output = &mut response.output;
        output.content_type = kind.or(output.content_type.take());
        output.content_disposition = disposition.or(output.content_disposition.take());
        Ok(response)
    }

    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        self.check_bucket(&req.input.bucket)?;
        self.files.put_object(req).await
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.files.delete_object(req).await
    }

    async fn delete_objects(&self, req: S3Request<DeleteObjectsInput>) -> S3Result<S3Response<DeleteObjectsOutput>> {
        self.files.delete_objects(req).await
    }

    async fn list_objects(&self, req: S3Request<ListObjectsInput>) -> S3Result<S3Response<ListObjectsOutput>> {
        self.files.list_objects(req).await
    }

    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.files.list_objects_v2(req).await
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        self.check_bucket(&req.input.bucket)?;
        let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
        let response = self.files.create_multipart_upload(req).await?;
        let id = response.output.upload_id.clone().ok_or_else(|| s3_error!(InternalError))?;
        self.uploads().insert((bucket, key, id), SystemTime::now());
        Ok(response)
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        let input = &req.input;
        self.check_upload(&(input.bucket.clone(), input.key.clone(), input.upload_id.clone()))?;
        self.files.upload_part(req).await
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let place = (req.input.bucket.clone(), req.input.key.clone(), req.input.upload_id.clone());
        self.check_upload(&place)?;
        let response = self.files.complete_multipart_upload(req).await?;
        self.uploads().remove(&place);
        Ok(response)
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let place = (req.input.bucket.clone(), req.input.key.clone(), req.input.upload_id.clone());
        self.check_upload(&place)?;
        let response = self.files.abort_multipart_upload(req).await?;
        self.uploads().remove(&place);
        Ok(response)
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let ListMultipartUploadsInput { bucket, prefix, key_marker, upload_id_marker, .. } = req.input;
        self.check_bucket(&bucket)?;
        let wanted = prefix.clone().unwrap_or_default();
        let uploads = self.uploads();
        let mut behind = uploads.iter().filter(|((of, key, id), _)| {
            let passed = match (&key_marker, &upload_id_marker) {
                (None, _) => false,
                (Some(marker), None) => key <= marker,
                (Some(marker), Some(upload)) => (key, id) <= (marker, upload),
            };
            *of == bucket && key.starts_with(&wanted) && !passed
        });
        let page: Vec<_> = behind.by_ref().take(PAGE).collect();
        let is_truncated = behind.next().is_some();
        let last = page.last().filter(|_| is_truncated).map(|((_, key, id), _)| (key.clone(), id.clone()));
        let (next_key_marker, next_upload_id_marker) = last.unzip();
        let entry = |((_, key, id), begun): &(&Place, &SystemTime)| MultipartUpload {
            key: Some(key.clone()),
            upload_id: Some(id.clone()),
            initiated: Some(Timestamp::from(**begun)),
            ..Default::default()
        };
        Ok(S3Response::new(ListMultipartUploadsOutput {
            uploads: Some(page.iter().map(entry).collect()),
            bucket: Some(bucket),
            is_truncated: Some(is_truncated),
            key_marker,
            upload_id_marker,
            next_key_marker,
            next_upload_id_marker,
            prefix,
            ..Default::default()
        }))
    }
}
