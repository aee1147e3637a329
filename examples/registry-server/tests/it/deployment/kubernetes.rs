//! `deployment/kubernetes`. `deployment/check` builds it and checks it against the schemas of
//! Kubernetes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    files::{members, names_in, texts, yaml},
    server::{self, Environment},
};

const FOLDER: &str = "deployment/kubernetes";
const BASE: &str = "deployment/kubernetes/base";

fn only(name: &str) -> Value {
    let mut documents = yaml(name);
    assert_eq!(documents.len(), 1, "{name}");
    documents.remove(0)
}

/// Every object of the base.
fn objects() -> Vec<Value> {
    let kustomization = only(&format!("{BASE}/kustomization.yaml"));
    texts(&kustomization["resources"]).iter().flat_map(|file| yaml(&format!("{BASE}/{file}"))).collect()
}

#[track_caller]
fn object(kind: &str, name: &str) -> Value {
    let found = objects().into_iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("there is no {kind} {name}"))
}

/// The pods of the objects, by kind and name.
fn pods() -> BTreeMap<String, Value> {
    let pods = objects().into_iter().filter_map(|object| {
        let template = match object["kind"].as_str().expect("a kind") {
            "Deployment" | "StatefulSet" | "Job" => &object["spec"]["template"],
            "CronJob" => &object["spec"]["jobTemplate"]["spec"]["template"],
            _ => return None,
        };
        let name = format!("{} {}", object["kind"].as_str()?, object["metadata"]["name"].as_str()?);
        Some((name, template.clone()))
    });
    pods.collect()
}

/// The only container of a pod.
fn container(pod: &Value) -> &Value {
    let containers = pod["spec"]["containers"].as_array().expect("containers");
    assert_eq!(containers.len(), 1);
    &containers[0]
}

/// The pods that run the server.
fn servers() -> BTreeMap<String, Value> {
    pods().into_iter().filter(|(_, pod)| container(pod)["image"] == "aam-registry").collect()
}

/// The contents of the config map, from both kustomizations.
fn config_map() -> BTreeMap<String, String> {
    let mut literals = BTreeMap::new();
    for file in [format!("{BASE}/kustomization.yaml"), format!("{FOLDER}/kustomization.yaml")] {
        let kustomization = only(&file);
        let generators = kustomization["configMapGenerator"].as_array().expect("a generator");
        assert!(generators.len() == 1 && generators[0]["name"] == "aam-registry", "{file}");
        for literal in texts(&generators[0]["literals"]) {
            let (name, value) = literal.split_once('=').expect("NAME=value");
            literals.insert(name.to_owned(), value.to_owned());
        }
    }
    literals
}

#[test]
fn no_file_is_forgotten_and_none_is_missing() {
    for (folder, apart) in [(BASE, &[][..]), (FOLDER, &["base", "secret.example.yaml"][..])] {
        let kustomization = only(&format!("{folder}/kustomization.yaml"));
        let mut listed: Vec<_> =
            texts(&kustomization["resources"]).into_iter().filter(|name| *name != "base").collect();
        listed.extend(apart);
        listed.push("kustomization.yaml");
        listed.sort_unstable();
        assert_eq!(listed, names_in(folder), "{folder}");
    }
    assert_eq!(only(&format!("{FOLDER}/kustomization.yaml"))["resources"], json!(["base"]));
}

#[test]
fn everything_is_there() {
    let mut kinds = BTreeMap::<String, BTreeSet<String>>::new();
    for object in objects() {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        kinds.entry(text(&object["kind"])).or_default().insert(text(&object["metadata"]["name"]));
    }
    let expected = json!({
        "Namespace": ["aam-registry"],
        "StatefulSet": ["postgres"],
        "Deployment": ["aam-api", "redis"],
        "Job": ["aam-migrate"],
        "CronJob": ["aam-backup", "aam-old-versions", "aam-storage-cleanup", "aam-storage-verify"],
        "Service": ["aam-api", "aam-metrics", "postgres", "redis"],
        "Ingress": ["aam-api"],
        "HorizontalPodAutoscaler": ["aam-api"],
        "PodDisruptionBudget": ["aam-api"],
        "NetworkPolicy": ["deny-all", "into-api", "into-postgres", "into-redis", "out-of-registry", "resolve-names"],
    });
    assert_eq!(json!(kinds), expected);
}

