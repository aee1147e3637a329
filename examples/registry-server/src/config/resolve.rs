//! Selects the value of each setting from its sources, and checks the selected values.

use std::{cell::RefCell, collections::BTreeMap, fs, net::IpAddr};

use aam_registry_backends::{outgoing::AllowedNetworks, smtp::SmtpSecurity};
use aam_registry_core::decorate::MetadataCacheConfig;

use super::{
    fault::{Fault, Faults},
    near_miss,
    setting::{Fallback, Kind, Refusal, Spec},
    sources::{Layers, Source, Surroundings},
    table::{Settings, TABLE},
    values::{CdnProvider, DownloadRedirect, ReadChoice, StorageBackend},
};

/// The selected value of a setting.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Its text.
    pub(crate) text: String,
    /// Where it came from.
    pub(crate) source: Source,
}

/// Selects the text of each setting.
#[derive(Debug)]
pub(crate) struct Resolver<'a> {
    layers: &'a Layers,
    faults: RefCell<BTreeMap<String, Fault>>,
}

impl Resolver<'_> {
    /// The text of the setting `name`, if it has one.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let spec = TABLE.iter().find(|spec| spec.name() == name)?;
        self.find(spec).map(|found| found.text)
    }

    /// The text of a setting and where it came from.
    pub(super) fn find(&self, spec: &Spec) -> Option<Found> {
        self.given(spec).or_else(|| {
            let Kind::Built { default, .. } = &spec.kind else { return None };
            let text = match default {
                Fallback::Unset => None,
                Fallback::Text(text) => Some((*text).to_owned()),
                Fallback::Computed(_, compute) => compute(self),
            };
            text.map(|text| Found { text, source: Source::Default })
        })
    }

    fn given(&self, spec: &Spec) -> Option<Found> {
        self.layers.by_rank.iter().find_map(|layer| {
            let mut found: Option<Found> = None;
            for name in spec.names {
                let plain = layer.get(name).map(|(text, source)| Found { text: text.clone(), source: source.clone() });
                let file = format!("{name}_FILE");
                let from_file = layer.get(&file).filter(|_| spec.is_secret());
                let from_file = from_file.and_then(|(path, source)| self.read_secret(&file, path, source));
                for candidate in [plain, from_file].into_iter().flatten() {
                    match &found {
                        Some(first) if first.text != candidate.text => {
                            let problem = format!("is also given as {}; keep one of the two", first.source);
                            self.fault(Fault::new(spec.name(), &candidate.source, problem));
                        }
                        Some(_) => {}
                        None => found = Some(candidate),
                    }
                }
            }
            found
        })
    }

    fn read_secret(&self, name: &str, path: &str, source: &Source) -> Option<Found> {
        let problem = match fs::read_to_string(path) {
            Ok(text) if !text.trim().is_empty() => {
                // Editors on Windows write a byte order mark before the secret and a line end after it.
                let text = text.strip_prefix('\u{feff}').unwrap_or(&text).trim_end_matches(['\r', '\n']);
                return Some(Found { text: text.to_owned(), source: source.clone() });
            }
            Ok(_) => format!("the file {path} is empty"),
            Err(error) => format!("the file {path} cannot be read: {error}"),
        };
        self.fault(Fault::new(name, source, problem));
        None
    }

    /// Records a fault once, even though a setting is looked up several times.
    fn fault(&self, fault: Fault) {
        self.faults.borrow_mut().entry(fault.to_string()).or_insert(fault);
    }

    /// Refuses a setting of a feature that is not built yet, unless its value turns the feature off.
    pub(super) fn refuse_later(&self, spec: &'static Spec) -> Option<Fault> {
        let found = self.given(spec)?;
        let Kind::Later(accepted) = &spec.kind else { return None };
        let asks = !accepted.contains(&found.text.to_ascii_lowercase().as_str());
        asks.then(|| Fault::refused(spec, &found, Refusal::Because(spec.help.concat().trim().to_owned())))
    }
}

/// A configuration without faults.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The settings in force.
    pub(crate) settings: Settings,
    /// The text of every setting, with its source, in the order of the table.
    pub(crate) found: Vec<(&'static Spec, Option<Found>)>,
    /// Probable mistakes that do not prevent the start.
    pub(crate) warnings: Vec<String>,
}

