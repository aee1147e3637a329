//! Servers are replaced one by one behind a load balancer.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use aam_registry_tests::{Api, Balancer, Package, Server, Stores, replicas, report};
use futures_util::{StreamExt, future::join_all, stream};
use reqwest::Body;

use super::counts::counted;
use crate::sent::noise;

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_loses_no_request() {
    let stores = Stores::start().await;
    let settings = stores.settings();
    let servers = replicas::<3>(&settings).await;
    let ada = servers[0].user("ada").await;
    ada.publish(&Package::new("kit", "1.0.0").file("noise", noise(300_000)).aam(), &[]).await.expect_status(201);
    let balancer = Arc::new(Balancer::start(&servers.each_ref().map(Server::base)).await);
    let base = balancer.base();
    let user = ada.at(&base);

    let is_over = Arc::new(AtomicBool::new(false));
    let (done, downloads) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> = (0..6)
        .map(|at| {
            let (api, is_over) = (user.clone(), Arc::clone(&is_over));
            let (done, downloads) = (Arc::clone(&done), Arc::clone(&downloads));
            tokio::spawn(async move {
                for round in 0.. {
                    if is_over.load(Ordering::Acquire) {
                        break;
                    }
                    match at {
                        0 | 1 => {
                            let answer = api.get("/api/v1/packages/kit/1.0.0/download").await.expect_status(200);
                            assert_eq!(answer.sha256(), answer.header("x-checksum-sha256"));
                            downloads.fetch_add(1, Ordering::AcqRel);
                        }
                        2 => {
                            let aam = Package::new(&format!("new-{round}"), "1.0.0").aam();
                            api.publish(&aam, &[]).await.expect_status(201);
                        }
                        3 => drop(api.get("/api/v1/packages?q=kit").await.expect_status(200)),
                        _ => drop(api.get("/api/v1/packages/kit").await.expect_status(200)),
                    }
                    done.fetch_add(1, Ordering::AcqRel);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
        })
        .collect();

    let mut replaced = Vec::new();
    for (at, server) in servers.into_iter().enumerate() {
        let before = done.load(Ordering::Acquire);
        // An upload that is running when the signal comes, and takes longer than the server still
        // accepts connections.
        let slow = tokio::spawn(slow_publish(ada.at(server.base()), at));
        tokio::time::sleep(Duration::from_millis(300)).await;
        let old = server.base().to_owned();
        let (stopped, status) = server.terminate().await;
        assert_eq!(status.code(), Some(0), "{}", stopped.log());
        slow.await.expect("a slow upload that ends");
        balancer.remove(&old);
        // The next server is stopped only when this one is back.
        let server = stopped.start().await;
        balancer.add(server.base()).await;
        replaced.push(server);
        assert!(done.load(Ordering::Acquire) > before, "clients went on");
    }
    is_over.store(true, Ordering::Release);
    for client in join_all(clients).await {
        client.expect("no client was let down");
    }
    report(format_args!("{} requests, {} failed", balancer.requests(), balancer.failures()));
    assert_eq!(balancer.failures(), 0);
    for (_, status) in join_all(replaced.into_iter().map(Server::terminate)).await {
        assert_eq!(status.code(), Some(0));
    }
    assert_eq!(counted(&stores.database.client().await).await, downloads.load(Ordering::Acquire));
}

/// Publishes over seven seconds.
async fn slow_publish(api: Api, at: usize) {
    let aam = Package::new(&format!("slow-{at}"), "1.0.0").file("noise", noise(2000)).aam();
    let pieces: Vec<_> = aam.chunks(aam.len().div_ceil(35)).map(<[u8]>::to_vec).collect();
    let body = stream::iter(pieces).then(async |piece| {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok::<_, io::Error>(piece)
    });
    let answer = api.try_publish(Body::wrap_stream(body), &[]).await.expect("an answer");
    answer.expect_status(201);
}