#[test]
fn the_server_takes_what_it_is_given() {
    let secret = yaml(&format!("{FOLDER}/secret.example.yaml")).remove(1);
    assert_eq!(secret["metadata"], json!({"name": "aam-secrets", "namespace": "aam-registry"}));
    let keys: BTreeSet<_> = members(&secret["stringData"]).map(|(key, _)| key).collect();
    assert_eq!(
        keys,
        BTreeSet::from(["jwt-secret", "minio-access-key", "minio-secret-key", "postgres-password", "secrets-key"])
    );
    let config_map = config_map();
    server::knows(config_map.keys());

    let servers = servers();
    assert_eq!(servers.len(), 6);
    for (name, pod) in &servers {
        let container = container(pod);
        assert_eq!(container["envFrom"], json!([{"configMapRef": {"name": "aam-registry"}}]), "{name}");
        let mut environment = config_map.clone();
        // In this order: Kubernetes replaces `$(NAME)` only by variables that are defined before.
        let mut before = Environment::new();
        for variable in container["env"].as_array().expect("variables") {
            let variable_name = variable["name"].as_str().expect("a name");
            let value = if let Some(value) = variable["value"].as_str() {
                before.iter().fold(value.to_owned(), |text, (name, value)| text.replace(&format!("$({name})"), value))
            } else {
                let reference = &variable["valueFrom"]["secretKeyRef"];
                assert_eq!(reference["name"], "aam-secrets", "{name}");
                let key = reference["key"].as_str().expect("a key");
                assert!(keys.contains(key), "{name} wants {key}");
                format!("a-secret-of-somebody-{key}-0123456789")
            };
            assert!(!value.contains("$("), "{name}: {value}");
            before.insert(variable_name.to_owned(), value);
        }
        // It is part of DATABASE_URL and not a variable of the server.
        assert!(before.remove("POSTGRES_PASSWORD").is_some(), "{name}");
        server::knows(before.keys());
        environment.extend(before);
        server::accepts(&environment);
    }
}

#[test]
fn the_server_has_every_command_that_is_run() {
    let servers = servers();
    let commands: BTreeSet<_> = servers.values().map(|pod| texts(&container(pod)["args"]).join(" ")).collect();
    let expected = [
        "backup --to s3://aam-backups/registry --keep 30d",
        "cleanup-old-versions --days 365",
        "migrate",
        "serve",
        "storage cleanup --older-than 24h",
        "storage verify",
    ];
    assert_eq!(commands, BTreeSet::from(expected.map(str::to_owned)));
    for command in commands {
        server::understands(&command.split(' ').collect::<Vec<_>>());
    }
}

#[test]
fn pods_may_do_no_more_than_they_need() {
    for (name, pod) in pods() {
        let spec = &pod["spec"];
        assert_eq!(spec["automountServiceAccountToken"], false, "{name}");
        assert_eq!(spec["enableServiceLinks"], false, "{name}");
        assert_eq!(spec["securityContext"]["runAsNonRoot"], true, "{name}");
        assert_eq!(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        let container = container(&pod);
        let confined = json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        });
        assert_eq!(container["securityContext"], confined, "{name}");
        assert!(container["resources"]["requests"]["memory"].is_string(), "{name}");
        assert!(container["resources"]["limits"]["memory"].is_string(), "{name}");
        let volumes = spec["volumes"].as_array().into_iter().flatten().map(|volume| &volume["name"]);
        let claimed = Value::from("data");
        let volumes: Vec<_> = volumes.chain(name.starts_with("StatefulSet").then_some(&claimed)).collect();
        for mount in container["volumeMounts"].as_array().expect("mounts") {
            assert!(volumes.contains(&&mount["name"]), "{name} mounts {mount}");
        }
    }
    for (name, pod) in servers() {
        assert_eq!(pod["spec"]["securityContext"]["runAsUser"], 10001, "{name}");
        assert_eq!(pod["metadata"]["labels"]["app.kubernetes.io/name"], "aam-registry", "{name}");
    }
}

#[test]
fn the_api_is_rolled_without_a_gap() {
    let api = object("Deployment", "aam-api");
    assert_eq!(api["spec"].get("replicas"), None, "the autoscaler's word would be overridden");
    assert_eq!(api["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"], 0);
    let pod = &api["spec"]["template"];
    assert_eq!(pod["spec"]["terminationGracePeriodSeconds"], 45);
    let container = container(pod);
    for (probe, path) in [("startupProbe", "/health"), ("livenessProbe", "/health"), ("readinessProbe", "/ready")] {
        assert_eq!(container[probe]["httpGet"], json!({"path": path, "port": "http"}), "{probe}");
    }
    assert_eq!(container["ports"], json!([{"name": "http", "containerPort": 8000}]));

    let labels = &pod["metadata"]["labels"];
    for selector in [
        &api["spec"]["selector"]["matchLabels"],
        &object("Service", "aam-api")["spec"]["selector"],
        &object("Service", "aam-metrics")["spec"]["selector"],
        &object("PodDisruptionBudget", "aam-api")["spec"]["selector"]["matchLabels"],
        &object("NetworkPolicy", "into-api")["spec"]["podSelector"]["matchLabels"],
    ] {
        assert_eq!(selector, labels);
    }
    let autoscaler = object("HorizontalPodAutoscaler", "aam-api");
    assert_eq!(autoscaler["spec"]["scaleTargetRef"]["name"], "aam-api");
    assert_eq!(autoscaler["spec"]["minReplicas"], 3);
}

#[test]
fn the_database_keeps_what_it_is_given_and_archives_pass_the_door() {
    let postgres = object("StatefulSet", "postgres");
    let claim = &postgres["spec"]["volumeClaimTemplates"][0];
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "100Gi");
    let ingress = object("Ingress", "aam-api");
    assert_eq!(ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"], "100m");
    assert_eq!(ingress["spec"]["tls"][0]["secretName"], "aam-registry-tls");
    let paths = ingress["spec"]["rules"][0]["http"]["paths"].as_array().expect("paths");
    assert!(paths.iter().all(|path| path["path"] != "/metrics" && path["backend"]["service"]["name"] == "aam-api"));
    assert!(config_map().contains_key("TRUSTED_PROXIES"));
}
