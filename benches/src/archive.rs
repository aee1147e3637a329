use aam_registry_core::archive::{PackContents, PackEntry, pack};
use bytes::Bytes;

use crate::error::{Failure, Result};

pub(crate) const NAME: &str = "bench";
pub(crate) const VERSION: &str = "1.0.0";

const MANIFEST: &str = "\
name: bench
version: 1.0.0
description: Twelve kilobytes to download
artifacts:
  skills:
    - name: bench
      path: noise.bin
      description: Bytes that do not compress
";

/// An archive of 12 KB, most of it noise.
pub(crate) fn of_12_kb() -> Result<Bytes> {
    let noise: Vec<u8> = std::iter::repeat_with(rand::random).take(12_000 - 250).collect();
    let entry = |path: &str, bytes: Vec<u8>| PackEntry {
        path: path.to_owned(),
        executable: false,
        contents: PackContents::Bytes(bytes),
    };
    let entries = vec![entry("aam.yaml", MANIFEST.as_bytes().to_vec()), entry("noise.bin", noise)];
    let mut archive = Vec::new();
    pack(entries, &mut archive).map_err(|error| Failure::Other(format!("the archive cannot be packed: {error}")))?;
    Ok(archive.into())
}
