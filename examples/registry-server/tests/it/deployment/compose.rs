//! `deployment/docker/docker-compose.yml` and the files it uses.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

use super::{
    files::{assignments, members, path, text, texts, yaml},
    server::{self, Environment},
};
use crate::process::Site;

const FILE: &str = "deployment/docker/docker-compose.yml";
const EXAMPLE: &str = "deployment/docker/.env.example";
/// The folder of the files of `generate-secrets.sh` in the containers.
const SECRETS: &str = "/run/aam-registry";

fn compose() -> Value {
    let documents = yaml(FILE);
    assert_eq!(documents.len(), 1);
    documents.into_iter().next().expect("one")
}

fn service(name: &str) -> Value {
    compose()["services"][name].clone()
}

/// Expands Compose's `${NAME}`, `${NAME:-default}` and `$$`; `value_of` gets each name and default.
fn interpolate(text: &str, mut value_of: impl FnMut(&str, &str) -> String) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        rest = if let Some(after) = after.strip_prefix('$') {
            result.push('$');
            after
        } else {
            let (name, after) = after.strip_prefix('{').and_then(|text| text.split_once('}')).expect("${…} or $$");
            let (name, default) = name.split_once(":-").unwrap_or((name, ""));
            result.push_str(&value_of(name, default));
            after
        };
    }
    result + rest
}

/// The environment of a service if `.env` contains `settings`.
fn environment(name: &str, settings: &BTreeMap<String, String>) -> Environment {
    let service = service(name);
    let variables = members(&service["environment"]).map(|(name, value)| {
        let value = interpolate(value.as_str().expect("text"), |name, default| {
            settings.get(name).filter(|value| !value.is_empty()).map_or(default, String::as_str).to_owned()
        });
        (name.to_owned(), value)
    });
    variables.collect()
}

fn generate_secrets(folder: &Path, environment: &Environment) -> Output {
    let script = path("deployment/docker/generate-secrets.sh");
    let mut command = Command::new("sh");
    command.arg(script).arg(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs(environment).output().expect("a shell")
}

/// A complete `.env`, with every setting that the current server accepts.
fn filled_in() -> BTreeMap<String, String> {
    let mut settings = assignments(EXAMPLE, true);
    for (name, value) in [
        ("DOMAIN", "registry.example.com"),
        ("POSTGRES_PASSWORD", "a-password.of~somebody"),
        ("MINIO_ROOT_PASSWORD", "a secret of somebody"),
        ("JWT_SECRET", "0123456789abcdef0123456789abcdef,fedcba9876543210fedcba9876543210"),
        ("SECRETS_KEY", "123456789abcdef0123456789abcdef0"),
        ("ADMIN_USERNAME", "admin"),
        ("ADMIN_EMAIL", "admin@example.com"),
        ("ADMIN_PASSWORD", "correct horse battery staple"),
        ("REQUIRE_SIGNATURES", "false"),
    ] {
        assert!(settings.insert(name.to_owned(), value.to_owned()).is_some(), "{name} is not in {EXAMPLE}");
    }
    settings
}

#[test]
fn the_server_takes_what_it_is_given() {
    for settings in [BTreeMap::new(), assignments(EXAMPLE, false), filled_in()] {
        let folder = tempfile::tempdir().expect("a folder");
        let ran = generate_secrets(folder.path(), &environment("generate-secrets", &settings));
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        for name in ["api", "migrate"] {
            let mut environment = environment(name, &settings);
            server::knows(environment.keys());
            for value in environment.values_mut() {
                *value = value.replace(SECRETS, folder.path().to_str().expect("UTF-8"));
            }
            server::accepts(&environment);
        }
    }
}

#[test]
fn the_example_names_every_variable_that_is_read_with_its_default() {
    let mut read = BTreeMap::new();
    let without_comments: Vec<_> =
        text(FILE).lines().filter(|line| !line.trim_start().starts_with('#')).map(str::to_owned).collect();
    interpolate(&without_comments.join("\n"), |name, default| {
        let first = read.entry(name.to_owned()).or_insert_with(|| default.to_owned());
        assert_eq!(first, default, "{name} has two defaults");
        String::new()
    });
    let named = assignments(EXAMPLE, true);
    assert_eq!(read.keys().collect::<Vec<_>>(), named.keys().collect::<Vec<_>>());
    for (name, value) in assignments(EXAMPLE, false) {
        // `open` is the server's own default.
        let default = if name == "REGISTRATION" { "open" } else { &read[&name] };
        assert_eq!(value, default, "{name}");
    }
}

#[test]
fn secrets_are_made_up_once_and_those_given_prevail() {
    let folder = tempfile::tempdir().expect("a folder");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("a secret");
    let names =
        ["postgres-password", "minio-password", "jwt-secret", "secrets-key", "grafana-password", "database-url"];
    let all = || names.map(read);

    let nothing_given = environment("generate-secrets", &BTreeMap::new());
    assert!(generate_secrets(folder.path(), &nothing_given).status.success());
    let made_up = all();
    assert!(made_up.iter().take(5).all(|secret| secret.len() == 64), "{made_up:?}");
    assert_eq!(made_up.iter().collect::<BTreeSet<_>>().len(), names.len(), "one is like another");
    assert_eq!(made_up[5], format!("postgresql://aam:{}@postgres:5432/aam", made_up[0]));
    assert!(generate_secrets(folder.path(), &nothing_given).status.success());
    assert_eq!(all(), made_up);

    let mut given = environment("generate-secrets", &filled_in());
    assert!(generate_secrets(folder.path(), &given).status.success());
    assert_eq!(read("postgres-password"), "a-password.of~somebody");
    assert_eq!(read("database-url"), "postgresql://aam:a-password.of~somebody@postgres:5432/aam");
    assert_eq!(read("grafana-password"), made_up[4]);

    given.insert("POSTGRES_PASSWORD".to_owned(), "p@ss".to_owned());
    let refused = generate_secrets(folder.path(), &given);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("POSTGRES_PASSWORD"));
    assert_eq!(read("postgres-password"), "a-password.of~somebody");
}

