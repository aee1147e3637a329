use http::{
    Uri,
    uri::{Authority, Scheme},
};
use secrecy::SecretString;

use crate::{opendal::Patience, outgoing::Outgoing};

/// A bucket of S3, or of a compatible store, for archives.
///
/// Without [credentials](Self::with_credentials) they are taken from the usual AWS sources, in this
/// order: the environment (`AWS_ACCESS_KEY_ID` and so on), the profile files of the user, a web
/// identity (`AWS_WEB_IDENTITY_TOKEN_FILE`, as on EKS), the container (as on ECS), the machine (EC2).
/// They are renewed before they expire.
///
/// The credentials need `s3:GetObject`, `s3:PutObject`, `s3:DeleteObject` and `s3:AbortMultipartUpload`
/// on the archives, and `s3:ListBucket` and `s3:ListBucketMultipartUploads` on the bucket. Without
/// `s3:ListBucket` AWS answers 403 for an archive that does not exist, which is then reported as an
/// error.
///
/// MinIO lists multipart uploads only for an exact key, so unfinished writes are not listed there;
/// MinIO itself removes them after a day.
#[derive(Clone, Debug)]
pub struct S3Config {
    pub(super) bucket: String,
    pub(super) region: String,
    pub(super) endpoint: Option<String>,
    pub(super) public_endpoint: Option<String>,
    pub(super) prefix: String,
    pub(super) credentials: Option<S3Credentials>,
    pub(super) path_style: Option<bool>,
    pub(super) patience: Patience,
    pub(super) outgoing: Outgoing,
}

#[derive(Clone, Debug)]
pub(super) struct S3Credentials {
    pub(super) access_key: String,
    pub(super) secret_key: SecretString,
    pub(super) session_token: Option<SecretString>,
}

impl S3Config {
    /// A bucket of AWS in the region `us-east-1`, with credentials from the usual AWS sources.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            region: "us-east-1".to_owned(),
            endpoint: None,
            public_endpoint: None,
            prefix: String::new(),
            credentials: None,
            path_style: None,
            patience: Patience::default(),
            outgoing: Outgoing::default(),
        }
    }

    /// Sets the region that requests are signed for.
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// Sets the endpoint of the store, such as `http://minio:9000`; by default that of AWS in the
    /// region.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Sets the endpoint that clients reach, for presigned links; the same endpoint by default.
    #[must_use]
    pub fn with_public_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.public_endpoint = Some(endpoint.into());
        self
    }

    /// Sets the prefix of all keys, such as `registry/`; empty by default.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets the credentials; no other source is used then.
    #[must_use]
    pub fn with_credentials(mut self, access_key: impl Into<String>, secret_key: SecretString) -> Self {
        let access_key = access_key.into();
        self.credentials = Some(S3Credentials { access_key, secret_key, session_token: None });
        self
    }

    /// Adds the token that belongs to temporary credentials.
    #[must_use]
    pub fn with_session_token(mut self, token: SecretString) -> Self {
        if let Some(credentials) = &mut self.credentials {
            credentials.session_token = Some(token);
        }
        self
    }

    /// Sets whether the bucket is part of the path (`host/bucket/key`, as MinIO requires) instead of
    /// the host (`bucket.host/key`). By default it is if an endpoint is given, or if the bucket's name
    /// contains a dot.
    #[must_use]
    pub fn with_path_style(mut self, path_style: bool) -> Self {
        self.path_style = Some(path_style);
        self
    }

    /// Sets the time-outs and retries.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Sets the proxy for `https` endpoints and the certificate authorities to trust.
    #[must_use]
    pub fn with_outgoing(mut self, outgoing: Outgoing) -> Self {
        self.outgoing = outgoing;
        self
    }

    /// The endpoint that the registry uses, without a slash at the end.
    pub(super) fn endpoint(&self) -> String {
        let domain = if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let of_aws = || format!("https://s3.{}.{domain}", self.region);
        self.endpoint.as_deref().map_or_else(of_aws, |endpoint| endpoint.trim_end_matches('/').to_owned())
    }

    /// The endpoint that clients use.
    pub(super) fn public_endpoint(&self) -> String {
        self.public_endpoint
            .as_deref()
            .map_or_else(|| self.endpoint(), |endpoint| endpoint.trim_end_matches('/').to_owned())
    }

    pub(super) fn is_path_style(&self) -> bool {
        self.path_style.unwrap_or(self.endpoint.is_some() || self.bucket.contains('.'))
    }

    /// The prefix of all keys: empty, or with a slash at the end and none at the start.
    pub(super) fn prefix(&self) -> String {
        let prefix = self.prefix.trim_matches('/');
        if prefix.is_empty() { String::new() } else { format!("{prefix}/") }
    }

    /// Everything that is wrong with the configuration, in one text.
    pub(super) fn check(&self) -> Result<(), String> {
        let mut faults = Vec::new();
        if self.bucket.is_empty() || self.bucket.contains('/') {
            faults.push(format!("`{}` is not the name of a bucket", self.bucket));
        }
        if self.region.is_empty() {
            faults.push("the region is missing".to_owned());
        }
        for endpoint in [Some(self.endpoint()), self.public_endpoint.clone()].into_iter().flatten() {
            if !is_endpoint(&endpoint) {
                faults.push(format!("`{endpoint}` is not an endpoint such as `http://minio:9000`"));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
    }
}

fn is_endpoint(endpoint: &str) -> bool {
    endpoint.parse::<Uri>().is_ok_and(|uri| {
        [Some(&Scheme::HTTPS), Some(&Scheme::HTTP)].contains(&uri.scheme())
            && uri.authority().map(Authority::host).is_some_and(|host| !host.is_empty())
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && uri.query().is_none()
    }) && !endpoint.contains('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_is_that_of_aws() {
        let config = S3Config::new("archives").with_region("eu-west-1");
        assert_eq!(config.endpoint(), "https://s3.eu-west-1.amazonaws.com");
        assert_eq!(config.public_endpoint(), config.endpoint());
        assert!(!config.is_path_style());
        assert!(S3Config::new("my.archives").is_path_style());
        let config = config.with_endpoint("http://minio:9000/").with_prefix("/a/b");
        assert_eq!((config.endpoint().as_str(), config.prefix().as_str()), ("http://minio:9000", "a/b/"));
        assert!(config.is_path_style() && !config.with_path_style(false).is_path_style());
        assert!(S3Config::new("a").with_region("cn-north-1").endpoint().ends_with(".com.cn"));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let config = S3Config::new("").with_endpoint("minio:9000").with_public_endpoint("https://");
        let faults = config.check().expect_err("three faults");
        assert_eq!(faults.split("; ").count(), 3, "{faults}");
        S3Config::new("archives").check().expect("nothing is wrong");
    }

    #[test]
    fn secrets_are_not_shown() {
        let config = S3Config::new("archives")
            .with_credentials("key", "opens-everything".into())
            .with_session_token("opens-everything".into());
        assert!(!format!("{config:?}").contains("opens-everything"));
    }
}