/// Reads the configuration.
///
/// # Errors
/// All its faults.
pub(crate) fn load(surroundings: Surroundings) -> Result<Loaded, Faults> {
    let mut layers = Layers::read(surroundings);
    let mut faults = std::mem::take(&mut layers.faults);
    let resolver = Resolver { layers: &layers, faults: RefCell::default() };
    let settings = Settings::read(&resolver);
    let found = TABLE.iter().map(|spec| (spec, resolver.find(spec))).collect();
    faults.extend(resolver.faults.into_inner().into_values());
    let settings = match settings {
        Ok(settings) => {
            faults.extend(settings.contradictions());
            Some(settings)
        }
        Err(more) => {
            faults.extend(more);
            None
        }
    };
    match settings {
        Some(settings) if faults.is_empty() => {
            let mut warnings = std::mem::take(&mut layers.warnings);
            warnings.extend(settings.warnings());
            warnings.extend(layers.seen.iter().filter_map(|(name, source)| {
                near_miss::of_variable(name).map(|ours| format!("{source} is not known: did you mean {ours}?"))
            }));
            Ok(Loaded { settings, found, warnings })
        }
        _ => Err(Faults(faults)),
    }
}

impl Settings {
    /// Whether this registry serves other machines than the one it runs on.
    pub(crate) fn is_production(&self) -> bool {
        !self.base_url.is_local()
    }

    /// Settings that contradict each other.
    fn contradictions(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        match (&self.tls_cert, &self.tls_key) {
            (Some(_), None) => faults.push(Fault::between("TLS_KEY", "is required where TLS_CERT is set")),
            (None, Some(_)) => faults.push(Fault::between("TLS_CERT", "is required where TLS_KEY is set")),
            _ => {}
        }
        let admin = [
            ("ADMIN_USERNAME", self.admin_username.is_some()),
            ("ADMIN_EMAIL", self.admin_email.is_some()),
            ("ADMIN_PASSWORD", self.admin_password.is_some()),
        ];
        if admin.iter().any(|(_, set)| *set) {
            faults.extend(
                admin
                    .iter()
                    .filter(|(_, set)| !set)
                    .map(|(name, _)| Fault::between(*name, "is required where another one of ADMIN_* is set")),
            );
        }
        faults.extend(self.missing_of_storage().into_iter().map(|(name, problem)| Fault::between(name, problem)));
        if self.database_replica_url.is_some() && !self.database_url.is_shared() {
            let problem = "needs DATABASE_URL to be PostgreSQL; SQLite has no replicas";
            faults.push(Fault::between("DATABASE_REPLICA_URL", problem));
        }
        faults.extend(self.faults_of_mail().into_iter().map(|(name, problem)| Fault::between(name, problem)));
        if self.base_url.begins_like_the_registry() {
            let problem = "must not have a path that begins with /api, /health, /metrics or /ready: those are the \
                           registry's own";
            faults.push(Fault::between("BASE_URL", problem));
        }
        if self.max_unpacked_size.0 < self.max_archive_size.0 {
            faults.push(Fault::between("MAX_UNPACKED_SIZE", "must not be less than MAX_ARCHIVE_SIZE"));
        }
        faults
    }

    /// Settings of mail that are missing, or that would do nothing or harm.
    fn faults_of_mail(&self) -> Vec<(&'static str, &'static str)> {
        let (user, password) = (self.smtp_user.is_some(), self.smtp_password.is_some());
        let Some(host) = &self.smtp_host else {
            let others = [("SMTP_USER", user), ("SMTP_PASSWORD", password), ("SMTP_FROM", self.smtp_from.is_some())];
            let without = |name| (name, "does nothing without SMTP_HOST; set SMTP_HOST to send mails, or remove it");
            return others.into_iter().filter(|(_, set)| *set).map(|(name, _)| without(name)).collect();
        };
        let is_loopback = host.0 == "localhost" || host.0.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let in_clear = password && self.smtp_tls.0 == SmtpSecurity::None && !is_loopback;
        [
            (self.smtp_from.is_none(), "SMTP_FROM", "is required where SMTP_HOST is set: the sender of the mails"),
            (self.smtp_port.0 == 0, "SMTP_PORT", "must be from 1 to 65535"),
            (user && !password, "SMTP_PASSWORD", "is required where SMTP_USER is set"),
            (password && !user, "SMTP_USER", "is required where SMTP_PASSWORD is set"),
            (in_clear, "SMTP_TLS", "must not be none with SMTP_PASSWORD, which would cross the network unencrypted"),
        ]
        .into_iter()
        .filter(|(wrong, ..)| *wrong)
        .map(|(_, name, problem)| (name, problem))
        .collect()
    }

