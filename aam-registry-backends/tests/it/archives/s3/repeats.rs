//! A store that announces another page and returns the same one again.

use aam_registry_core::{ErrorCode, ports::ArchiveStore};
use aam_registry_tests::S3Server;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::{Setup, new_key, proxy::Fault};

fn page(body: &str) -> Fault {
    Fault::Answer(StatusCode::OK, HeaderMap::new(), Bytes::copy_from_slice(body.as_bytes()))
}

#[tokio::test]
async fn a_continuation_token_that_is_repeated_is_an_error_that_names_the_store() {
    let setup = Setup::new().await;
    let keys = [new_key(), new_key()];
    let contents = keys
        .iter()
        .map(|key| {
            format!(
                "<Contents><Key>{key}</Key><Size>1</Size><ETag>x</ETag>\
                 <LastModified>2026-01-31T23:00:00.000Z</LastModified></Contents>"
            )
        })
        .collect::<Vec<_>>()
        .concat();
    let repeated = page(&format!(
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken>\
         {contents}</ListBucketResult>"
    ));
    setup.proxy.plan_always("GET", "list-type=2", repeated);
    for after in [None, Some(&keys[0])] {
        let error = setup.store.list(after, 1000).await.expect_err("it would never end");
        assert_eq!(error.code(), ErrorCode::StorageUnavailable);
        let told = format!("{error:?}");
        assert!(told.contains(S3Server::BUCKET) && told.contains("continuation token"), "{told}");
    }
}

#[tokio::test]
async fn a_list_of_uploads_that_is_repeated_is_an_error() {
    let setup = Setup::new().await;
    let repeated = page(&format!(
        "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>{0}</NextKeyMarker>\
         <NextUploadIdMarker>1</NextUploadIdMarker><Upload><Key>{0}</Key><UploadId>1</UploadId></Upload>\
         </ListMultipartUploadsResult>",
        new_key()
    ));
    setup.proxy.plan_always("GET", "uploads", repeated);
    let error = setup.store.unfinished(None, 1000).await.expect_err("it would never end");
    assert!(format!("{error:?}").contains("the same ones again"), "{error:?}");
}
