//! Transactions on a server whose default isolation is not PostgreSQL's own.

use std::time::Duration;

use aam_registry_core::{
    ports::JobQueue,
    types::{JobEnd, JobId, JobLease, NewJob},
};

use super::world::TestDatabase;

/// Notes the isolation of each transaction that changes a job.
const NOTE: &str = "CREATE TABLE isolations (level text);
    CREATE FUNCTION note_isolation() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO isolations VALUES (current_setting('transaction_isolation'));
        RETURN NULL;
    END $$;
    CREATE TRIGGER note_isolation AFTER INSERT OR UPDATE OR DELETE ON jobs EXECUTE FUNCTION note_isolation()";

/// Under `repeatable read`, replicas that lease jobs at once would fail with serialization errors.
#[tokio::test]
async fn jobs_are_leased_under_read_committed_whatever_the_default() {
    for level in ["repeatable read", "serializable"] {
        let database = TestDatabase::new().await;
        let client = database.client().await;
        client.batch_execute(NOTE).await.expect("a trigger");
        let name: String = client.query_one("SELECT current_database()::text", &[]).await.expect("a name").get(0);
        let default = format!("ALTER DATABASE {name} SET default_transaction_isolation = '{level}'");
        client.batch_execute(&default).await.expect("another default");
        let store = database.open().await;
        let job = |_| NewJob { id: JobId::generate(), kind: "test".to_owned(), payload: serde_json::json!({}) };
        store.enqueue(&(0..20).map(job).collect::<Vec<_>>()).await.expect("enqueue");
        let lasting = Duration::from_hours(1);
        let leased =
            futures_util::future::join_all((0..8).map(|_| store.lease_jobs("test", 5, JobLease::generate(), lasting)))
                .await;
        let leased: Vec<_> = leased.into_iter().flat_map(|leased| leased.expect("leased")).collect();
        assert_eq!(leased.len(), 20, "{level}");
        for job in &leased {
            assert!(store.finish_job(job, &JobEnd::Done(Vec::new())).await.expect("finish"), "{level}");
        }
        let rows = client.query("SELECT DISTINCT level FROM isolations", &[]).await.expect("levels");
        let seen: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(seen, ["read committed"], "{level}");
    }
}
