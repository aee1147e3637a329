//! `config check` and `config show`.

use crate::process::Site;

/// The value and the source of a setting, from `config show`.
#[track_caller]
fn shown(site: &Site, args: &[&str], name: &str) -> (String, String) {
    let json = site.run(&[&["config", "show", "--json"], args].concat()).succeeded().json();
    let line = json["settings"].as_array().expect("a list").iter().find(|line| line["name"] == name);
    let line = line.expect("the setting is listed");
    (line["value"].as_str().unwrap_or_default().to_owned(), line["source"].as_str().expect("text").to_owned())
}

#[test]
fn flags_prevail_over_the_environment_over_dot_env_over_the_file_over_defaults() {
    let mut site = Site::new();
    assert_eq!(shown(&site, &[], "PORT"), ("8000".to_owned(), "default".to_owned()));
    site.write("config.yaml", "port: 8001\n");
    assert_eq!(shown(&site, &[], "PORT"), ("8001".to_owned(), "port in config.yaml".to_owned()));
    site.write(".env", "PORT=8002\nSOMEBODY_ELSES=1\n");
    assert_eq!(shown(&site, &[], "PORT"), ("8002".to_owned(), "PORT in .env, line 1".to_owned()));
    site.set("PORT", 8003);
    assert_eq!(shown(&site, &[], "PORT"), ("8003".to_owned(), "environment variable PORT".to_owned()));
    assert_eq!(shown(&site, &["--port", "8004"], "PORT"), ("8004".to_owned(), "flag --port".to_owned()));
}

