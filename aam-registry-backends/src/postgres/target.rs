//! The server behind a URL.

use std::{fmt, path::PathBuf, time::Duration};

use percent_encoding::percent_decode_str;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::url_options;

/// What a URL of PostgreSQL starts with.
const SCHEMES: [&str; 3] = ["postgresql+asyncpg://", "postgresql://", "postgres://"];

/// The options that a URL may have: the driver's, and how the server proves itself.
const OPTIONS: [&str; 21] = [
    "sslmode",
    "ssl",
    "sslrootcert",
    "sslnegotiation",
    "channel_binding",
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "load_balance_hosts",
];
/// A URL that names no PostgreSQL database. Tells nothing of the URL itself,
/// which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPostgresUrl(String);

impl InvalidPostgresUrl {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for InvalidPostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidPostgresUrl {}

/// Whether and how the server has to prove itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Not at all.
    None,
    /// By a certificate that a root of the operating system vouches for.
    SystemRoots,
    /// By a certificate that a root in this file vouches for.
    Roots(PathBuf),
}

/// Where a server is and how to reach it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) config: tokio_postgres::Config,
    pub(super) proof: Proof,
}

impl Target {
    /// What `url` names. Of several hosts the one that `several` says will do,
    /// unless the URL itself says which.
    pub(super) fn parse(url: &str, several: TargetSessionAttrs) -> Result<Self, InvalidPostgresUrl> {
        let rest = SCHEMES.iter().find_map(|scheme| url.strip_prefix(scheme)).ok_or_else(|| {
            InvalidPostgresUrl::new("it does not begin with `postgres://`, `postgresql://` or `postgresql+asyncpg://`")
        })?;
        let (server, options) = split_options(rest);
        if let Some(reason) = url_options::refusal(options, &OPTIONS) {
            return Err(InvalidPostgresUrl::new(reason));
        }
        let (mut mode, mut roots, mut others, mut keys) = (None, None, Vec::new(), Vec::new());
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            let [key, value] = [key, value].map(|text| percent_decode_str(text).decode_utf8_lossy());
            match &*key {
                // What asyncpg calls it.
                "sslmode" | "ssl" => mode = Some(value.into_owned()),
                "sslrootcert" => roots = Some(value.into_owned()),
                // The driver takes what stands before the first `@` for user and password, wherever it stands.
                _ => others.push(option.replace('@', "%40")),
            }
            keys.push(key);
        }
        let is_given = |wanted: &str| keys.iter().any(|key| key == wanted);
        let config = format!("postgresql://{server}?{}", others.join("&")).parse();
        let mut config: tokio_postgres::Config = config.map_err(|error: tokio_postgres::Error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            InvalidPostgresUrl::new(cause.unwrap_or_else(|| error.to_string()))
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(InvalidPostgresUrl::new("it names no host"));
        }
        let (ssl_mode, proves) = ssl_mode(mode.as_deref())?;
        config.ssl_mode(ssl_mode);
        let proof = match roots.as_deref() {
            Some("system") => Proof::SystemRoots,
            Some(file) => Proof::Roots(file.into()),
            None if proves => Proof::SystemRoots,
            None => Proof::None,
        };
        if config.get_hosts().len() > 1 && !is_given("target_session_attrs") {
            config.target_session_attrs(several);
        }
        // A link that was cut silently is noticed within some seconds.
        if !is_given("keepalives_idle") {
            config.keepalives_idle(Duration::from_secs(10));
        }
        if !is_given("keepalives_interval") {
            config.keepalives_interval(Duration::from_secs(3));
        }
        if !is_given("keepalives_retries") {
            config.keepalives_retries(3);
        }
        if !is_given("tcp_user_timeout") {
            config.tcp_user_timeout(Duration::from_secs(20));
        }
        Ok(Self { config, proof })
    }

    /// How long connecting may take, to one host and in all: what the URL says
    /// is for one host, as with PostgreSQL's own clients; else `in_all` is
    /// shared out, so that a host that does not answer leaves time for the next.
    pub(super) fn connect_timeouts(&self, in_all: Duration) -> (Duration, Duration) {
        let hosts = self.config.get_hosts().len().max(self.config.get_hostaddrs().len());
        let hosts = u32::try_from(hosts).unwrap_or(u32::MAX).max(1);
        match self.config.get_connect_timeout() {
            Some(each) => (*each, each.saturating_mul(hosts)),
            None => (in_all / hosts, in_all),
        }
    }
}

/// What stands before and behind the `?` of a URL without its scheme. User and
/// password end at the first `@` before any `/`, and may hold a `?` themselves.
fn split_options(rest: &str) -> (&str, &str) {
    let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
    let behind_user = authority.find('@').map_or(0, |at| at + 1);
    match rest[behind_user..].find('?') {
        Some(at) => (&rest[..behind_user + at], &rest[behind_user + at + 1..]),
        None => (rest, ""),
    }
}

