//! The table of settings.

use std::{
    io::{self, IsTerminal},
    num::NonZero,
    path::PathBuf,
    thread,
};

use super::{
    fault::Fault,
    resolve::Resolver,
    setting::{Fallback, Kind, Secrecy, Spec, Value, read, settings},
    values::{
        AdminPassword, ApprovalChoice, Audience, Backlog, BaseUrl, Bucket, CaBundle, CdnProvider, ClientIpHeader,
        CollectorHeaders, Connections, ConnectionsPerAddress, Count, DatabaseUrl, Domain, DownloadRedirect, Downloads,
        EmailAddress, Endpoint, FileMode, GatedTags, Host, Hours, Issuers, JwtSecrets, KeysPlace, LatestChoice,
        ListenOn, LogFormat, LogLevel, MetricsAddress, MetricsToken, NameList, Networks, Origins, PerMinute, PoolSize,
        Port, PostgresUrl, ProxyExceptions, ProxyUrl, Quota, ReadChoice, RedisUrl, Registration, Retention, Room,
        Seconds, SecretKey, SecretsKeys, Sender, Share, Size, SmtpTls, StorageBackend, Streams, Switch, TagList,
        Threads, Timeout, TokenDays, TracesSampler, Uploads, Webhooks, Word,
    },
};
use aam_registry_core::types::Username;

const OFF: &[&str] = &["false", "off", "no", "0"];
const NONE: &[&str] = &["none", "off", "false", "no", "0"];

