use aam_registry_core::archive::{PackContents, PackEntry, pack};
use bytes::Bytes;
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::error::{Failure, Result};

/// How many bytes tar, gzip and the manifest add to the contents.
const AROUND: usize = 400;

/// Archives of one size, made mostly of noise that does not compress.
#[derive(Clone, Debug)]
pub(crate) struct Archives {
    noise: Vec<u8>,
}

impl Archives {
    /// Archives of about `size` bytes; always the same bytes.
    pub(crate) fn of_size(size: usize) -> Self {
        let mut noise = vec![0; size.saturating_sub(AROUND)];
        StdRng::seed_from_u64(0x0aa3).fill_bytes(&mut noise);
        Self { noise }
    }

    /// The archive of one version.
    pub(crate) fn pack(&self, name: &str, version: &str) -> Result<Bytes> {
        let manifest = format!(
            "name: \"{name}\"\n\
             version: {version}\n\
             description: Bytes to measure with\n\
             artifacts:\n  skills:\n    - name: noise\n      path: noise.bin\n      description: Does not compress\n"
        );
        let entry = |path: &str, bytes: Vec<u8>| PackEntry {
            path: path.to_owned(),
            executable: false,
            contents: PackContents::Bytes(bytes),
        };
        let entries = vec![entry("aam.yaml", manifest.into_bytes()), entry("noise.bin", self.noise.clone())];
        let mut archive = Vec::new();
        pack(entries, &mut archive)
            .map_err(|error| Failure::Other(format!("the archive cannot be packed: {error}")))?;
        Ok(archive.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_have_about_the_size_asked_for() {
        let archive = Archives::of_size(12_000).pack("@bench/x", "1.0.0").expect("an archive");
        assert!((11_800..12_200).contains(&archive.len()), "{}", archive.len());
        assert_eq!(archive, Archives::of_size(12_000).pack("@bench/x", "1.0.0").expect("an archive"));
    }
}
