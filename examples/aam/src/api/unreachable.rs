//! Why a registry cannot be reached, in the words of whoever wants to reach it.

use std::{env, error::Error, io, path::Path};

use hyper_util::client::proxy::matcher::Matcher;

use crate::{
    config::RegistryUrl,
    failure::{Failure, Kind},
};

/// The failure of a registry that cannot be reached or stopped answering.
pub(super) fn unreachable_registry(registry: &RegistryUrl, error: &reqwest::Error) -> Failure {
    let trouble = Trouble::of(error);
    trouble
        .of_certificate(registry)
        .or_else(|| trouble.of_proxy(registry))
        .or_else(|| trouble.of_protocol(registry))
        .unwrap_or_else(|| trouble.of_connection(registry))
}

/// The failure of connections that cannot even be begun: for want of anybody to trust.
pub(super) fn not_set_up(error: &reqwest::Error) -> Failure {
    let causes = std::iter::successors(Some(error as &dyn Error), |error| (*error).source());
    let cause = causes.last().map(ToString::to_string).unwrap_or_default();
    let nobody = cfg!(not(any(target_os = "macos", windows))) && env::var_os("SSL_CERT_FILE").is_none();
    let hint = if nobody {
        "install this system's root certificates (the package `ca-certificates`), or set SSL_CERT_FILE to a PEM file of \
         those to trust"
            .to_owned()
    } else {
        trust()
    };
    Failure::new(Kind::Other, "tls", format!("Cannot set up connections: {cause}")).hint(hint)
}

/// A failed request, and what is behind it.
struct Trouble {
    connecting: bool,
    late: bool,
    /// What happened to the connection, where the system says so.
    io: Option<io::ErrorKind>,
    /// Whether the host's name led to no address.
    unknown_host: bool,
    /// The innermost cause.
    cause: String,
    /// All causes, in lower case.
    all: String,
}

impl Trouble {
    fn of(error: &reqwest::Error) -> Self {
        let causes = std::iter::successors(Some(error as &dyn Error), |error| (*error).source());
        let (mut io, mut cause, mut all) = (None, String::new(), String::new());
        for error in causes {
            io = error.downcast_ref::<io::Error>().map(io::Error::kind).or(io);
            cause = error.to_string();
            all.push_str(&cause.to_ascii_lowercase());
            all.push('\n');
        }
        let unknown_host = all.contains("dns error");
        Self { connecting: error.is_connect(), late: error.is_timeout(), io, unknown_host, cause, all }
    }

    fn says(&self, text: &str) -> bool {
        self.all.contains(text)
    }

    /// What is wrong with the registry's certificate.
    fn of_certificate(&self, registry: &RegistryUrl) -> Option<Failure> {
        let (what, hint) = if ["causedasendentity", "ca used as end entity", "ca used as an end-entity"]
            .iter()
            .any(|text| self.says(text))
        {
            let hint = "tell the operator to make one for the server itself, with CA:FALSE in its basic constraints \
                        (`openssl req -x509` needs `-addext basicConstraints=critical,CA:FALSE`)";
            ("is a certificate authority's own (CA:TRUE), which no server may show", hint.to_owned())
        } else if ["unknownissuer", "unknown issuer", "self-signed", "badsignature"].iter().any(|text| self.says(text))
        {
            ("is signed by nobody this machine trusts", trust())
        } else if self.says("notvalidforname") || self.says("not valid for name") {
            ("is for another name", "use the address that the certificate names, or tell the operator".to_owned())
        } else if self.says("certificate") && self.says("expired") {
            ("has expired", "tell the operator, and check this machine's clock".to_owned())
        } else if self.says("certificate") && self.says("not valid yet") {
            ("is not valid yet", "check this machine's clock, and tell the operator where it is right".to_owned())
        } else {
            return None;
        };
        Some(failure("tls", format!("The certificate of {registry} {what}"), hint))
    }

