use crate::{postgres::Database, redis::Redis, s3::S3Server, server::Server, settings::Settings};

/// The secret that signs login sessions on all replicas.
pub const JWT_SECRET: &str = "a secret that all replicas of a test have in common";

/// The stores of a production registry, for one test and any number of servers.
#[derive(Debug)]
pub struct Stores {
    /// The database of the metadata.
    pub database: Database,
    /// The object store of the archives.
    pub s3: S3Server,
    /// The Redis of the cache and the rate limits.
    pub redis: Redis,
}

impl Stores {
    /// Starts empty stores.
    pub async fn start() -> Self {
        let (database, s3, redis) = tokio::join!(Database::create(), S3Server::start(), Redis::start());
        Self { database, s3, redis }
    }

    /// The settings of servers on these stores. The servers migrate the schema themselves.
    pub fn settings(&self) -> Settings {
        production(self.database.url(), &self.s3.endpoint()).with("REDIS_URL", self.redis.url())
    }
}

/// The settings of servers on a PostgreSQL database and an [`S3Server`], each with its address.
pub fn production(database: &str, s3: &str) -> Settings {
    Settings::default()
        .with("DATABASE_URL", database)
        .with("AUTO_MIGRATE", "true")
        .with("STORAGE_BACKEND", "s3")
        .with("S3_BUCKET", S3Server::BUCKET)
        .with("S3_REGION", "us-east-1")
        .with("S3_ENDPOINT_URL", s3)
        .with("S3_PREFIX", "registry")
        .with("AWS_ACCESS_KEY_ID", S3Server::ACCESS_KEY)
        .with("AWS_SECRET_ACCESS_KEY", S3Server::SECRET_KEY)
        .with("JWT_SECRET", JWT_SECRET)
}

/// Starts servers concurrently with the same settings.
pub async fn replicas<const N: usize>(settings: &Settings) -> [Server; N] {
    let starting = [(); N].map(|()| tokio::spawn(Server::start_on(settings.clone())));
    let mut started = Vec::with_capacity(N);
    for server in starting {
        started.push(server.await.expect("a server that starts"));
    }
    started.try_into().expect("as many as were asked for")
}
