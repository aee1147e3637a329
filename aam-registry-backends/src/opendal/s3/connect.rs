use aam_registry_core::{Error, Result};
use opendal::{OperationContext, Operator, services::S3};

use super::{S3Config, credentials::credentials, uploads::Uploads};
use crate::opendal::{
    failure::storage_error,
    remote::Remote,
    transport::{Absence, CheckedTransport},
};

/// Builds the client for the bucket; sends nothing yet.
pub(in crate::opendal) fn connect(config: &S3Config) -> Result<Remote> {
    config.check().map_err(|faults| Error::storage(faults, false))?;
    let patience = &config.patience;
    let transport = CheckedTransport::connect(&config.outgoing, patience, Absence::Xml).map_err(storage_error)?;
    let operator = |endpoint: &str| Operator::new(service(config, endpoint)).map_err(storage_error);
    let context = OperationContext::new().with_http_transport(transport.clone());
    let links = operator(&config.public_endpoint())?.with_context(context).layer(patience.read_once());
    let remote = Remote::new(operator(&config.endpoint())?, transport.clone(), patience);
    Ok(Remote { links, uploads: Some(Uploads::new(config, transport)), in_order: true, ..remote })
}

fn service(config: &S3Config, endpoint: &str) -> S3 {
    let service = S3::default()
        .bucket(&config.bucket)
        .region(&config.region)
        .endpoint(endpoint)
        .root(&config.prefix())
        .credential_provider_chain(credentials(config))
        // Only credentials may come from the environment, and only if none are given.
        .disable_config_load();
    if config.is_path_style() { service } else { service.enable_virtual_host_style() }
}