/// The mode, and whether the server's certificate is checked in it.
fn ssl_mode(name: Option<&str>) -> Result<(SslMode, bool), InvalidPostgresUrl> {
    match name {
        Some("disable" | "false") => Ok((SslMode::Disable, false)),
        None | Some("prefer") => Ok((SslMode::Prefer, false)),
        // An encrypted link to whoever answers protects from nobody, so that `require` means the best of these.
        Some("require" | "verify-ca" | "verify-full" | "true") => Ok((SslMode::Require, true)),
        Some(_) => Err(InvalidPostgresUrl::new("its `sslmode` is none of `disable`, `prefer` and `require`")),
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |host: &Host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        };
        f.debug_struct("Target")
            .field("hosts", &self.config.get_hosts().iter().map(host).collect::<Vec<_>>())
            .field("ports", &self.config.get_ports())
            .field("user", &self.config.get_user())
            .field("database", &self.config.get_dbname())
            .field("ssl_mode", &self.config.get_ssl_mode())
            .field("proof", &self.proof)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Target {
        Target::parse(url, TargetSessionAttrs::ReadWrite).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn every_scheme_names_a_database() {
        for scheme in SCHEMES {
            let target = parsed(&format!("{scheme}ada:se%40cret@db.example.com:6432/aam?connect_timeout=3"));
            assert_eq!(target.config.get_hosts(), [Host::Tcp("db.example.com".to_owned())]);
            assert_eq!(target.config.get_ports(), [6432]);
            assert_eq!((target.config.get_user(), target.config.get_dbname()), (Some("ada"), Some("aam")));
            assert_eq!(target.config.get_password(), Some("se@cret".as_bytes()));
        }
    }

    #[test]
    fn the_mode_says_how_the_server_proves_itself() {
        for (options, mode, proof) in [
            ("", SslMode::Prefer, Proof::None),
            ("?sslmode=disable", SslMode::Disable, Proof::None),
            ("?sslmode=prefer", SslMode::Prefer, Proof::None),
            ("?sslmode=require", SslMode::Require, Proof::SystemRoots),
            ("?ssl=require&application_name=x", SslMode::Require, Proof::SystemRoots),
            ("?sslmode=verify-full&sslrootcert=system", SslMode::Require, Proof::SystemRoots),
            ("?sslrootcert=%2Fetc%2Froot.pem&sslmode=require", SslMode::Require, Proof::Roots("/etc/root.pem".into())),
            ("?sslrootcert=/etc/root.pem", SslMode::Prefer, Proof::Roots("/etc/root.pem".into())),
        ] {
            let target = parsed(&format!("postgres://ada@localhost/aam{options}"));
            assert_eq!((target.config.get_ssl_mode(), target.proof), (mode, proof), "{options}");
        }
    }

    #[test]
    fn a_password_sets_no_option() {
        let target = parsed("postgres://ada:se?sslmode=disable&x@db.example.com/aam?sslmode=require");
        assert_eq!(target.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(target.config.get_password(), Some("se?sslmode=disable&x".as_bytes()));
        assert_eq!(target.config.get_hosts(), [Host::Tcp("db.example.com".to_owned())]);
        let target = parsed("postgres://db.example.com/aam?application_name=kit@home&sslmode=require");
        assert_eq!(target.config.get_hosts(), [Host::Tcp("db.example.com".to_owned())]);
        assert_eq!(target.config.get_application_name(), Some("kit@home"));
        assert_eq!(target.config.get_ssl_mode(), SslMode::Require);
    }

    #[test]
    fn what_the_url_says_of_time_holds() {
        let seconds = Duration::from_secs;
        let target = parsed("postgres://ada@one/aam");
        assert_eq!(target.config.get_keepalives_idle(), seconds(10));
        assert_eq!(target.config.get_keepalives_interval(), Some(seconds(3)));
        assert_eq!(target.config.get_keepalives_retries(), Some(3));
        assert_eq!(target.config.get_tcp_user_timeout(), Some(&seconds(20)));
        assert_eq!(target.connect_timeouts(seconds(6)), (seconds(6), seconds(6)));
        let options = "keepalives_idle=60&keepalives_interval=7&keepalives_retries=9&tcp_user_timeout=90&keepalives=0";
        let target = parsed(&format!("postgres://ada@one,two/aam?{options}"));
        assert_eq!(target.config.get_keepalives_idle(), seconds(60));
        assert_eq!(target.config.get_keepalives_interval(), Some(seconds(7)));
        assert_eq!(target.config.get_keepalives_retries(), Some(9));
        assert_eq!(target.config.get_tcp_user_timeout(), Some(&seconds(90)));
        assert!(!target.config.get_keepalives());
        assert_eq!(target.connect_timeouts(seconds(6)), (seconds(3), seconds(6)), "each host has its share");
        let target = parsed("postgres://ada@one,two/aam?connect_timeout=4");
        assert_eq!(target.connect_timeouts(seconds(6)), (seconds(4), seconds(8)));
    }

    #[test]
    fn of_several_hosts_the_writable_one_is_meant() {
        let attributes = |url| parsed(url).config.get_target_session_attrs();
        assert_eq!(attributes("postgres://ada@one/aam"), TargetSessionAttrs::Any);
        assert_eq!(attributes("postgres://ada@one,two/aam"), TargetSessionAttrs::ReadWrite);
        let any = "postgres://ada@one,two/aam?target_session_attrs=any";
        assert_eq!(attributes(any), TargetSessionAttrs::Any);
        let other = "postgres://ada@one,two/aam?application_name=no-target_session_attrs";
        assert_eq!(attributes(other), TargetSessionAttrs::ReadWrite);
        let replicas = Target::parse("postgres://ada@one,two/aam", TargetSessionAttrs::Any).expect("a URL");
        assert_eq!(replicas.config.get_target_session_attrs(), TargetSessionAttrs::Any);
    }

    #[test]
    fn a_password_is_never_shown() {
        let url = "postgres://ada:hunter2@localhost/aam";
        assert!(!format!("{:?}", parsed(url)).contains("hunter2"));
        for url in ["mysql://ada:hunter2@localhost/aam", "hunter2", "postgres://ada:hunter2@localhost:x/aam"] {
            let error = Target::parse(url, TargetSessionAttrs::Any).expect_err("no database");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
        for bad in ["postgres://", "postgres://ada@localhost/aam?sslmode=allow", "postgres://ada@localhost/aam?what=x"]
        {
            assert!(Target::parse(bad, TargetSessionAttrs::Any).is_err(), "{bad} passed");
        }
    }
}
