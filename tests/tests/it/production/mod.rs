//! Several servers on PostgreSQL, S3 and Redis.

mod accounts;
mod audit;
mod backup;
mod changes;
mod counts;
mod failover;
mod id_tokens;
mod limits;
mod load;
mod locked;
mod lost_commits;
mod migrations;
mod outages;
mod pooler;
mod private;
mod races;
mod rollout;
mod shared_stores;
mod storage;
mod sweeping;
mod walk;
mod webhooks;
mod withheld;

use aam_registry_tests::{Answer, Api, Server, Settings, Stores, replicas};

/// Three servers on the same stores.
#[derive(Debug)]
pub(crate) struct Replicas {
    pub(crate) servers: [Server; 3],
    pub(crate) stores: Stores,
}

impl Replicas {
    pub(crate) async fn start() -> Self {
        let stores = Stores::start().await;
        Self::on(stores.settings(), stores).await
    }

    /// The same with these settings beside those of the stores.
    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        let stores = Stores::start().await;
        Self::on(stores.settings().and(settings), stores).await
    }

    async fn on(settings: Settings, stores: Stores) -> Self {
        Self { servers: replicas(&settings).await, stores }
    }

    /// Registers a user; returns a client of each server with that session.
    pub(crate) async fn user(&self, username: &str) -> [Api; 3] {
        let api = self.servers[0].user(username).await;
        self.servers.each_ref().map(|server| api.at(server.base()))
    }

    /// An anonymous client of each server.
    pub(crate) fn anonymous(&self) -> [Api; 3] {
        self.servers.each_ref().map(Server::anonymous)
    }
}

/// How many answers have this status.
pub(crate) fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

/// The statuses and codes of the answers, for messages.
pub(crate) fn told(answers: &[Answer]) -> Vec<String> {
    answers.iter().map(|answer| format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body))).collect()
}
