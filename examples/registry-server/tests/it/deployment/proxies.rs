//! The example configurations of HTTPS proxies. `deployment/rehearse` runs them.

use super::files::text;

#[test]
fn proxies_promise_https_take_whole_archives_and_hide_metrics() {
    let nginx = text("deployment/docker/nginx.conf");
    for line in [
        r#"add_header Strict-Transport-Security "max-age=31536000; includeSubDomains" always;"#,
        "client_max_body_size 100m;",
        "proxy_request_buffering off;",
        "proxy_max_temp_file_size 0;",
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "location = /metrics {",
    ] {
        assert!(nginx.lines().any(|other| other.trim() == line), "nginx.conf lacks {line}");
    }
    assert!(!nginx.contains("proxy_add_x_forwarded_for"), "what a client claims would get through");

    let caddy = text("deployment/docker/Caddyfile");
    for line in [
        r#"header Strict-Transport-Security "max-age=31536000; includeSubDomains""#,
        "max_size 100MiB",
        "respond /metrics 404",
    ] {
        assert!(caddy.lines().any(|other| other.trim() == line), "Caddyfile lacks {line}");
    }
    assert!(!caddy.contains("trusted_proxies"), "what a client claims would get through");
}
