//! The settings there are.

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
};

use super::{
    fault::Fault,
    resolve::Resolver,
    setting::{Fallback, Kind, Secrecy, Spec, Value, read, settings},
    values::{
        AdminPassword, BaseUrl, ClientIpHeader, Count, DatabaseUrl, Domain, EmailAddress, Host, Hours, JwtSecrets,
        LatestChoice, LogFormat, LogLevel, Networks, Origins, PerMinute, PoolSize, Port, Registration, Size,
        StorageBackend, Switch, TagList, Timeout,
    },
};
use aam_registry_core::types::Username;

const OFF: &[&str] = &["false", "off", "no", "0"];

settings! {
    "Address" {
        /// Address to listen on
        host: Host = "HOST", Fallback::Text("0.0.0.0");
        /// Port to listen on; 0 takes a free one
        port: Port = "PORT", Fallback::Text("8000");
        /// Public address of the registry, for links
        base_url: BaseUrl = "BASE_URL", Fallback::Computed("https://<DOMAIN>, else this machine", |settings| {
            if let Some(domain) = settings.text("DOMAIN") {
                return Some(if domain.contains("://") { domain } else { format!("https://{domain}") });
            }
            let scheme = if settings.text("TLS_CERT").is_some() { "https" } else { "http" };
            Some(format!("{scheme}://localhost:{}", settings.text("PORT")?))
        });
        /// Public host name of the registry, where BASE_URL is not given
        domain: Option<Domain> = "DOMAIN";
        /// Certificate chain (PEM) to serve HTTPS with; read again when it changes
        tls_cert: Option<PathBuf> = "TLS_CERT";
        /// Private key (PEM) of TLS_CERT
        tls_key: Option<PathBuf> = "TLS_KEY";
        /// Networks of the proxies whose CLIENT_IP_HEADER is believed
        trusted_proxies: Networks = "TRUSTED_PROXIES", Fallback::Text("127.0.0.0/8,::1/128");
        /// Header in which those proxies name the client
        client_ip_header: ClientIpHeader = "CLIENT_IP_HEADER", Fallback::Text("X-Forwarded-For");
        /// Origins whose web pages may call the registry
        cors_origins: Option<Origins> = "CORS_ORIGINS";
    }
    "Data" {
        /// Folder of the database, the archives and the generated keys
        data_dir: PathBuf = "DATA_DIR", Fallback::Text("./data");
        /// Database
        database_url: DatabaseUrl = "DATABASE_URL" [secret],
            Fallback::Computed("sqlite://<DATA_DIR>/registry.db", |settings| {
                Some(format!("sqlite://{}/registry.db", settings.text("DATA_DIR")?.trim_end_matches('/')))
            });
        /// Connections that read the database
        database_pool_size: PoolSize = "DATABASE_POOL_SIZE", Fallback::Text("10");
        /// Bring the schema of the database up at the start
        auto_migrate: Switch = "AUTO_MIGRATE", Fallback::Text("true");
        /// Where archives are kept
        storage_backend: StorageBackend = "STORAGE_BACKEND" | "STORAGE_TYPE", Fallback::Text("local");
        /// Folder of the archives
        storage_path: PathBuf = "STORAGE_PATH", Fallback::Computed("<DATA_DIR>/packages", |settings| {
            Some(format!("{}/packages", settings.text("DATA_DIR")?.trim_end_matches('/')))
        });
    }
    "Accounts" {
        /// Secret that signs logins; of a comma-separated list the first signs, all verify
        jwt_secret: Option<JwtSecrets> = "JWT_SECRET" [secret],
            Fallback::Computed("generated once into DATA_DIR", |_| None);
        /// Hours that a login lasts
        token_expire_hours: Hours = "TOKEN_EXPIRE_HOURS", Fallback::Text("24");
        /// Who may make an account
        registration: Registration = "REGISTRATION", Fallback::Text("open");
        /// Administrator to create at the start where there is none
        admin_username: Option<Username> = "ADMIN_USERNAME";
        /// E-mail address of that administrator
        admin_email: Option<EmailAddress> = "ADMIN_EMAIL";
        /// Password of that administrator
        admin_password: Option<AdminPassword> = "ADMIN_PASSWORD" [secret];
    }
    "Publishing" {
        /// Version that `latest` points to: the highest or the newest
        latest_tag_policy: LatestChoice = "LATEST_TAG_POLICY", Fallback::Text("highest");
        /// Dist-tags that may be set beside `latest`; any where not given
        allowed_tags: Option<TagList> = "ALLOWED_TAGS";
        /// Largest archive
        max_archive_size: Size = "MAX_ARCHIVE_SIZE", Fallback::Text("52428800");
        /// Most that an archive may hold unpacked
        max_unpacked_size: Size = "MAX_UNPACKED_SIZE", Fallback::Text("524288000");
        /// Most entries of an archive
        max_archive_entries: Count = "MAX_ARCHIVE_ENTRIES", Fallback::Text("10000");
        /// Longest that one upload may take
        upload_timeout: Timeout = "UPLOAD_TIMEOUT", Fallback::Text("15m");
    }
    "Rate limits (requests a minute, 0 is no limit)" {
        /// Search and listing
        rate_limit_search: PerMinute = "RATE_LIMIT_SEARCH", Fallback::Text("100");
        /// Downloads
        rate_limit_download: PerMinute = "RATE_LIMIT_DOWNLOAD", Fallback::Text("1000");
        /// Publishing
        rate_limit_publish: PerMinute = "RATE_LIMIT_PUBLISH", Fallback::Text("10");
        /// Registration and login, by account and by address
        rate_limit_auth: PerMinute = "RATE_LIMIT_AUTH", Fallback::Text("20");
        /// Everything else under /api
        rate_limit_other: PerMinute = "RATE_LIMIT_OTHER", Fallback::Text("300");
    }
    "Logs" {
        /// Least important log lines that are written
        log_level: LogLevel = "LOG_LEVEL", Fallback::Text("info");
        /// Form of the log
        log_format: LogFormat = "LOG_FORMAT", Fallback::Computed("text on a terminal, else json", |_| {
            Some(if io::stdout().is_terminal() { "text" } else { "json" }.to_owned())
        });
    }
    later {
        /// Read replicas are not built into this release
        "DATABASE_REPLICA_URL" [secret];
        /// Redis is not built into this release; one server keeps its limits in its own memory
        "REDIS_URL" | "cache.redis_url" [secret];
        /// The metadata cache is not built into this release; reads go to the database
        "cache.enabled", OFF;
        /// The metadata cache is not built into this release; reads go to the database
        "cache.ttl_seconds";
        /// S3 storage is not built into this release
        "S3_BUCKET";
        /// S3 storage is not built into this release
        "S3_REGION";
        /// S3 storage is not built into this release
        "S3_ENDPOINT_URL";
        /// S3 storage is not built into this release
        "S3_PUBLIC_ENDPOINT_URL";
        /// S3 storage is not built into this release
        "S3_PREFIX";
        /// S3 storage is not built into this release
        "AWS_ACCESS_KEY_ID" [secret];
        /// S3 storage is not built into this release
        "AWS_SECRET_ACCESS_KEY" [secret];
        /// MinIO storage is not built into this release
        "MINIO_ENDPOINT";
        /// MinIO storage is not built into this release
        "MINIO_ACCESS_KEY" [secret];
        /// MinIO storage is not built into this release
        "MINIO_SECRET_KEY" [secret];
        /// CDN support is not built into this release
        "cdn.enabled", OFF;
        /// CDN support is not built into this release
        "cdn.base_url";
        /// CDN support is not built into this release
        "cdn.provider";
        /// Redirected downloads are not built into this release
        "DOWNLOAD_REDIRECT", &["off", "false"];
        /// Signatures are not built into this release
        "REQUIRE_SIGNATURES", OFF;
        /// Approval of versions is not built into this release
        "REQUIRE_APPROVAL", OFF;
        /// Approval of versions is not built into this release
        "REQUIRE_APPROVAL_FOR_TAGS", OFF;
        /// One-time passwords are not built into this release
        "REQUIRE_ADMIN_2FA", OFF;
        /// Attestation is not built into this release
        "REGISTRY_PRIVATE_KEY";
        /// Mail is not built into this release
        "SMTP_HOST";
        /// Mail is not built into this release
        "SMTP_PORT";
        /// Mail is not built into this release
        "SMTP_USER";
        /// Mail is not built into this release
        "SMTP_PASSWORD" [secret];
        /// Mail is not built into this release
        "SMTP_FROM";
        /// Mail is not built into this release
        "SMTP_TLS";
        /// Traces by OpenTelemetry are not built into this release
        "OTEL_EXPORTER_OTLP_ENDPOINT";
        /// The audit log cannot be turned off in this release
        "audit.enabled", &["true", "on", "yes", "1"];
        /// Audit entries are kept for ever in this release
        "audit.retention_days";
        /// Reads are not written to the audit log in this release
        "audit.log_all_reads", OFF;
        /// Webhooks are not built into this release
        "webhooks";
    }
}
