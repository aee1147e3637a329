//! S3, against a real server of this process.

use aam_registry_backends::opendal::{OpendalArchives, S3Config};
use aam_registry_tests::S3Server;

pub(super) fn config(endpoint: &str) -> S3Config {
    S3Config::new(S3Server::BUCKET)
        .with_endpoint(endpoint)
        .with_credentials(S3Server::ACCESS_KEY, S3Server::SECRET_KEY.into())
}

mod suite {
    use aam_registry_core::archive_store_conformance;

    use super::*;

    archive_store_conformance!(async {
        let server = S3Server::start().await;
        let store = OpendalArchives::new(&config(&server.endpoint()).into()).expect("a store");
        (store, server)
    });
}

mod suite_below_a_prefix {
    use aam_registry_core::archive_store_conformance;

    use super::*;

    archive_store_conformance!(async {
        let server = S3Server::start().await;
        let config = config(&server.endpoint()).with_prefix("/some/where/");
        (OpendalArchives::new(&config.into()).expect("a store"), server)
    });
}
