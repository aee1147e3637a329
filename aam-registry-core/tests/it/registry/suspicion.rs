//! What may come from a stolen account or a leaked token is counted, with no name in the metrics.

use std::{net::SocketAddr, time::Duration};

use aam_registry_core::{
    http::{PeerAddr, RegistryService},
    registry::TokenRequest,
    types::Username,
};
use bytes::Bytes;
use http_body_util::Full;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tower::ServiceExt;

use super::world::{PASSWORD, World, name, version};

/// The value of a counter, 0 where it is not there.
fn counter(metrics: &PrometheusHandle, series: &str) -> u64 {
    let text = metrics.render();
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().expect("a number"))
}

fn suspicious(metrics: &PrometheusHandle, kind: &str) -> u64 {
    counter(metrics, &format!("aam_suspicious_activity_total{{kind=\"{kind}\"}}"))
}

#[tokio::test]
async fn many_publishes_and_yanks_of_one_account_are_counted_once() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let world = World::new();
    let ada = world.user("ada").await;
    let bob = world.user("bob").await;
    world.published(&bob, "other", "1.0.0").await;
    for patch in 0..40 {
        world.published(&ada, "kit", &format!("1.0.{patch}")).await;
        assert_eq!(suspicious(&metrics, "many_publishes"), u64::from(patch >= 29), "{patch}");
    }
    for patch in 0..40 {
        world.registry.yank(&ada, &name("kit"), &version(&format!("1.0.{patch}")), None).await.expect("yanked");
        assert_eq!(suspicious(&metrics, "mass_yanks"), u64::from(patch >= 19), "{patch}");
    }
    assert!(!metrics.render().contains("ada") && !metrics.render().contains("kit"), "no names");
}

#[tokio::test]
async fn an_api_token_that_is_used_from_many_networks_is_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let world = World::new();
    let ada = world.user("ada").await;
    let request = TokenRequest { name: "ci".into(), scopes: vec!["read".into()], ..TokenRequest::default() };
    let (_, secret) = world.registry.create_token(&ada, request).await.expect("created");
    let session = world.registry.login("ada", PASSWORD.into()).await.expect("logged in").access_token;
    let service = RegistryService::new(world.registry.clone());
    for (bearer, many) in [(&*session, 0), (secret.expose(), 1)] {
        for host in 1..=30 {
            let request = http::Request::get("/api/v1/users/me").header("authorization", format!("Bearer {bearer}"));
            let request = request.extension(PeerAddr(SocketAddr::from(([192, 0, 2, host], 4711))));
            let request = request.body(Full::<Bytes>::default()).expect("a request");
            let answer = service.clone().oneshot(request).await.expect("an answer");
            assert_eq!(answer.status(), 200);
        }
        assert_eq!(suspicious(&metrics, "token_from_many_networks"), many);
    }
}

#[tokio::test]
async fn a_package_that_is_suddenly_downloaded_is_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let world = World::new();
    let ada = world.user("ada").await;
    world.published(&ada, "kit", "1.0.0").await;
    let location = world.view().locate(&name("kit"), &version("1.0.0")).await.expect("there");
    for (downloads, spikes) in [(50, 0), (60, 0), (2_000, 1), (0, 1)] {
        (0..downloads).for_each(|_| world.registry.count_download(&location));
        world.registry.flush_downloads().await.expect("stored");
        world.clock.advance(Duration::from_mins(10));
        world.registry.flush_downloads().await.expect("stored");
        assert_eq!(suspicious(&metrics, "download_spike"), spikes, "{downloads}");
    }
}

#[tokio::test]
async fn failed_logins_are_counted_by_cause_and_tell_nobody_which_names_exist() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let world = World::new();
    world.user("ada").await;
    let failed = |cause: &str| counter(&metrics, &format!("aam_failed_logins_total{{cause=\"{cause}\"}}"));
    let login = async |login: &str, password: &str| {
        world.registry.login(login, password.to_owned()).await.expect_err("refused");
    };
    login("ada", "wrong").await;
    login("nobody", "wrong").await;
    assert_eq!((failed("credentials"), failed("disabled")), (2, 0));
    let ada: Username = "ada".parse().expect("a username");
    world.registry.set_disabled(&ada, true).await.expect("disabled");
    login("ada", PASSWORD).await;
    assert_eq!((failed("credentials"), failed("disabled")), (2, 1));
}
