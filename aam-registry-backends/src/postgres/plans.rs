//! The plans of statements, for the test that looks at them.

use std::sync::{Mutex, PoisonError};

use tokio_postgres::{
    Client,
    types::{ToSql, Type},
};

/// Where the plans of the statements of a session go; nowhere, mostly.
#[derive(Debug, Default)]
pub(super) struct Plans(Mutex<Option<Vec<Plan>>>);

/// A statement and what the server would do.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) sql: String,
    pub(super) plan: serde_json::Value,
}

impl Plans {
    pub(super) async fn explain(&self, client: &Client, sql: &str, types: &[Type], params: &[&(dyn ToSql + Sync)]) {
        let typed: Vec<_> = params.iter().copied().zip(types.iter().cloned()).collect();
        self.explain_typed(client, sql, &typed).await;
    }

    pub(super) async fn explain_typed(&self, client: &Client, sql: &str, params: &[(&(dyn ToSql + Sync), Type)]) {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            return;
        }
        let _ = (client, sql, params);
    }
}