    /// What is wrong with the proxy on the way, where there is one.
    fn of_proxy(&self, registry: &RegistryUrl) -> Option<Failure> {
        if !self.connecting {
            return None;
        }
        let proxy = Proxy::on_the_way_to(registry)?;
        let Proxy { address, variable } = &proxy;
        let host = registry.host();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        let past = format!("where {host} can be reached without it, set NO_PROXY={host}");
        let looks_up_here = ["socks4://", "socks5://"].iter().any(|scheme| address.starts_with(scheme));
        let (what, hint) = if self.says("proxy authorization required") {
            ("wants a login".to_owned(), login(variable))
        } else if self.says("tunnel error: unsuccessful") {
            (format!("does not connect to {host}"), format!("ask its operator to let {host} through; {past}"))
        } else if looks_up_here && self.says("failed to lookup address") {
            let hint = format!("begin {variable} with socks5h:// to have the proxy look names up; {past}");
            (format!("was not asked: {host} is not known on this machine"), hint)
        } else if self.unknown_host {
            ("has a host name that is not known".to_owned(), format!("mend {variable}; {past}"))
        } else if self.io == Some(io::ErrorKind::ConnectionRefused) {
            ("refuses connections".to_owned(), format!("start it, or mend {variable}; {past}"))
        } else if self.says("failed to create underlying connection") {
            ("cannot be connected to".to_owned(), format!("start it, or mend {variable}; {past}"))
        } else if self.late {
            ("does not answer in time".to_owned(), format!("check {variable}; {past}"))
        } else {
            (format!("cannot be used: {}", self.cause), format!("check {variable}; {past}"))
        };
        Some(failure("proxy", format!("The proxy {address} of {variable}, on the way to {registry}, {what}"), hint))
    }

    /// Whether one side speaks TLS and the other does not.
    fn of_protocol(&self, registry: &RegistryUrl) -> Option<Failure> {
        let address = registry.as_str();
        if let Some(rest) = address.strip_prefix("https://") {
            if self.says("invalidcontenttype") || self.says("corrupt message") {
                let hint = format!("if the registry is served without TLS, its address is http://{rest}");
                return Some(failure("tls", format!("{registry} does not speak TLS there"), hint));
            }
            if self.says("received fatal alert") || self.says("peer is incompatible") {
                let hint = "tell the operator; a proxy that inspects TLS on the way may be the reason, too".to_owned();
                let message = format!("{registry} and aam do not agree on how to encrypt: {}", self.cause);
                return Some(failure("tls", message, hint));
            }
            return None;
        }
        let rest = address.strip_prefix("http://")?;
        let hint = format!("if the registry is served with TLS, its address is https://{rest}");
        if self.says("invalid http version parsed") || self.says("http/0.9") {
            return Some(failure("tls", format!("{registry} answers in something that is no HTTP"), hint));
        }
        let closed = !self.connecting
            && (self.says("connection closed before message completed")
                || self.io == Some(io::ErrorKind::ConnectionReset));
        closed.then(|| {
            let message = format!("{registry} closed the connection without an answer");
            failure("unreachable", message, format!("try again in a moment; {hint}"))
        })
    }

    /// What happened to the connection itself.
    fn of_connection(&self, registry: &RegistryUrl) -> Failure {
        let host = registry.host();
        let (message, hint) = if self.unknown_host {
            let message = format!("The host of {registry} is not known: {}", self.cause);
            (message, "check its spelling with `aam registry list`, and that this machine is online".to_owned())
        } else if self.io == Some(io::ErrorKind::ConnectionRefused) {
            (format!("{registry} refuses the connection: nothing listens at {host}"), running(registry))
        } else if self.late && self.connecting {
            let message = format!("{registry} does not answer in time");
            (message, "check that this machine may reach it: a VPN, a firewall, HTTPS_PROXY".to_owned())
        } else if self.late {
            let message = format!("{registry} does not answer in time");
            (message, "try again in a moment; where it stays so, tell the operator".to_owned())
        } else if self.connecting {
            let message = format!("Cannot connect to {registry}: {}", self.cause);
            (message, "check the address with `aam registry list`, and that this machine is online".to_owned())
        } else {
            let message = format!("The connection to {registry} broke: {}", self.cause);
            (message, "try again in a moment".to_owned())
        };
        let ignored = Proxy::ignored_for(registry).map(|variable| {
            format!("; {variable} is not used, since it begins with none of http://, https://, socks4:// and socks5://")
        });
        failure("unreachable", message, format!("{hint}{}", ignored.unwrap_or_default()))
    }
}