    /// Settings that the chosen storage and redirects require and that are missing.
    fn missing_of_storage(&self) -> Vec<(&'static str, &'static str)> {
        let is_object_store = matches!(self.storage_backend, StorageBackend::S3 | StorageBackend::Minio);
        let is_minio = self.storage_backend == StorageBackend::Minio;
        let is_s3 = self.storage_backend == StorageBackend::S3;
        let (key, secret) = (self.aws_access_key_id.is_some(), self.aws_secret_access_key.is_some());
        let redirect = self.download_redirect;
        let (is_gcs, is_azblob) =
            (self.storage_backend == StorageBackend::Gcs, self.storage_backend == StorageBackend::Azblob);
        let can_presign = is_object_store || is_gcs || is_azblob;
        [
            (
                is_gcs && !cfg!(feature = "gcs"),
                "STORAGE_BACKEND",
                "is `gcs`, which this server was built without; build it with `--features gcs`",
            ),
            (
                is_azblob && !cfg!(feature = "azblob"),
                "STORAGE_BACKEND",
                "is `azblob`, which this server was built without; build it with `--features azblob`",
            ),
            (is_gcs && self.gcs_bucket.is_none(), "GCS_BUCKET", "is required where STORAGE_BACKEND is gcs"),
            (
                is_azblob && self.azblob_account.is_none(),
                "AZBLOB_ACCOUNT",
                "is required where STORAGE_BACKEND is azblob",
            ),
            (
                is_azblob && self.azblob_container.is_none(),
                "AZBLOB_CONTAINER",
                "is required where STORAGE_BACKEND is azblob",
            ),
            (is_object_store && self.s3_bucket.is_none(), "S3_BUCKET", "is required for this STORAGE_BACKEND"),
            (is_s3 && key && !secret, "AWS_SECRET_ACCESS_KEY", "is required where AWS_ACCESS_KEY_ID is set"),
            (is_s3 && secret && !key, "AWS_ACCESS_KEY_ID", "is required where AWS_SECRET_ACCESS_KEY is set"),
            (is_minio && self.minio_endpoint.is_none(), "MINIO_ENDPOINT", "is required where STORAGE_BACKEND is minio"),
            (
                is_minio && self.minio_access_key.is_none(),
                "MINIO_ACCESS_KEY",
                "is required where STORAGE_BACKEND is minio",
            ),
            (
                is_minio && self.minio_secret_key.is_none(),
                "MINIO_SECRET_KEY",
                "is required where STORAGE_BACKEND is minio",
            ),
            (
                redirect == DownloadRedirect::Presigned && !can_presign,
                "DOWNLOAD_REDIRECT",
                "is `presigned`, which needs STORAGE_BACKEND to be an object store",
            ),
            (
                redirect == DownloadRedirect::Cdn && self.read_access == ReadChoice::Authenticated,
                "DOWNLOAD_REDIRECT",
                "is `cdn`, and a CDN hands archives to everybody; set it to `off` or `presigned` where READ_ACCESS is \
                 `authenticated`",
            ),
            (
                redirect == DownloadRedirect::Cdn && self.cdn_base_url.is_none(),
                "cdn.base_url",
                "is required where downloads are redirected to a CDN",
            ),
        ]
        .into_iter()
        .chain(self.cdn_faults())
        .filter_map(|(lacks, name, problem)| lacks.then_some((name, problem)))
        .collect()
    }

