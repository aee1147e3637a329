//! What the operator has to do about a service that cannot be used.

use std::error::Error as StdError;

use aam_registry_core::{
    Error,
    error::{DatabaseTrouble, DiskTrouble, NoSuchBucket, NotPermitted},
};

use crate::config::{DatabaseUrl, Settings, StorageBackend};

/// What to do about a database that cannot be used, to follow the reason.
pub(crate) fn for_database(settings: &Settings, error: &Error) -> Option<&'static str> {
    let Error::Backend(backend) = error else { return None };
    let is_server = matches!(settings.database_url, DatabaseUrl::Postgres(_));
    match (backend.database_trouble(), backend.disk_trouble()) {
        (Some(DatabaseTrouble::LoginRefused), _) => Some(
            "set the user and password in DATABASE_URL right, and see that pg_hba.conf of PostgreSQL admits this machine",
        ),
        (Some(DatabaseTrouble::Missing), _) => {
            Some("create it with `createdb --owner USER NAME`, or set its name in DATABASE_URL right")
        }
        (Some(DatabaseTrouble::ReadOnly), _) => {
            Some("DATABASE_URL has to name the primary, with a user that may write")
        }
        (Some(DatabaseTrouble::Full), _) => Some("make room on the disk of the database's server"),
        (Some(DatabaseTrouble::Damaged), _) => Some("restore it from a backup"),
        (None, Some(DiskTrouble::Full)) if !is_server => Some("make room on the disk of DATA_DIR"),
        (None, Some(_)) if !is_server => Some(
            "make the folder and its files writable for the user that runs the server (`chown -R USER FOLDER`), or let \
             DATA_DIR or DATABASE_URL name another folder",
        ),
        (None, _) if is_server && backend.retry && !is_about_schema(error) => Some(
            "start PostgreSQL, or set the host and port in DATABASE_URL right, and see that it admits this machine",
        ),
        _ => None,
    }
}

/// Whether the database answers, and its schema is what keeps it from being used.
fn is_about_schema(error: &Error) -> bool {
    crate::assemble::reason(error).contains("schema")
}

/// What to do about an archive store that cannot be used, to follow the reason.
pub(crate) fn for_storage(settings: &Settings, error: &Error) -> Option<&'static str> {
    let Error::Backend(backend) = error else { return None };
    if settings.storage_backend == StorageBackend::Local {
        return Some(match backend.disk_trouble()? {
            DiskTrouble::Full => "make room on the disk of STORAGE_PATH",
            _ => {
                "make the folder writable for the user that runs the server (`chown -R USER FOLDER`), or let \
                 STORAGE_PATH name another folder"
            }
        });
    }
    if has_cause::<NoSuchBucket>(&*backend.source) {
        return Some(match settings.storage_backend {
            StorageBackend::Gcs => "create the bucket, or set GCS_BUCKET right",
            StorageBackend::Azblob => "create the container, or set AZBLOB_CONTAINER right",
            _ => "create the bucket, or set S3_BUCKET and S3_REGION right",
        });
    }
    if has_cause::<NotPermitted>(&*backend.source) {
        return Some(match settings.storage_backend {
            StorageBackend::Gcs => "let GCS_CREDENTIAL read, write, list and delete in the bucket",
            StorageBackend::Azblob => "let AZBLOB_ACCOUNT_KEY read, write, list and delete in the container",
            StorageBackend::Minio => {
                "set MINIO_ACCESS_KEY and MINIO_SECRET_KEY right, let them read, write, list and delete in the bucket, \
                 and see that this machine's clock is right"
            }
            _ => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY right, let them read, write, list and delete in the \
                 bucket, and see that this machine's clock is right"
            }
        });
    }
    backend.retry.then_some(match settings.storage_backend {
        StorageBackend::Minio => "start MinIO, or set MINIO_ENDPOINT right",
        StorageBackend::S3 => "start the store, or set S3_ENDPOINT_URL and S3_REGION right",
        _ => "see that its service can be reached from this machine",
    })
}

fn has_cause<T: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
    std::iter::successors(Some(error), |error| (*error).source()).any(<dyn StdError>::is::<T>)
}

/// A reason with what to do about it, if that is known.
pub(crate) fn with(reason: String, remedy: Option<&str>) -> String {
    match remedy {
        Some(remedy) => format!("{reason}; {remedy}"),
        None => reason,
    }
}