fn failure(code: &str, message: String, hint: String) -> Failure {
    Failure::new(Kind::Unavailable, code, message).hint(hint)
}

/// How to have this machine trust a company's own certificates.
fn trust() -> String {
    if cfg!(any(target_os = "macos", windows)) {
        return "if your company signs its own certificates, add its root certificate to those that this system trusts"
            .to_owned();
    }
    match env::var_os("SSL_CERT_FILE").filter(|file| !file.is_empty()) {
        Some(file) if !Path::new(&file).is_file() => {
            format!(
                "SSL_CERT_FILE is {}, where there is no file, and so nobody is trusted; mend or unset it",
                file.display()
            )
        }
        Some(file) => format!(
            "SSL_CERT_FILE is {}, and nothing else is trusted: the file has to hold the root certificate (PEM) that \
             signs the registry's",
            file.display()
        ),
        None => "if your company signs its own certificates, add its root certificate to those that this system \
                 trusts, or set SSL_CERT_FILE to a PEM file with it"
            .to_owned(),
    }
}

fn running(registry: &RegistryUrl) -> String {
    if *registry == RegistryUrl::local() {
        return "is a registry running on this machine? For another one: `aam registry add <URL>`".to_owned();
    }
    "is the registry running there? Check the address with `aam registry list`".to_owned()
}

/// What to do about a proxy that wants a login.
pub(super) fn login(variable: &str) -> String {
    format!("set {variable} to an address with user and password, such as http://user:password@proxy:3128")
}

/// The proxy that the environment names for a registry.
pub(super) struct Proxy {
    /// Without user and password.
    address: String,
    /// Where it is named.
    pub(super) variable: String,
}

impl Proxy {
    pub(super) fn on_the_way_to(registry: &RegistryUrl) -> Option<Self> {
        let uri = registry.as_str().parse().ok()?;
        let found = Matcher::from_system().intercept(&uri)?;
        let authority = found.uri().authority()?.as_str();
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let address = format!("{}://{authority}", found.uri().scheme_str().unwrap_or("http"));
        let variable = variables(registry).next().map(|(name, _)| name);
        Some(Self { address, variable: variable.unwrap_or_else(|| "this system's settings".to_owned()) })
    }

    /// The variable with a proxy for `registry` that nobody here speaks to.
    fn ignored_for(registry: &RegistryUrl) -> Option<String> {
        const SPOKEN: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
        let (name, value) = variables(registry).next()?;
        let (scheme, _) = value.split_once("://")?;
        (!SPOKEN.contains(&&*scheme.to_ascii_lowercase())).then_some(name)
    }
}

/// The variables that are set and may name a proxy for `registry`, the one that counts first.
fn variables(registry: &RegistryUrl) -> impl Iterator<Item = (String, String)> {
    let own = if registry.as_str().starts_with("https:") { "HTTPS_PROXY" } else { "HTTP_PROXY" };
    let names = [own, "ALL_PROXY"].into_iter().flat_map(|name| [name.to_owned(), name.to_ascii_lowercase()]);
    names
        .filter_map(|name| Some((env::var(&name).ok().filter(|value| !value.is_empty())?, name)))
        .map(|(value, name)| (name, value))
}