#[test]
fn the_api_starts_after_what_it_needs() {
    let compose = compose();
    let services = &compose["services"];
    let mut edges = BTreeSet::new();
    for (name, service) in members(services) {
        for (needed, how) in members(&service["depends_on"]) {
            let other = &services[needed];
            match how["condition"].as_str().expect("a condition") {
                "service_healthy" => assert!(other["healthcheck"]["test"].is_array(), "{needed} cannot be healthy"),
                "service_completed_successfully" => assert_eq!(other["restart"], "no", "{needed} never completes"),
                condition => panic!("{name} does not wait for {needed}: {condition}"),
            }
            edges.insert((name, needed));
        }
    }
    let direct = |name: &'static str| edges.iter().filter(move |(from, _)| *from == name).map(|(_, to)| *to);
    assert_eq!(direct("api").collect::<Vec<_>>(), ["create-bucket", "migrate", "postgres", "redis"]);
    assert_eq!(direct("migrate").collect::<Vec<_>>(), ["postgres"]);
    assert_eq!(direct("create-bucket").collect::<Vec<_>>(), ["minio"]);
    for name in ["postgres", "minio"] {
        assert!(direct(name).any(|needed| needed == "generate-secrets"), "{name} may start without its password");
    }
}

#[test]
fn nothing_else_is_reachable_and_stores_only_from_this_machine() {
    let compose = compose();
    let mut ports = BTreeMap::new();
    for (name, service) in members(&compose["services"]) {
        for port in texts(&service["ports"]) {
            ports.entry(name).or_insert_with(Vec::new).push(interpolate(port, |_, default| default.to_owned()));
        }
    }
    let expected = json!({
        "api": ["0.0.0.0:8000:8000"],
        "postgres": ["127.0.0.1:5432:5432"],
        "minio": ["9000:9000", "9001:9001"],
        "redis": ["127.0.0.1:6379:6379"],
        "prometheus": ["127.0.0.1:9090:9090"],
        "grafana": ["127.0.0.1:3000:3000"],
    });
    assert_eq!(json!(ports), expected);
}

