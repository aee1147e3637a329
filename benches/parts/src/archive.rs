use aam_registry_core::archive::{PackContents, PackEntry, pack};
use bytes::Bytes;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// How many bytes the manifest, tar and gzip add to the contents.
const AROUND: usize = 400;

/// An archive of about `size` bytes of `name` 1.0.0; most of it does not compress.
///
/// # Panics
/// If `name` is not a package name.
pub fn archive(name: &str, size: usize) -> Bytes {
    let manifest = format!(
        "name: \"{name}\"\n\
         version: 1.0.0\n\
         description: Bytes to measure with\n\
         artifacts:\n  skills:\n    - name: noise\n      path: noise.bin\n      description: Does not compress\n"
    );
    let mut noise = vec![0; size.saturating_sub(AROUND)];
    StdRng::seed_from_u64(0x0aa3).fill_bytes(&mut noise);
    let entry = |path: &str, bytes: Vec<u8>| PackEntry {
        path: path.to_owned(),
        executable: false,
        contents: PackContents::Bytes(bytes),
    };
    let mut archive = Vec::new();
    pack(vec![entry("aam.yaml", manifest.into_bytes()), entry("noise.bin", noise)], &mut archive)
        .expect("the entries of an archive");
    archive.into()
}
