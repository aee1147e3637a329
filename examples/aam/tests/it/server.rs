//! A registry in this process, on a port of its own.

use std::{env, net::SocketAddr, path::PathBuf, process::Output, thread};

use aam_registry_core::{
    archive::ArchiveLimits,
    http::RegistryService,
    memory::{self, InsecureIdTokens},
    registry::{Policy, Registry, RegistryBuilder},
    types::{AccountRole, Issuer},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, runtime::Runtime};

use crate::machine::Machine;

/// A password that no registry refuses.
pub(crate) const PASSWORD: &str = "violet-harbour-tin-41";

/// A running registry; it ends with this value.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    registry: Registry,
    runtime: Runtime,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(Policy::default())
    }

    /// A registry that takes what `limits` let through.
    pub(crate) fn with_limits(limits: ArchiveLimits) -> Self {
        Self::with(Policy::default().with_archive_limits(limits))
    }

    /// A registry with that policy.
    pub(crate) fn with(policy: Policy) -> Self {
        Self::of(|_| memory::registry().policy(policy))
    }

    /// A registry that takes ID tokens of GitHub and GitLab, for its own address: the JSON of their claims.
    pub(crate) fn trusting_ci() -> Self {
        Self::of(trusting_ci)
    }

    /// The same for ID tokens that are for `audience`.
    pub(crate) fn trusting_ci_for(audience: &str) -> Self {
        Self::of(|_| trusting_ci(audience))
    }

    /// A registry that `build` makes for its address.
    fn of(build: impl FnOnce(&str) -> RegistryBuilder) -> Self {
        let runtime = Runtime::new().expect("runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let registry = build(&format!("http://{address}")).build().expect("every port is there");
        let service = TowerToHyperService::new(RegistryService::new(registry.clone()));
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    // A client that goes away is its own affair.
                    let _ =
                        auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, registry, runtime }
    }

    /// A link with which a user sets another password, made by the operator.
    pub(crate) fn reset_link(&self, username: &str) -> String {
        let username = username.parse().expect("a username");
        let link = self.runtime.block_on(self.registry.make_reset_link_as_operator(&username));
        link.expect("a user").url(&self.url())
    }

    /// Makes a user an administrator.
    pub(crate) fn make_admin(&self, username: &str) {
        self.grant(username, AccountRole::Admin);
    }

    /// Gives a user a role.
    pub(crate) fn grant(&self, username: &str, role: AccountRole) {
        let username = username.parse().expect("a username");
        self.runtime.block_on(self.registry.set_role(&username, role, true)).expect("a user");
    }

    /// Makes a user a moderator.
    pub(crate) fn make_moderator(&self, username: &str) {
        let username = username.parse().expect("a username");
        let given = self.runtime.block_on(self.registry.set_role(&username, AccountRole::Moderator, true));
        given.expect("a user");
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A machine whose default registry this is.
    pub(crate) fn machine(&self) -> Machine {
        let machine = Machine::new();
        machine.ok(&["registry", "add", &self.url(), "--name", "test", "--default"]);
        machine
    }

    /// A machine whose default registry this is, logged in as the new user `alice`, owner of `@acme` and `@my_org`.
    pub(crate) fn machine_of_alice(&self) -> Machine {
        let machine = self.machine();
        machine.register("alice");
        machine.ok(&["scope", "create", "my_org"]);
        machine.ok(&["scope", "create", "@acme"]);
        machine
    }

    /// As [`Self::machine_of_alice`], with the fixtures published.
    pub(crate) fn machine_with_fixtures(&self) -> Machine {
        let machine = self.machine_of_alice();
        for name in FIXTURES {
            let path = fixture(name);
            machine.ok(&["pkg", "publish", path.to_str().expect("text")]);
        }
        machine
    }
}

/// The archives of `tests/fixtures` that belong together.
pub(crate) const FIXTURES: [&str; 4] =
    ["greet-kit-1.0.0.aam", "greet-kit-1.1.0.aam", "acme-review-suite-2.1.0.aam", "my_org-style-guide-0.3.0.aam"];

/// A file or folder of this package. Cargo says at run time where it is: the path that was compiled in may name another
/// checkout that shared the target folder.
pub(crate) fn in_package(path: &str) -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    package.join(path)
}

pub(crate) fn fixture(name: &str) -> PathBuf {
    in_package("../../tests/fixtures").join(name)
}

/// Bytes that no packer makes fewer.
pub(crate) fn noise(bytes: usize) -> Vec<u8> {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    // Packers look for what was there within the last 32 KiB.
    let mut noise = Vec::with_capacity(1 << 16);
    while noise.len() < 1 << 16 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        noise.extend(seed.to_le_bytes());
    }
    noise.iter().copied().cycle().take(bytes).collect()
}

/// Runs `work` on a thread, for tests of two things at once.
pub(crate) fn beside(work: impl FnOnce() -> Output + Send + 'static) -> thread::JoinHandle<Output> {
    thread::spawn(work)
}

fn trusting_ci(audience: &str) -> RegistryBuilder {
    let issuers = [Issuer::GITHUB, Issuer::GITLAB].map(|text| Issuer::parse(text).expect("an issuer"));
    memory::registry().id_tokens(InsecureIdTokens::new(issuers, audience))
}