/// Every replica of the API needs a port and a folder of its own.
#[test]
fn the_api_can_be_scaled() {
    let api = service("api");
    let settings = BTreeMap::from([("API_PORTS", "8000-8004")]);
    let ports = texts(&api["ports"])
        .into_iter()
        .map(|port| interpolate(port, |name, default| (*settings.get(name).unwrap_or(&default)).to_owned()));
    assert_eq!(ports.collect::<Vec<_>>(), ["0.0.0.0:8000-8004:8000"]);
    assert_eq!(api["container_name"], Value::Null);
    let writable: Vec<_> = texts(&api["volumes"]).into_iter().filter(|volume| !volume.ends_with(":ro")).collect();
    assert_eq!(writable, ["/var/lib/aam-registry"], "a volume with a name is shared by all replicas");
}

#[test]
fn containers_may_do_no_more_than_they_need() {
    let compose = compose();
    let declared: BTreeSet<_> = members(&compose["volumes"]).map(|(name, _)| name).collect();
    let mut used = BTreeSet::new();
    for (name, service) in members(&compose["services"]) {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"], json!(["ALL"]), "{name}");
        assert_eq!(service["cap_add"], Value::Null, "{name}");
        assert_eq!(service["privileged"], Value::Null, "{name}");
        assert_eq!(service["security_opt"], json!(["no-new-privileges:true"]), "{name}");
        assert!(service["pids_limit"].as_u64().is_some_and(|most| most <= 1024), "{name}");
        let memory = service["mem_limit"].as_str().unwrap_or_else(|| panic!("{name} may take all memory"));
        assert!(memory.ends_with(['m', 'g']), "{name}: {memory}");
        let image = service["image"].as_str().expect("an image");
        let tag = image.split_once(':').expect("a tag").1;
        assert!(tag.contains(|c: char| c.is_ascii_digit()) && tag != "latest", "{image} is not pinned");
        for volume in texts(&service["volumes"]) {
            let source = volume.split(':').next().expect("a source");
            if source.starts_with('/') {
                assert_eq!(volume, source, "{name} shares a folder of the machine");
            } else if source.starts_with('.') {
                assert!(path("deployment/docker").join(source).exists(), "{name} mounts {source}");
                assert!(volume.ends_with(":ro"), "{name} may write to {source}");
            } else {
                used.insert(source);
            }
        }
    }
    assert_eq!(used, declared);
}

#[test]
fn an_api_that_is_told_to_stop_may_finish() {
    let api = service("api");
    assert_eq!(api["stop_grace_period"], "45s");
    for name in ["api", "migrate"] {
        let service = service(name);
        server::understands(&texts(&service["command"]));
        assert_eq!(service["build"], json!({"context": "../..", "dockerfile": "deployment/docker/Dockerfile"}));
        assert_eq!(service["image"], format!("aam-registry:{}", env!("CARGO_PKG_VERSION")));
    }
    let bucket = service("create-bucket");
    assert_eq!(bucket["environment"]["S3_BUCKET"], api["environment"]["S3_BUCKET"]);
}

#[test]
fn unfinished_uploads_are_removed_later_than_the_longest_upload() {
    let minio = environment("minio", &BTreeMap::new());
    assert_eq!(minio["MINIO_API_STALE_UPLOADS_EXPIRY"], "48h");
    let rules: Value = serde_json::from_str(&text("deployment/s3-lifecycle.json")).expect("JSON");
    assert_eq!(rules["Rules"][0]["AbortIncompleteMultipartUpload"], json!({"DaysAfterInitiation": 2}));
    assert_eq!(rules["Rules"][0]["Status"], "Enabled");
    let mut site = Site::new();
    site.set("UPLOAD_TIMEOUT", "25h");
    let json = site.run(&["config", "check", "--json"]).json();
    assert_eq!(json["faults"][0]["key"], "UPLOAD_TIMEOUT", "an upload takes at most a day: {json}");
}
