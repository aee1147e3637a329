//! Types of settings with a few allowed words.

use tracing::level_filters::LevelFilter;

use crate::config::setting::{Refusal, Value};

macro_rules! choice {
    (
        $(#[$doc:meta])*
        $type:ident as $placeholder:literal {
            $($(#[$variant_doc:meta])* $variant:ident = $text:literal $(| $alias:literal)*,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $type {
            $($(#[$variant_doc])* $variant,)+
        }

        impl Value for $type {
            const PLACEHOLDER: &'static str = $placeholder;

            fn allowed() -> String {
                let words: &[&str] = &[$($text),+];
                words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ")
            }

            fn parse(text: &str) -> Result<Self, Refusal> {
                match text.to_ascii_lowercase().as_str() {
                    $($text $(| $alias)* => Ok(Self::$variant),)+
                    _ => Err(Refusal::NotAllowed),
                }
            }
        }
    };
}

choice! {
    /// On or off.
    Switch as "BOOL" {
        /// On.
        On = "true" | "on" | "yes" | "1",
        /// Off.
        Off = "false" | "off" | "no" | "0",
    }
}

impl Switch {
    /// Whether it is on.
    pub(crate) fn is_on(self) -> bool {
        self == Self::On
    }
}

choice! {
    /// Where archives are stored.
    StorageBackend as "KIND" {
        /// In a folder.
        Local = "local",
        /// In a bucket of Amazon S3 or a compatible store.
        S3 = "s3",
        /// In a bucket of `MinIO`.
        Minio = "minio",
        /// In a bucket of Google Cloud Storage.
        Gcs = "gcs",
        /// In a container of Azure Blob Storage.
        Azblob = "azblob",
        /// In the memory of this process.
        Memory = "memory",
    }
}

choice! {
    /// From where clients download whole archives.
    DownloadRedirect as "WHERE" {
        /// From the registry.
        Off = "off" | "false",
        /// From the object store, through a link that expires.
        Presigned = "presigned",
        /// From a CDN in front of the registry.
        Cdn = "cdn",
    }
}

choice! {
    /// Which CDN is in front of the registry.
    CdnProvider as "WHICH" {
        /// Cloudflare.
        Cloudflare = "cloudflare",
        /// Amazon `CloudFront`.
        Cloudfront = "cloudfront",
        /// Fastly.
        Fastly = "fastly",
    }
}

choice! {
    /// Who may create an account.
    Registration as "WHO" {
        /// Everybody.
        Open = "open",
        /// Who has an invitation.
        Invite = "invite",
        /// Nobody.
        Closed = "closed",
    }
}

choice! {
    /// Who may read what is public.
    ReadChoice as "WHO" {
        /// Everybody.
        Everyone = "everyone",
        /// Callers with a credential.
        Authenticated = "authenticated",
    }
}

choice! {
    /// Which version `latest` points to.
    LatestChoice as "POLICY" {
        /// The highest.
        Highest = "highest",
        /// The one published last.
        Newest = "newest",
    }
}

choice! {
    /// The form of the log.
    LogFormat as "FORMAT" {
        /// One JSON object per line.
        Json = "json",
        /// For people.
        Text = "text",
    }
}

/// The least important log lines that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogLevel(pub(crate) LevelFilter);

impl Value for LogLevel {
    const PLACEHOLDER: &'static str = "LEVEL";

    fn allowed() -> String {
        "`error`, `warn`, `info`, `debug` or `trace`".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        match text.to_ascii_lowercase().as_str() {
            "error" => Ok(Self(LevelFilter::ERROR)),
            "warn" | "warning" => Ok(Self(LevelFilter::WARN)),
            "info" => Ok(Self(LevelFilter::INFO)),
            "debug" => Ok(Self(LevelFilter::DEBUG)),
            "trace" => Ok(Self(LevelFilter::TRACE)),
            _ => Err(Refusal::NotAllowed),
        }
    }
}