/// systemd, which reads the same file, takes values literally too.
#[test]
fn dot_env_replaces_nothing_in_a_value() {
    let mut site = Site::new();
    site.set("xyz", "another");
    for (line, expected) in [
        (r#"S3_PREFIX='a$b#c\d"e'"#, r#"a$b#c\d"e"#),
        ("S3_PREFIX=abc-long-$xyz", "abc-long-$xyz"),
        ("S3_PREFIX=\"a${xyz}\"", "a${xyz}"),
        ("\u{feff}S3_PREFIX=a\r\n", "a"),
    ] {
        site.write(".env", line);
        assert_eq!(shown(&site, &[], "S3_PREFIX").0, expected, "{line}");
    }
    site.write(".env", "PORT=1\nS3_PREFIX=${xyz}\nOTHERS=${xyz}\nSSL_CERT_FILE=/roots.pem\n");
    let json = site.run(&["config", "check", "--json"]).succeeded().json();
    let told = "S3_PREFIX in .env, line 2 holds `${`, which stays as it is: nothing is replaced in this file";
    let ignored = "SSL_CERT_FILE in .env, line 4 is not read: it holds where the environment of the process has it";
    assert_eq!(json["warnings"], serde_json::json!([told, ignored]));
}

#[test]
fn files_of_windows_begin_with_a_byte_order_mark() {
    let mut site = Site::new();
    site.write("config.yaml", "\u{feff}port: 8001\r\n");
    assert_eq!(shown(&site, &[], "PORT").0, "8001");
    let path = site.write("prefix.txt", "\u{feff}postgresql://db/aam\r\n");
    site.set("DATABASE_URL_FILE", path.display());
    assert_eq!(shown(&site, &[], "DATABASE_URL").0, "postgresql://db/aam");
}

#[test]
fn every_bad_line_of_dot_env_is_told_by_its_number() {
    let site = Site::new();
    site.write(".env", "A=1\n# fine\nB=hunter2 hunter2\n\nADMIN_PASSWORD='hunter2\n");
    let stderr = site.run(&["config", "check"]).failed().stderr();
    for told in [".env (line 3): its value holds a space", ".env (line 5): its value begins with a quote"] {
        assert!(stderr.contains(told), "{told}: {stderr}");
    }
    assert!(!stderr.contains("hunter2"), "{stderr}");
}

#[test]
fn the_file_is_the_one_that_was_named() {
    let mut site = Site::new();
    site.write("config.yaml", "port: 8001\n");
    site.write("other.yaml", "port: 8002\ncors_origins: [https://a.example, https://b.example]\n");
    site.write("third.yaml", "port: 8003\n");
    site.set("AAM_CONFIG", "other.yaml");
    assert_eq!(shown(&site, &[], "PORT").0, "8002");
    assert_eq!(shown(&site, &[], "CORS_ORIGINS").0, "https://a.example,https://b.example");
    assert_eq!(shown(&site, &["--config", "third.yaml"], "PORT").0, "8003");
    let stderr = site.run(&["config", "check", "--config", "none.yaml"]).failed().stderr();
    assert!(stderr.contains("none.yaml: cannot be read"), "{stderr}");
}

#[test]
fn an_empty_variable_is_one_nobody_set() {
    let mut site = Site::new();
    site.write("config.yaml", "port: 8001\n");
    site.set("PORT", "").set("SMTP_HOST", "").set("REQUIRE_SIGNATURES", "false").set("JWT_SECRET", "");
    assert_eq!(shown(&site, &[], "PORT").0, "8001");
}

#[test]
fn the_settings_of_mail_fit_together() {
    let faults = |settings: &[(&str, &str)]| {
        let mut site = Site::new();
        for (name, value) in settings {
            site.set(name, value);
        }
        let stderr = site.run(&["config", "check"]).failed().stderr();
        assert!(!stderr.contains("hunter2"), "{stderr}");
        stderr
    };
    let (host, from) = (("SMTP_HOST", "mail.example.com"), ("SMTP_FROM", "registry@example.com"));
    for (settings, told) in [
        (&[host] as &[_], "SMTP_FROM: is required where SMTP_HOST is set"),
        (&[from], "SMTP_FROM: does nothing without SMTP_HOST"),
        (&[host, from, ("SMTP_USER", "me")], "SMTP_PASSWORD: is required where SMTP_USER is set"),
        (&[host, from, ("SMTP_PASSWORD", "hunter2")], "SMTP_USER: is required where SMTP_PASSWORD is set"),
        (
            &[host, from, ("SMTP_USER", "me"), ("SMTP_PASSWORD", "hunter2"), ("SMTP_TLS", "none")],
            "SMTP_TLS: must not be none with SMTP_PASSWORD",
        ),
        (&[host, ("SMTP_FROM", "nobody")], "allowed: an e-mail address such as `registry@example.com`"),
        (&[host, from, ("SMTP_TLS", "ssl")], "allowed: `starttls`, `tls` or `none`"),
        (&[host, from, ("SMTP_PORT", "0")], "SMTP_PORT: must be from 1 to 65535"),
    ] {
        let stderr = faults(settings);
        assert!(stderr.contains(told), "{settings:?}: {stderr}");
    }
    for (tls, port) in [("starttls", "587"), ("tls", "465"), ("none", "25")] {
        let mut site = Site::new();
        site.set("SMTP_HOST", "mail.example.com").set("SMTP_FROM", "AAM <registry@example.com>").set("SMTP_TLS", tls);
        assert_eq!(shown(&site, &[], "SMTP_PORT").0, port);
    }
}

#[test]
fn settings_follow_one_another() {
    let mut site = Site::new();
    site.set("DATA_DIR", "/srv/aam").set("DOMAIN", "registry.example.com").set("STORAGE_TYPE", "memory");
    assert_eq!(shown(&site, &[], "DATABASE_URL").0, "sqlite:///srv/aam/registry.db");
    assert_eq!(shown(&site, &[], "STORAGE_PATH").0, "/srv/aam/packages");
    assert_eq!(shown(&site, &[], "BASE_URL").0, "https://registry.example.com");
    assert_eq!(shown(&site, &[], "STORAGE_BACKEND").0, "memory");
}

#[test]
fn every_fault_is_told_at_once_with_its_key_its_source_and_what_is_allowed() {
    let mut site = Site::new();
    site.write("config.yaml", "prot: 1\nlog_level: loud\ncache: { redis_ulr: x }\njwt_secret: 12345\n");
    site.write(".env", "RATE_LIMIT_AUTH=many\n");
    site.set("HOST", "http://here").set("TLS_CERT", "cert.pem").set("ADMIN_USERNAME", "root");
    let stderr = site.run(&["config", "check", "--max-archive-size", "big"]).failed().stderr();
    for told in [
        "prot (config.yaml): unknown key; did you mean `port`?",
        "LOG_LEVEL (log_level in config.yaml): `loud` is not allowed; allowed: `error`, `warn`",
        "cache.redis_ulr (config.yaml): unknown key; did you mean `cache.redis_url`?",
        "jwt_secret (config.yaml): its value must be text",
        "RATE_LIMIT_AUTH (RATE_LIMIT_AUTH in .env, line 1): `many` is not allowed; allowed: a whole number from 0",
        "HOST (environment variable HOST): `http://here` is not allowed",
        "MAX_ARCHIVE_SIZE (flag --max-archive-size): `big` is not allowed",
    ] {
        assert!(stderr.contains(told), "{told} is not in\n{stderr}");
    }
    let json = site.run(&["config", "check", "--json"]).failed().json();
    assert_eq!(json["valid"], false);
    assert_eq!(json["faults"].as_array().expect("a list").len(), 6);
    assert_eq!(json["faults"][0]["key"], "cache.redis_ulr");

    let stderr = site.run(&["serve"]).failed().stderr();
    assert!(stderr.contains("the configuration has 6 faults"), "{stderr}");
}

#[test]
fn settings_that_need_one_another_are_told() {
    let mut site = Site::new();
    site.set("TLS_CERT", "cert.pem").set("ADMIN_USERNAME", "root").set("MAX_UNPACKED_SIZE", "1MiB");
    let stderr = site.run(&["config", "check"]).failed().stderr();
    for key in ["TLS_KEY: is required", "ADMIN_EMAIL: is required", "ADMIN_PASSWORD: is required", "MAX_UNPACKED_SIZE"]
    {
        assert!(stderr.contains(key), "{key} is not in\n{stderr}");
    }
}

#[test]
fn storage_redirects_and_replicas_say_what_they_need() {
    for (given, told) in [
        (&[("STORAGE_BACKEND", "s3")][..], "S3_BUCKET: is required"),
        (&[("STORAGE_BACKEND", "minio")], "MINIO_ENDPOINT: is required"),
        (&[("STORAGE_BACKEND", "minio")], "MINIO_SECRET_KEY: is required"),
        (&[("STORAGE_BACKEND", "s3"), ("AWS_ACCESS_KEY_ID", "key")], "AWS_SECRET_ACCESS_KEY: is required"),
        (&[("DOWNLOAD_REDIRECT", "presigned")], "DOWNLOAD_REDIRECT: is `presigned`, which needs STORAGE_BACKEND"),
        (&[("DOWNLOAD_REDIRECT", "cdn")], "cdn.base_url: is required"),
        (&[("DATABASE_REPLICA_URL", "postgresql://u:hunter2@h/aam")], "DATABASE_REPLICA_URL: needs DATABASE_URL"),
        (&[("REDIS_URL", "localhost:6379")], "REDIS_URL (environment variable REDIS_URL): its value is not allowed"),
        (&[("REDIS_URL", "redis://:hunter2@h:99999")], "allowed: `redis://"),
        (&[("REDIS_URL", "redis://:hunter2@h/cache")], "allowed: `redis://"),
        (&[("REDIS_URL", "redis://:TOP#hunter2@h")], "written `%23`"),
        (&[("DATABASE_URL", "mysql://u:hunter2@h/aam")], "allowed: `sqlite://<path>`"),
        (
            &[("S3_ENDPOINT_URL", "https://u:hunter2@h")],
            "S3_ENDPOINT_URL): its value is not allowed; allowed: an address",
        ),
        (&[("S3_ENDPOINT_URL", "http://user:hunter2@127.0.0.1:9000")], "its value is not allowed; allowed: an address"),
        (&[("S3_ENDPOINT_URL", "https://h/?X-Amz-Signature=hunter2")], "its value is not allowed; allowed: an address"),
        (&[("BASE_URL", "http://user:hunter2@x.y")], "BASE_URL): its value is not allowed; allowed: an http"),
        (&[("BASE_URL", "https://h/?token=hunter2")], "BASE_URL): its value is not allowed; allowed: an http"),
    ] {
        let mut site = Site::new();
        for (name, value) in given {
            site.set(name, value);
        }
        let stderr = site.run(&["config", "check"]).failed().stderr();
        assert!(stderr.contains(told), "{told}: {stderr}");
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
}

#[test]
fn the_production_stack_is_a_few_variables() {
    let mut site = Site::new();
    site.set("DATABASE_URL", "postgresql+asyncpg://aam:hunter2@db:5432/aam").set("REDIS_URL", "redis://:hunter2@redis");
    site.set("STORAGE_BACKEND", "s3").set("S3_BUCKET", "aam-packages").set("AWS_ACCESS_KEY_ID", "key");
    site.set("AWS_SECRET_ACCESS_KEY", "hunter2").set("JWT_SECRET", "a-secret-of-more-than-thirty-two-bytes");
    site.write(
        "config.yaml",
        "cdn: { enabled: true, base_url: https://cdn.example.com }\ncache: { ttl_seconds: 60 }\n",
    );
    site.run(&["config", "check"]).succeeded();
    assert_eq!(shown(&site, &[], "AUTO_MIGRATE").0, "false");
    assert_eq!(shown(&site, &[], "DOWNLOAD_REDIRECT").0, "cdn");
    assert_eq!(
        shown(&site, &[], "cache.ttl_seconds"),
        ("60".to_owned(), "cache.ttl_seconds in config.yaml".to_owned())
    );
    let listing = site.run(&["config", "show"]).succeeded().stdout();
    assert!(!listing.contains("hunter2"), "{listing}");
    assert_eq!(shown(&site, &[], "DATABASE_URL").0, "postgresql+asyncpg://********@db:5432/aam");
    site.set("DATABASE_URL", "postgresql://db/aam?user=aam&password=hunter2");
    assert_eq!(shown(&site, &[], "DATABASE_URL").0, "postgresql://db/aam?********");
    // The Redis client would ignore it.
    site.set("REDIS_URL", "redis://h/?password=hunter2");
    let refused = site.run(&["config", "check"]).failed().stderr();
    assert!(refused.contains("option `password` is not supported") && !refused.contains("hunter2"), "{refused}");
    site.set("REDIS_URL", "redis://h/?protocol=resp3");
    assert_eq!(shown(&site, &[], "REDIS_URL").0, "redis://h/?********");
    site.set("DATABASE_URL", "");
    assert_eq!(shown(&site, &[], "AUTO_MIGRATE").0, "true");
}

#[test]
fn a_registry_for_known_users_has_no_cdn() {
    let mut site = Site::new();
    assert_eq!(
        (shown(&site, &[], "READ_ACCESS").0, shown(&site, &[], "STALE_READS").0),
        ("everyone".into(), "15m".into())
    );
    site.set("READ_ACCESS", "authenticated").set("STALE_READS", "5m");
    site.run(&["config", "check"]).succeeded();
    site.write("config.yaml", "cdn: { enabled: true, base_url: https://cdn.example.com }\n");
    let refused = site.run(&["config", "check"]).failed().stderr();
    assert!(refused.contains("a CDN hands archives to everybody"), "{refused}");
}

#[test]
fn what_this_release_cannot_do_is_refused_in_plain_words() {
    for (name, value, told) in [
        ("REQUIRE_SIGNATURES", "true", "Signatures are not built"),
        ("REGISTRY_PRIVATE_KEY", "key.pem", "Attestation is not built"),
        ("PASSWORD_LOGIN", "off", "Turning password login off is not built"),
        ("OIDC_ISSUER", "https://id.example.com", "Single sign-on is not built"),
        ("PAGES", "on", "Web pages are not built"),
        ("INDEXABLE", "true", "Web pages are not built"),
        ("FACADES", "npm", "the formats of other registries is not built"),
        ("MCP", "on", "The MCP server is not built"),
    ] {
        let mut site = Site::new();
        let stderr = site.set(name, value).run(&["config", "check"]).failed().stderr();
        assert!(stderr.contains(name) && stderr.contains(told), "{name}: {stderr}");
        assert!(!stderr.contains("hunter2"), "{name}: {stderr}");
    }
    let site = Site::new();
    site.write("config.yaml", "audit: { enabled: false }");
    let stderr = site.run(&["config", "check"]).failed().stderr();
    assert!(stderr.contains("audit.enabled") && stderr.contains("in this release"), "{stderr}");
}

/// What the settings of a CDN lack is told at once, and no secret with it.
#[test]
fn a_cdn_is_configured_whole_or_not_at_all() {
    let check = |yaml: &str| {
        let site = Site::new();
        site.write("config.yaml", yaml);
        let ran = site.run(&["config", "check"]);
        assert!(!ran.stderr().contains("hunter2"), "{}", ran.stderr());
        (ran.code() == Some(0), ran.stderr())
    };
    let base = "enabled: true, base_url: https://cdn.example.com";
    for (yaml, lacks) in [
        ("provider: fastly, purge_token: hunter2".to_owned(), "cdn.base_url"),
        (format!("{base}, provider: fastly"), "cdn.purge_token"),
        (format!("{base}, provider: cloudflare, purge_token: hunter2"), "cdn.zone"),
        (format!("{base}, provider: cloudfront, zone: E1"), "AWS_ACCESS_KEY_ID"),
        (format!("{base}, signing_key: hunter2, origin_secret: hunter2"), "cdn.provider"),
        (format!("{base}, provider: fastly, purge_token: t, signing_key: hunter2"), "cdn.origin_secret"),
        (format!("{base}, provider: fastly, purge_token: t, origin_secret: hunter2"), "cdn.signing_key"),
    ] {
        let (is_good, stderr) = check(&format!("cdn: {{ {yaml} }}"));
        assert!(!is_good && stderr.contains(lacks), "{yaml}: {stderr}");
    }
    let whole = "provider: cloudflare, zone: z, purge_token: hunter2, signing_key: hunter2, origin_secret: hunter2";
    let (is_good, stderr) = check(&format!("cdn: {{ {base}, {whole} }}"));
    assert!(is_good, "{stderr}");
}

#[test]
fn settings_of_traces_are_checked_and_the_headers_are_secret() {
    let mut site = Site::new();
    site.set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
    site.set("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hunter2");
    site.set("OTEL_TRACES_SAMPLER", "sometimes").set("OTEL_TRACES_SAMPLER_ARG", "2");
    let refused = site.run(&["config", "check"]).failed().stderr();
    assert!(
        refused.contains("`sometimes` is not allowed") && refused.contains("parentbased_traceidratio"),
        "{refused}"
    );
    assert!(refused.contains("OTEL_TRACES_SAMPLER_ARG") && !refused.contains("hunter2"), "{refused}");
    site.set("OTEL_TRACES_SAMPLER", "traceidratio").set("OTEL_TRACES_SAMPLER_ARG", "0.1");
    let shown = site.run(&["config", "show"]).succeeded().stdout();
    assert!(shown.contains("traceidratio") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_webhook_that_may_not_be_reached_is_warned_about() {
    let mut site = Site::new();
    let hook = "webhooks: [ { url: https://10.0.0.7/x, name: ci, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, \
                events: [tag.set] } ]\n";
    site.write("config.yaml", hook);
    let warnings = |site: &Site| site.run(&["config", "check", "--json"]).succeeded().json()["warnings"].clone();
    let told = warnings(&site)[0].as_str().expect("one").to_owned();
    assert!(told.starts_with("the webhook ci is on a network") && told.contains("WEBHOOK_ALLOW_PRIVATE"), "{told}");
    site.set("WEBHOOK_ALLOW_PRIVATE", "10.0.0.0/24");
    assert_eq!(warnings(&site), serde_json::json!([]));
}

#[test]
fn what_is_off_may_be_said() {
    let mut site = Site::new();
    site.set("PAGES", "off").set("INDEXABLE", "off").set("MCP", "false").set("FACADES", "none");
    site.run(&["config", "check"]).succeeded();
}

#[test]
fn the_way_to_others_is_checked() {
    let mut site = Site::new();
    site.set("HTTPS_PROXY", "http://me:hunter2@proxy.example.com:3128").set("NO_PROXY", "minio, .internal,10.0.0.0/8");
    site.set("HTTP_PROXY", "http://other.example.com:3128");
    let root = rcgen::generate_simple_self_signed(["h".to_owned()]).expect("a certificate").cert.pem();
    site.write("roots.pem", &root);
    site.set("CA_BUNDLE", "roots.pem");
    assert_eq!(site.run(&["config", "check", "--json"]).succeeded().json()["warnings"], serde_json::json!([]));
    assert_eq!(shown(&site, &[], "HTTPS_PROXY").0, "http://********@proxy.example.com:3128");
    for (name, value, told) in [
        ("HTTPS_PROXY", "socks5://me:hunter2@proxy.example.com", "allowed: the address of an HTTP proxy"),
        ("NO_PROXY", "http://minio", "allowed: a comma-separated list of host names"),
        ("CA_BUNDLE", "none.pem", "the file none.pem cannot be read"),
        ("CA_BUNDLE", "config.yaml", "the file config.yaml holds no certificate in PEM"),
    ] {
        let mut site = Site::new();
        site.write("config.yaml", "port: 8000\n");
        let stderr = site.set(name, value).run(&["config", "check"]).failed().stderr();
        assert!(stderr.contains(name) && stderr.contains(told) && !stderr.contains("hunter2"), "{name}: {stderr}");
    }
}

#[test]
fn a_webhook_is_checked_and_its_secret_is_not_shown() {
    let site = Site::new();
    let hook = |secret: &str, event: &str| {
        let hook =
            format!("webhooks: [ {{ url: https://hooks.example.com/x, secret: {secret}, events: [{event}] }} ]\n");
        site.write("config.yaml", &hook);
    };
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    hook(secret, "package.publish");
    let listing = site.run(&["config", "show"]).succeeded().stdout();
    assert!(listing.contains("webhooks") && !listing.contains("MfKQ"), "{listing}");
    for (secret, event, told) in [("hunter2", "package.publish", "whsec_"), (secret, "package.eaten", "version.yank")] {
        hook(secret, event);
        let stderr = site.run(&["config", "check"]).failed().stderr();
        assert!(stderr.contains("webhook 1") && stderr.contains(told) && stderr.contains("config.yaml"), "{stderr}");
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
    site.write("config.yaml", "webhooks: [https://hooks.example.com/x]\n");
    let stderr = site.run(&["config", "check"]).failed().stderr();
    assert!(stderr.contains("must have `url`, `secret` and `events`"), "{stderr}");
}

#[test]
fn what_asks_for_nothing_is_no_fault() {
    let mut site = Site::new();
    site.write(
        "config.yaml",
        "audit: { enabled: true, log_all_reads: false }\ncdn: { enabled: false }\nwebhooks: []\n",
    );
    // Other tools for Amazon read these variables too.
    site.set("AWS_ACCESS_KEY_ID", "AKIA").set("DOWNLOAD_REDIRECT", "off").set("REQUIRE_APPROVAL", "false");
    site.run(&["config", "check"]).succeeded();
}

#[test]
fn near_misses_are_warned_about_and_strangers_are_not() {
    let mut site = Site::new();
    site.write(".env", "DATABSE_URL=x\nRATE_LIMIT_SERCH=5\nAAM_RATE_LIMIT_AUTH=5\nSOMETHING_ELSE=1\n");
    site.set("JWT_SECRTE", "x").set("AAM_PORT", 1).set("AAM_TOKEN", "x").set("PATHS", "x").set("DATABASE", "x");
    let json = site.run(&["config", "check", "--json"]).succeeded().json();
    let warnings: Vec<_> =
        json["warnings"].as_array().expect("a list").iter().filter_map(|text| text.as_str()).collect();
    assert_eq!(
        warnings,
        [
            "environment variable AAM_PORT is not known: did you mean PORT?",
            "environment variable JWT_SECRTE is not known: did you mean JWT_SECRET?",
            "AAM_RATE_LIMIT_AUTH in .env, line 3 is not known: did you mean RATE_LIMIT_AUTH?",
            "DATABSE_URL in .env, line 1 is not known: did you mean DATABASE_URL?",
            "RATE_LIMIT_SERCH in .env, line 2 is not known: did you mean RATE_LIMIT_SEARCH?",
        ]
    );
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let mut site = Site::new();
    let secret = "s3cr3t".repeat(6);
    let path = site.write("jwt.txt", &format!("{secret}\n"));
    site.set("JWT_SECRET_FILE", path.display());
    let (value, source) = shown(&site, &[], "JWT_SECRET");
    assert_eq!((value.as_str(), source.as_str()), ("********", "environment variable JWT_SECRET_FILE"));

    site.set("JWT_SECRET", "another-secret".repeat(3));
    let stderr = site.run(&["config", "check"]).failed().stderr();
    assert!(stderr.contains("is also given as environment variable JWT_SECRET"), "{stderr}");
    assert!(!stderr.contains("another-secret") && !stderr.contains(&secret), "{stderr}");

    let mut site = Site::new();
    let stderr = site.set("ADMIN_PASSWORD_FILE", "nowhere").run(&["config", "check"]).failed().stderr();
    assert!(stderr.contains("ADMIN_PASSWORD_FILE") && stderr.contains("nowhere cannot be read"), "{stderr}");
}

#[test]
fn broken_files_are_told_without_their_contents() {
    let site = Site::new();
    site.write("config.yaml", "jwt_secret: hunter2\n  port: [\n");
    site.write(".env", "A=1\nhunter2 is no assignment\n");
    let stderr = site.run(&["config", "check"]).failed().stderr();
    assert!(stderr.contains("config.yaml: is not valid YAML"), "{stderr}");
    assert!(stderr.contains(".env (line 2): is not `NAME=value`"), "{stderr}");
    assert!(!stderr.contains("hunter2"), "{stderr}");
}

#[test]
fn connections_have_defaults_and_bounds() {
    let mut site = Site::new();
    for (name, default) in [
        ("MAX_CONNECTIONS", "10000"),
        ("MAX_CONNECTIONS_PER_ADDRESS", "1000"),
        ("BACKLOG", "4096"),
        ("ANSWER_MEMORY", "256MiB"),
        ("ANSWER_MEMORY_PER_CONNECTION", "1MiB"),
        ("HTTP2_MAX_STREAMS", "100"),
        ("HTTP2_SEND_BUFFER", "64KiB"),
        ("MAX_UPLOADS_PER_USER", "4"),
        ("MAX_TAGS_PER_PACKAGE", "100"),
        ("MAX_OWNERS_PER_PACKAGE", "100"),
        ("MAX_MEMBERS_PER_SCOPE", "1000"),
        ("HEADER_TIMEOUT", "30s"),
        ("BODY_TIMEOUT", "30s"),
        ("WRITE_TIMEOUT", "1m"),
        ("IDLE_TIMEOUT", "75s"),
    ] {
        assert_eq!(shown(&site, &[], name), (default.to_owned(), "default".to_owned()), "{name}");
    }
    let threads: usize = shown(&site, &[], "THREADS").0.parse().expect("a number");
    assert_eq!(threads, std::thread::available_parallelism().expect("known").get());
    site.write("config.yaml", "threads: 3\nidle_timeout: 10m\n");
    assert_eq!(shown(&site, &["--max-connections", "7"], "MAX_CONNECTIONS").0, "7");
    assert_eq!(shown(&site, &[], "IDLE_TIMEOUT").0, "10m");
    assert_eq!(shown(&site, &[], "THREADS").0, "3");
    site.set("THREADS", 0)
        .set("BACKLOG", 65536)
        .set("HTTP2_MAX_STREAMS", 0)
        .set("MAX_UPLOADS_PER_USER", 0)
        .set("MAX_CONNECTIONS", 0)
        .set("WRITE_TIMEOUT", "0s");
    let stderr = site.run(&["config", "check"]).failed().stderr();
    assert!(stderr.contains("6 faults"), "{stderr}");
}

#[test]
fn an_unknown_flag_is_refused() {
    let ran = Site::new().run(&["--prot", "1"]);
    assert_eq!(ran.code(), Some(2));
    assert!(ran.stderr().contains("--port"), "{}", ran.stderr());
}

#[test]
fn help_tells_of_every_setting_what_it_may_be() {
    let help = Site::new().run(&["serve", "--help"]).succeeded().stdout();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for told in [
        "[allowed: `local` or `s3` or `minio` or `gcs` or `azblob` or `memory`] [default: local]",
        "--rate-limit-auth <N>",
        "cdn.enabled Whether there is a CDN in front of this registry [allowed: `true` or `false`] [default: false]",
        "cdn.base_url ",
        "cdn.provider Which CDN it is, so that it can be purged",
        "cache.enabled ",
        "cache.ttl_seconds ",
        "audit.enabled The audit log cannot be turned off in this release [allowed: `true`]",
        "audit.retention_days Days after which entries of the audit log are deleted, 0 for never",
        "audit.log_all_reads Whether downloads are written to the audit log",
        "webhooks ",
        "SSL_CERT_FILE",
    ] {
        assert!(help.contains(told), "{told} is not in {help}");
    }
}

#[test]
fn a_lifetime_beyond_the_longest_is_warned_about() {
    let site = Site::new();
    let warnings = || site.run(&["config", "check", "--json"]).succeeded().json()["warnings"].clone();
    assert_eq!(shown(&site, &[], "cache.ttl_seconds").0, "20");
    site.write("config.yaml", "cache: { ttl_seconds: 20 }\n");
    assert_eq!(warnings(), serde_json::json!([]));
    site.write("config.yaml", "cache: { ttl_seconds: 300 }\n");
    let told = warnings()[0].as_str().expect("one").to_owned();
    assert!(told.starts_with("cache.ttl_seconds is 300 and counts as 20"), "{told}");
}

#[test]
fn every_command_on_a_registry_says_how_to_name_it() {
    for command in [
        &["migrate"][..],
        &["create-admin"],
        &["user", "list"],
        &["user", "create"],
        &["token", "revoke"],
        &["storage", "verify"],
        &["backup"],
        &["restore"],
        &["jobs", "list"],
        &["webhook", "list"],
        &["config", "show"],
    ] {
        let help = Site::new().run(&[command, &["--help"]].concat()).succeeded().stdout();
        assert!(help.contains("--data-dir") && help.contains("--database-url"), "{command:?}: {help}");
    }
}