    /// What the settings of a CDN lack.
    fn cdn_faults(&self) -> [(bool, &'static str, &'static str); 8] {
        let provider = self.cdn_provider;
        let purges_by_token = matches!(provider, Some(CdnProvider::Cloudflare | CdnProvider::Fastly));
        let has_zone = matches!(provider, Some(CdnProvider::Cloudflare | CdnProvider::Cloudfront));
        let signs = self.cdn_signing_key.is_some();
        [
            (
                provider.is_some() && self.cdn_base_url.is_none(),
                "cdn.base_url",
                "is required where cdn.provider is set",
            ),
            (
                has_zone && self.cdn_zone.is_none(),
                "cdn.zone",
                "is required: the zone id, or the id of the distribution",
            ),
            (
                purges_by_token && self.cdn_purge_token.is_none(),
                "cdn.purge_token",
                "is required where cdn.provider is cloudflare or fastly",
            ),
            (
                provider == Some(CdnProvider::Cloudfront)
                    && (self.aws_access_key_id.is_none() || self.aws_secret_access_key.is_none()),
                "AWS_ACCESS_KEY_ID",
                "and AWS_SECRET_ACCESS_KEY are required where cdn.provider is cloudfront",
            ),
            (signs && provider.is_none(), "cdn.provider", "is required where cdn.signing_key is set"),
            (
                signs && self.cdn_origin_secret.is_none(),
                "cdn.origin_secret",
                "is required where cdn.signing_key is set: the CDN has to send it to fetch what is private",
            ),
            (
                self.cdn_origin_secret.is_some() && !signs,
                "cdn.signing_key",
                "is required where cdn.origin_secret is set: a CDN that does not check signatures hands what is private \
                 to everybody",
            ),
            (
                signs && provider == Some(CdnProvider::Cloudfront) && self.cdn_signing_key_id.is_none(),
                "cdn.signing_key_id",
                "is required where cdn.provider is cloudfront",
            ),
        ]
    }

    /// Settings that work together but are not recommended.
    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.jwt_secret.is_none() && (self.is_production() || self.database_url.is_shared()) {
            warnings.push(
                "JWT_SECRET is not set: a generated one in DATA_DIR signs logins; set it before there is a second server"
                    .to_owned(),
            );
        }
        if self.domain.as_ref().is_some_and(|domain| !domain.is_host_of(&self.base_url)) {
            warnings.push(format!("DOMAIN is not the host of BASE_URL; links lead to {}", self.base_url));
        }
        let backend = self.storage_backend;
        for (set, of, name) in [
            (self.gcs_prefix.is_some(), StorageBackend::Gcs, "GCS_PREFIX"),
            (self.gcs_credential.is_some(), StorageBackend::Gcs, "GCS_CREDENTIAL"),
            (self.azblob_prefix.is_some(), StorageBackend::Azblob, "AZBLOB_PREFIX"),
            (self.azblob_account_key.is_some(), StorageBackend::Azblob, "AZBLOB_ACCOUNT_KEY"),
            (self.minio_endpoint.is_some(), StorageBackend::Minio, "MINIO_ENDPOINT"),
        ] {
            if set && backend != of {
                warnings.push(format!("{name} is set and not used: STORAGE_BACKEND is another one"));
            }
        }
        if self.cdn_enabled.is_on() && self.download_redirect != DownloadRedirect::Cdn {
            warnings.push("cdn.enabled is on, but DOWNLOAD_REDIRECT sends no client to the CDN".to_owned());
        }
        let (ttl, longest) = (self.cache_ttl_seconds.lifetime(), MetadataCacheConfig::LONGEST_LIFETIME);
        if ttl > longest {
            warnings.push(format!(
                "cache.ttl_seconds is {} and counts as {}, the most there is: the download figures in metadata may be \
                 no older than a minute",
                ttl.as_secs(),
                longest.as_secs()
            ));
        }
        let networks = AllowedNetworks::new(self.webhook_allow_private.0.iter().copied());
        for webhook in self.webhooks.iter().flat_map(|webhooks| &webhooks.0) {
            if !networks.may_include(&webhook.url.host()) {
                warnings.push(format!(
                    "the webhook {} is on a network that webhooks may not reach, so nothing is delivered; \
                     WEBHOOK_ALLOW_PRIVATE allows more",
                    webhook.name.as_str()
                ));
            }
        }
        if self.storage_backend == StorageBackend::Memory {
            warnings.push("STORAGE_BACKEND is memory: every archive is lost when the server stops".to_owned());
        }
        warnings
    }
}