settings! {
    "Address" {
        /// Address to listen on, or a Unix socket as `unix:/run/aam-registry/http.sock`; not used where a supervisor
        /// hands over sockets (`LISTEN_FDS`)
        host: ListenOn = "HOST", Fallback::Text("0.0.0.0");
        /// Port to listen on; 0 takes a free one
        port: Port = "PORT", Fallback::Text("8000");
        /// Permissions of the file of such a socket, in octal
        socket_mode: FileMode = "SOCKET_MODE", Fallback::Text("660");
        /// Public address of the registry, for links; with a path behind a proxy that serves it below that path
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
        /// Networks of the proxies whose CLIENT_IP_HEADER is trusted
        trusted_proxies: Networks = "TRUSTED_PROXIES", Fallback::Text("127.0.0.0/8,::1/128");
        /// Header in which those proxies name the client
        client_ip_header: ClientIpHeader = "CLIENT_IP_HEADER", Fallback::Text("X-Forwarded-For");
        /// Origins whose web pages may call the registry
        cors_origins: Option<Origins> = "CORS_ORIGINS";
    }
    "Connections" {
        /// Threads that serve requests
        threads: Threads = "THREADS", Fallback::Computed("the processors there are", |_| {
            Some(thread::available_parallelism().map_or(1, NonZero::get).to_string())
        });
        /// Most connections at a time; when all are in use, idle ones are closed for new ones
        max_connections: Connections = "MAX_CONNECTIONS", Fallback::Text("10000");
        /// Most connections of one address (or IPv6 /64) at a time, 0 for no limit; more are answered
        /// 503 `overloaded`, or closed with TLS. Addresses in TRUSTED_PROXIES are not counted
        max_connections_per_address: ConnectionsPerAddress = "MAX_CONNECTIONS_PER_ADDRESS", Fallback::Text("1000");
        /// Most connections that wait to be accepted; the system may allow fewer
        backlog: Backlog = "BACKLOG", Fallback::Text("4096");
        /// Time-out for the head of a request, and for the first request of a connection to begin
        header_timeout: Timeout = "HEADER_TIMEOUT", Fallback::Text("30s");
        /// Time-out for the next 16 KiB of a request body
        body_timeout: Timeout = "BODY_TIMEOUT", Fallback::Text("30s");
        /// Time-out for the client to read the next 16 KiB of an answer
        write_timeout: Timeout = "WRITE_TIMEOUT", Fallback::Text("1m");
        /// Time-out for idle connections; longer than load balancers keep idle connections
        idle_timeout: Timeout = "IDLE_TIMEOUT", Fallback::Text("75s");
    }
    "Memory of answers that are being sent" {
        /// Most memory for answers that clients have not read: above half of it slow readers are
        /// disconnected after 5 s, at the limit requests are answered 503 `overloaded`
        answer_memory: Size = "ANSWER_MEMORY", Fallback::Text("256MiB");
        /// Most of it that one connection may use before its further answers wait
        answer_memory_per_connection: Size = "ANSWER_MEMORY_PER_CONNECTION", Fallback::Text("1MiB");
        /// Most concurrent requests on one HTTP/2 connection
        http2_max_streams: Streams = "HTTP2_MAX_STREAMS", Fallback::Text("100");
        /// Most bytes of one HTTP/2 answer that wait to be sent
        http2_send_buffer: Size = "HTTP2_SEND_BUFFER", Fallback::Text("64KiB");
    }
    "Data" {
        /// Folder of the database, the archives and the generated keys
        data_dir: PathBuf = "DATA_DIR", Fallback::Text("./data");
        /// Database
        database_url: DatabaseUrl = "DATABASE_URL" [secret],
            Fallback::Computed("sqlite://<DATA_DIR>/registry.db", |settings| {
                Some(format!("sqlite://{}/registry.db", settings.text("DATA_DIR")?.trim_end_matches('/')))
            });
        /// Read replica of a PostgreSQL database, for search, listing and statistics
        database_replica_url: Option<PostgresUrl> = "DATABASE_REPLICA_URL" [secret];
        /// Most connections to the database
        database_pool_size: PoolSize = "DATABASE_POOL_SIZE", Fallback::Text("10");
        /// Migrate the schema of the database at the start
        auto_migrate: Switch = "AUTO_MIGRATE", Fallback::Computed("true, false for PostgreSQL", |settings| {
            let is_sqlite = settings.text("DATABASE_URL").is_none_or(|url| url.starts_with("sqlite:"));
            Some(is_sqlite.to_string())
        });
        /// Where archives are stored
        storage_backend: StorageBackend = "STORAGE_BACKEND" | "STORAGE_TYPE", Fallback::Text("local");
        /// Folder of the archives
        storage_path: PathBuf = "STORAGE_PATH", Fallback::Computed("<DATA_DIR>/packages", |settings| {
            Some(format!("{}/packages", settings.text("DATA_DIR")?.trim_end_matches('/')))
        });
    }
    "Object storage" {
        /// Bucket of the archives, for s3 and minio
        s3_bucket: Option<Bucket> = "S3_BUCKET";
        /// Region of the bucket
        s3_region: Word = "S3_REGION", Fallback::Text("us-east-1");
        /// Address of an S3-compatible store other than Amazon S3
        s3_endpoint_url: Option<Endpoint> = "S3_ENDPOINT_URL";
        /// Address of that store for clients, in presigned links
        s3_public_endpoint_url: Option<Endpoint> = "S3_PUBLIC_ENDPOINT_URL";
        /// Prefix of the keys of all archives
        s3_prefix: Option<Word> = "S3_PREFIX";
        /// Access key id for the bucket; by default the credentials of the machine's role
        aws_access_key_id: Option<SecretKey> = "AWS_ACCESS_KEY_ID" [secret];
        /// Secret access key for the bucket
        aws_secret_access_key: Option<SecretKey> = "AWS_SECRET_ACCESS_KEY" [secret];
        /// Address of MinIO, for minio
        minio_endpoint: Option<Endpoint> = "MINIO_ENDPOINT";
        /// Access key for MinIO
        minio_access_key: Option<SecretKey> = "MINIO_ACCESS_KEY" [secret];
        /// Secret key for MinIO
        minio_secret_key: Option<SecretKey> = "MINIO_SECRET_KEY" [secret];
        /// Bucket of the archives, for gcs
        gcs_bucket: Option<Bucket> = "GCS_BUCKET";
        /// Prefix of the keys of all archives, for gcs
        gcs_prefix: Option<Word> = "GCS_PREFIX";
        /// Key of a service account, its JSON in base64; by default the credentials of the machine
        gcs_credential: Option<SecretKey> = "GCS_CREDENTIAL" [secret];
        /// Storage account of the archives, for azblob
        azblob_account: Option<Word> = "AZBLOB_ACCOUNT";
        /// Container of the archives, for azblob
        azblob_container: Option<Bucket> = "AZBLOB_CONTAINER";
        /// Prefix of the keys of all archives, for azblob
        azblob_prefix: Option<Word> = "AZBLOB_PREFIX";
        /// Key of the storage account, in base64; by default the credentials of the machine
        azblob_account_key: Option<SecretKey> = "AZBLOB_ACCOUNT_KEY" [secret];
        /// From where clients download whole archives: the registry, the object store or a CDN
        download_redirect: DownloadRedirect = "DOWNLOAD_REDIRECT",
            Fallback::Computed("off; cdn where cdn.enabled", |settings| {
                let cdn = settings.text("cdn.enabled").is_some_and(|text| Switch::parse(&text) == Ok(Switch::On));
                Some(if cdn { "cdn" } else { "off" }.to_owned())
            });
        /// Whether there is a CDN in front of this registry
        cdn_enabled: Switch = "cdn.enabled", Fallback::Text("false");
        /// Address of the CDN, whose origin is this registry
        cdn_base_url: Option<BaseUrl> = "cdn.base_url";
        /// Which CDN it is, so that it can be purged and URLs can be signed for it
        cdn_provider: Option<CdnProvider> = "cdn.provider";
        /// What is purged there: the zone of Cloudflare, the distribution of CloudFront
        cdn_zone: Option<Word> = "cdn.zone";
        /// API token of Cloudflare or Fastly that may purge; CloudFront takes AWS_ACCESS_KEY_ID and its secret
        cdn_purge_token: Option<SecretKey> = "cdn.purge_token" [secret];
        /// Id of the public key in CloudFront
        cdn_signing_key_id: Option<Word> = "cdn.signing_key_id";
        /// Key that signs URLs, so that private packages are downloaded from the CDN, too: a private key in PEM for
        /// CloudFront, a secret for Cloudflare, a key in base64 for Fastly
        cdn_signing_key: Option<SecretKey> = "cdn.signing_key" [secret];
        /// Secret that the CDN sends as `X-Cdn-Secret` to fetch what is private
        cdn_origin_secret: Option<SecretKey> = "cdn.origin_secret" [secret];
    }
    "Cache" {
        /// Redis, for rate limits and a metadata cache that replicas share
        redis_url: Option<RedisUrl> = "REDIS_URL" | "cache.redis_url" [secret];
        /// Prefix of the keys and channels in Redis, before the registry's own id
        redis_prefix: Word = "REDIS_PREFIX" | "cache.prefix", Fallback::Text("aam");
        /// Whether metadata and archives are cached
        cache_enabled: Switch = "cache.enabled", Fallback::Text("true");
        /// Seconds that metadata is cached; more than 20 counts as 20, and finished documents are
        /// cached 10 longer
        cache_ttl_seconds: Seconds = "cache.ttl_seconds", Fallback::Text("20");
        /// How long public downloads continue while the database does not answer; needs cache.enabled
        stale_reads: Timeout = "STALE_READS", Fallback::Text("15m");
        /// Most memory for cached small archives; 0 turns this cache off
        archive_cache_memory: Room = "ARCHIVE_CACHE_MEMORY", Fallback::Text("64MiB");
        /// Most disk space for cached archives of an object store; 0 turns this cache off
        archive_cache_disk: Room = "ARCHIVE_CACHE_DISK", Fallback::Text("10GiB");
        /// Folder of those archives; nothing else may use it
        archive_cache_path: PathBuf = "ARCHIVE_CACHE_PATH", Fallback::Computed("<DATA_DIR>/cache", |settings| {
            Some(format!("{}/cache", settings.text("DATA_DIR")?.trim_end_matches('/')))
        });
    }
    "Accounts" {
        /// Secret that signs login sessions; in a comma-separated list the first signs, all verify
        jwt_secret: Option<JwtSecrets> = "JWT_SECRET" [secret],
            Fallback::Computed("generated once into DATA_DIR", |_| None);
        /// Hours that a login session lasts
        token_expire_hours: Hours = "TOKEN_EXPIRE_HOURS", Fallback::Text("24");
        /// Who may create an account
        registration: Registration = "REGISTRATION", Fallback::Text("open");
        /// Whether an administrator needs a second factor to act as one
        require_admin_2fa: Switch = "REQUIRE_ADMIN_2FA", Fallback::Text("off");
        /// Networks from which administrators may act as such; from elsewhere they are ordinary users
        admin_networks: Networks = "ADMIN_NETWORKS", Fallback::Text("none");
        /// The most days that an API token lasts; tokens that exist keep their end
        max_token_days: TokenDays = "MAX_TOKEN_DAYS", Fallback::Text("365");
        /// Most API tokens of an account that are in force
        max_tokens_per_user: Count = "MAX_TOKENS_PER_USER", Fallback::Text("100");
        /// Keys of the secret scanners that report leaked API tokens, as an address or a file; without them anybody
        /// may report a token who has it
        token_report_keys: Option<KeysPlace> = "TOKEN_REPORT_KEYS";
        /// Who may read packages, users and scopes: everyone, or only callers with a credential
        read_access: ReadChoice = "READ_ACCESS", Fallback::Text("everyone");
        /// Administrator to create at the start if there is none
        admin_username: Option<Username> = "ADMIN_USERNAME";
        /// E-mail address of that administrator
        admin_email: Option<EmailAddress> = "ADMIN_EMAIL";
        /// Password of that administrator
        admin_password: Option<AdminPassword> = "ADMIN_PASSWORD" [secret];
    }
    "Publishing" {
        /// Version that `latest` points to: the highest or the newest
        latest_tag_policy: LatestChoice = "LATEST_TAG_POLICY", Fallback::Text("highest");
        /// Dist-tags that may be set beside `latest`, in which `*` stands for any characters; any by default.
        /// Tags that exist stay
        allowed_tags: Option<TagList> = "ALLOWED_TAGS";
        /// Whether new versions wait until an approver approves them, and others see them only then: off, all, or
        /// those of some scopes
        require_approval: ApprovalChoice = "REQUIRE_APPROVAL", Fallback::Text("off");
        /// Dist-tags that name only versions which an approver has approved, written like ALLOWED_TAGS; one that a
        /// publish asks for waits for an approver
        require_approval_for_tags: GatedTags = "REQUIRE_APPROVAL_FOR_TAGS", Fallback::Text("off");
        /// Names of scopes, users and unscoped packages that only administrators may take, beside the reserved ones
        reserved_names: Option<NameList> = "RESERVED_NAMES";
        /// Downloads from which on a package's name, and that of its scope, is protected against new names that
        /// could be mistaken for it; 0 protects none. Administrators may take such a name
        protect_names_from: Downloads = "PROTECT_NAMES_FROM", Fallback::Text("1000");
        /// Largest archive
        max_archive_size: Size = "MAX_ARCHIVE_SIZE", Fallback::Text("52428800");
        /// Most bytes of an archive's files together
        max_unpacked_size: Size = "MAX_UNPACKED_SIZE", Fallback::Text("524288000");
        /// Most entries of an archive
        max_archive_entries: Count = "MAX_ARCHIVE_ENTRIES", Fallback::Text("10000");
        /// Most dependencies of a version
        max_dependencies: Count = "MAX_DEPENDENCIES", Fallback::Text("256");
        /// Most bytes of a key in aam.yaml
        max_manifest_key: Size = "MAX_MANIFEST_KEY", Fallback::Text("256");
        /// Most concurrent uploads of one account on each replica; twice as many of one address.
        /// Further uploads wait for 10 s and are then answered 429
        max_uploads_per_user: Uploads = "MAX_UPLOADS_PER_USER", Fallback::Text("4");
        /// Whether this server refuses every change, whatever `aam-registry read-only` says
        read_only: Switch = "READ_ONLY", Fallback::Text("off");
        /// Most dist-tags of a package beside `latest`
        max_tags_per_package: Count = "MAX_TAGS_PER_PACKAGE", Fallback::Text("100");
        /// Most owners of a package, beside the owners of its scope
        max_owners_per_package: Count = "MAX_OWNERS_PER_PACKAGE", Fallback::Text("100");
        /// Most members of a scope
        max_members_per_scope: Count = "MAX_MEMBERS_PER_SCOPE", Fallback::Text("1000");
        /// Most packages of a scope; any number by default. What exists when a quota is lowered stays
        max_packages_per_scope: Option<Count> = "MAX_PACKAGES_PER_SCOPE";
        /// Most bytes of all archives in a scope; any by default
        max_storage_per_scope: Option<Size> = "MAX_STORAGE_PER_SCOPE";
        /// Most versions of a package, without removed ones; any number by default
        max_versions_per_package: Option<Count> = "MAX_VERSIONS_PER_PACKAGE";
        /// Most scopes that an account makes beside the one of its name; administrators may make more
        max_scopes_per_user: Quota = "MAX_SCOPES_PER_USER", Fallback::Text("20");
        /// Time-out for one upload
        upload_timeout: Timeout = "UPLOAD_TIMEOUT", Fallback::Text("15m");
    }
    "Trusted publishing" {
        /// Issuers of ID tokens with which CI may publish without a stored secret: a comma-separated list of
        /// addresses, `github` and `gitlab` for GitHub.com and GitLab.com; none by default
        trusted_publishing_issuers: Option<Issuers> = "TRUSTED_PUBLISHING_ISSUERS";
        /// The only audience that ID tokens may be for
        trusted_publishing_audience: Audience = "TRUSTED_PUBLISHING_AUDIENCE",
            Fallback::Computed("BASE_URL", |settings| settings.text("BASE_URL"));
    }
    "Webhooks" {
        /// Receivers of events, each with the address, the secret that deliveries are signed with, and the events
        webhooks: Option<Webhooks> = "webhooks" [secret];
        /// Key that encrypts the secrets of scopes' webhooks; in a comma-separated list the first encrypts, all decrypt.
        /// Servers on PostgreSQL need the same one; without it scopes have no webhooks there
        secrets_key: Option<SecretsKeys> = "SECRETS_KEY" [secret],
            Fallback::Computed("generated once into DATA_DIR, with SQLite", |_| None);
        /// Networks that webhooks may reach beside the public internet
        webhook_allow_private: Networks = "WEBHOOK_ALLOW_PRIVATE", Fallback::Text("none");
    }
    "Requests of the server itself" {
        /// Proxy for webhooks, and for object stores at https addresses; it has to refuse private
        /// networks, since it looks up the names
        https_proxy: Option<ProxyUrl> = "HTTPS_PROXY" [secret];
        /// Hosts, what is below them, and networks that are called without the proxy
        no_proxy: Option<ProxyExceptions> = "NO_PROXY";
        /// PEM file of root certificates to trust beside those of the system: for webhooks, object
        /// stores, Redis and the mail server; for PostgreSQL see `sslrootcert` of DATABASE_URL
        ca_bundle: Option<CaBundle> = "CA_BUNDLE";
    }
    "Mail" {
        /// Mail server that sends mails to users; without it the log says which mails were not sent
        smtp_host: Option<Host> = "SMTP_HOST";
        /// Port of the mail server
        smtp_port: Port = "SMTP_PORT", Fallback::Computed("587; 465 for tls, 25 for none", |settings| {
            let tls = settings.text("SMTP_TLS").and_then(|text| SmtpTls::parse(&text).ok());
            Some(tls.map_or(587, |tls| tls.0.default_port()).to_string())
        });
        /// User to log in to the mail server as; nobody by default
        smtp_user: Option<Word> = "SMTP_USER";
        /// Password of that user
        smtp_password: Option<SecretKey> = "SMTP_PASSWORD" [secret];
        /// Sender of the mails, as `registry@example.com` or `AAM registry <registry@example.com>`
        smtp_from: Option<Sender> = "SMTP_FROM";
        /// Encryption of the connection to the mail server: starttls, tls (from the start) or none
        smtp_tls: SmtpTls = "SMTP_TLS", Fallback::Text("starttls");
    }
    "Rate limits (requests a minute, 0 is no limit)" {
        /// Search and listing
        rate_limit_search: PerMinute = "RATE_LIMIT_SEARCH", Fallback::Text("100");
        /// Downloads
        rate_limit_download: PerMinute = "RATE_LIMIT_DOWNLOAD", Fallback::Text("1000");
        /// Single files of archives, and comparisons of two archives
        rate_limit_contents: PerMinute = "RATE_LIMIT_CONTENTS", Fallback::Text("60");
        /// Publishing
        rate_limit_publish: PerMinute = "RATE_LIMIT_PUBLISH", Fallback::Text("10");
        /// Registrations and failed logins, by account and by address
        rate_limit_auth: PerMinute = "RATE_LIMIT_AUTH", Fallback::Text("20");
        /// Everything else under /api, and unknown credentials on every path
        rate_limit_other: PerMinute = "RATE_LIMIT_OTHER", Fallback::Text("300");
    }
    "Audit log" {
        /// Days after which entries of the audit log are deleted, 0 for never; the rest stays provable
        audit_retention_days: Retention = "audit.retention_days", Fallback::Text("90");
        /// Whether downloads are written to the audit log, each minute one entry `package.download` for each
        /// version and user
        audit_log_all_reads: Switch = "audit.log_all_reads", Fallback::Text("false");
    }
    "Retention" {
        /// Days for which the downloads of each version and day are kept, 0 for ever; the totals stay
        retention_downloads_days: Retention = "retention.downloads_days", Fallback::Text("730");
        /// Days for which API tokens are kept after they were revoked or have expired, 0 for ever
        retention_tokens_days: Retention = "retention.tokens_days", Fallback::Text("90");
        /// Days for which reports are kept after they were closed, 0 for ever
        retention_reports_days: Retention = "retention.reports_days", Fallback::Text("365");
        /// Days for which queued jobs are kept after they were given up, 0 for ever
        retention_failed_jobs_days: Retention = "retention.failed_jobs_days", Fallback::Text("90");
    }
    "Metrics" {
        /// Token without which /metrics answers 401; open to everybody by default
        metrics_token: Option<MetricsToken> = "METRICS_TOKEN" [secret];
        /// Address and port that serve /metrics by plain HTTP in place of the main address
        metrics_address: Option<MetricsAddress> = "METRICS_ADDRESS";
    }
    "Traces" {
        /// Address of an OpenTelemetry collector that takes traces by OTLP over HTTP, such as
        /// `http://localhost:4318`; nothing is traced by default
        otel_exporter_otlp_endpoint: Option<Endpoint> = "OTEL_EXPORTER_OTLP_ENDPOINT";
        /// Headers of the requests to the collector, such as `authorization=Bearer%20secret`
        otel_exporter_otlp_headers: Option<CollectorHeaders> = "OTEL_EXPORTER_OTLP_HEADERS" [secret];
        /// Which requests are traced; those that begin with `parentbased_` follow callers that send a trace
        otel_traces_sampler: TracesSampler = "OTEL_TRACES_SAMPLER", Fallback::Text("parentbased_always_on");
        /// Share of requests that the samplers with `traceidratio` trace
        otel_traces_sampler_arg: Share = "OTEL_TRACES_SAMPLER_ARG", Fallback::Text("1");
        /// Name of this service in traces
        otel_service_name: Word = "OTEL_SERVICE_NAME", Fallback::Text("aam-registry");
    }
    "Logs" {
        /// Least severe log lines to write
        log_level: LogLevel = "LOG_LEVEL", Fallback::Text("info");
        /// Format of the log
        log_format: LogFormat = "LOG_FORMAT", Fallback::Computed("text on a terminal, else json", |_| {
            Some(if io::stdout().is_terminal() { "text" } else { "json" }.to_owned())
        });
    }
    later {
        "Web pages are not built into this release" { "PAGES", OFF; "INDEXABLE", OFF; }
        "Access in the formats of other registries is not built into this release" { "FACADES", NONE; }
        "The MCP server is not built into this release" { "MCP", OFF; }
        "Signatures are not built into this release" {
            "REQUIRE_SIGNATURES", OFF; "SIGSTORE_TRUSTED_ROOT"; "ALLOWED_SIGNERS";
        }
        "Turning password login off is not built into this release" { "PASSWORD_LOGIN", &["on"]; }
        "Single sign-on is not built into this release" {
            "OIDC_ISSUER"; "OIDC_CLIENT_ID"; "OIDC_CLIENT_SECRET" [secret]; "OIDC_SCOPES"; "OIDC_USERNAME_CLAIM";
            "OIDC_GROUPS_CLAIM"; "OIDC_ALLOWED_GROUPS"; "OIDC_ADMIN_GROUPS"; "OIDC_RECHECK_HOURS";
        }
        "Sign-in by a proxy is not built into this release" {
            "AUTH_PROXY_USER_HEADER"; "AUTH_PROXY_EMAIL_HEADER"; "AUTH_PROXY_GROUPS_HEADER"; "AUTH_PROXY_NETWORKS";
        }
        "The scanner of archives is not built into this release" { "SCANNER_COMMAND"; "SCANNER_URL"; "SCAN_POLICY"; }
        "The transparency log is not built into this release" { "TLOG_ORIGIN"; "TLOG_PRIVATE_KEY"; }
        "Attestation is not built into this release" { "REGISTRY_PRIVATE_KEY"; }
        "The audit log cannot be turned off in this release" { "audit.enabled", &["true", "on", "yes", "1"]; }
    }
}
