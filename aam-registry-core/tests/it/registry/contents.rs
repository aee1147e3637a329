use std::{
    io::{self, Read, Write},
    net::IpAddr,
    ops::Range,
};

use aam_registry_core::{
    ErrorCode, Result,
    archive::FileStatus,
    decide::Audience,
    memory::MemoryArchives,
    ports::{ArchiveContent, ArchiveStore, ArchiveWriter, StoredArchive},
    registry::FileContent,
    types::{ArchiveKey, ArchiveLocation, ClientNetwork, RegistryId},
};
use async_trait::async_trait;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{Method, Uri};

use super::world::{World, archive_with, name, noise, tar_gz, version};

#[derive(Clone, Copy, Debug)]
enum Shape {
    Bytes,
    File,
    Stream,
}

/// Returns archives in the forms in which other stores open them.
#[derive(Debug)]
struct Reshaped(MemoryArchives, Shape);

#[async_trait]
impl ArchiveStore for Reshaped {
    async fn create(&self, key: &ArchiveKey) -> Result<Box<dyn ArchiveWriter>> {
        self.0.create(key).await
    }

    async fn open(&self, key: &ArchiveKey, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>> {
        let content = self.0.open(key, range).await?;
        let Some(ArchiveContent::Bytes(bytes)) = content else { return Ok(content) };
        let len = bytes.len() as u64;
        Ok(Some(match self.1 {
            Shape::Bytes => ArchiveContent::Bytes(bytes),
            Shape::File => {
                let mut file = tempfile::tempfile().expect("file");
                file.write_all(&bytes).expect("written");
                std::io::Seek::rewind(&mut file).expect("rewound");
                ArchiveContent::File { file, len }
            }
            Shape::Stream => {
                let chunks: Vec<_> = bytes.chunks(700).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
                ArchiveContent::Stream { stream: stream::iter(chunks).boxed(), len }
            }
        }))
    }

    async fn redirect(&self, location: &ArchiveLocation, method: &Method, audience: Audience) -> Result<Option<Uri>> {
        self.0.redirect(location, method, audience).await
    }

    async fn size(&self, key: &ArchiveKey) -> Result<Option<u64>> {
        self.0.size(key).await
    }

    async fn delete(&self, key: &ArchiveKey) -> Result<()> {
        self.0.delete(key).await
    }

    async fn list(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        self.0.list(after, limit).await
    }

    async fn unfinished(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        self.0.unfinished(after, limit).await
    }

    async fn owner(&self) -> Result<Option<RegistryId>> {
        self.0.owner().await
    }

    async fn set_owner(&self, registry: RegistryId) -> Result<()> {
        self.0.set_owner(registry).await
    }

    async fn check(&self) -> Result<()> {
        self.0.check().await
    }
}

fn world_of(shape: Shape) -> World {
    World::with(|builder, _, archives| builder.archives(Reshaped(archives.clone(), shape)))
}

/// An archive with a file of two megabytes.
fn large(number: &str) -> Vec<u8> {
    let manifest = format!(
        "name: kit\nversion: {number}\ndescription: x\nartifacts:\n  skills:\n    - {{name: one, path: one.md, description: x}}\n"
    );
    tar_gz(&[("aam.yaml", manifest.as_bytes()), ("one.md", b"# One\n"), ("data/big.bin", &noise(2_000_000))])
}

fn network(number: u8) -> ClientNetwork {
    IpAddr::from([192, 0, 2, number]).into()
}

async fn opened(world: &World, path: &str) -> Result<FileContent> {
    opened_for(world, path, None).await
}

async fn opened_for(world: &World, path: &str, from: Option<ClientNetwork>) -> Result<FileContent> {
    let listed = world.view().file(&name("kit"), &version("1.0.0"), path).await?;
    world.view().open_file(listed, from).await
}

#[tokio::test]
async fn one_file_is_read_out_of_any_kind_of_store() {
    for shape in [Shape::Bytes, Shape::File, Shape::Stream] {
        let world = world_of(shape);
        let ada = world.user("ada").await;
        world.publish(&ada, large("1.0.0")).await.expect("published");
        for (path, expected) in [("one.md", b"# One\n".to_vec()), ("data/big.bin", noise(2_000_000))] {
            let content = opened(&world, path).await.expect("file");
            assert_eq!(content.file.size, expected.len() as u64);
            let chunks: Vec<Bytes> = content.stream.try_collect().await.expect("whole");
            assert!(chunks.concat() == expected, "{path} differs ({shape:?})");
        }
    }
}

#[tokio::test]
async fn what_is_not_in_the_archive_is_not_found() {
    let world = World::new();
    let ada = world.user("ada").await;
    world.publish(&ada, large("1.0.0")).await.expect("published");
    for path in ["missing", "", "data", "./one.md", "../one.md", "ONE.md"] {
        let error = world.view().file(&name("kit"), &version("1.0.0"), path).await.expect_err("refused");
        assert_eq!(error.code(), ErrorCode::NotFound, "{path:?}");
    }
    let error = world.view().file(&name("kit"), &version("2.0.0"), "one.md").await.expect_err("no version");
    assert_eq!(error.code(), ErrorCode::VersionNotFound);
}

#[tokio::test]
async fn slow_readers_and_readers_that_leave_are_in_nobodys_way() {
    let world = World::new();
    let ada = world.user("ada").await;
    world.publish(&ada, large("1.0.0")).await.expect("published");
    // More than there are threads, and none of them continues to read.
    let mut slow = Vec::new();
    for reader in 0..64 {
        let mut content = opened_for(&world, "data/big.bin", Some(network(reader / 4))).await.expect("opened");
        content.stream.next().await.expect("a chunk").expect("read");
        slow.push(content);
    }
    opened_for(&world, "one.md", Some(network(200))).await.expect("another file");
    world.view().diff(&name("kit"), &version("1.0.0"), &version("1.0.0"), Some(network(200))).await.expect("a diff");
    for content in &mut slow {
        let rest: Vec<Bytes> = content.stream.by_ref().try_collect().await.expect("the rest");
        assert!(rest.concat() == noise(2_000_000)[128 * 1024..]);
    }
    drop(slow);
    for _ in 0..200 {
        let mut content = opened_for(&world, "data/big.bin", Some(network(0))).await.expect("opened");
        content.stream.next().await.expect("a chunk").expect("read");
    }
}

#[tokio::test]
async fn one_client_has_a_share_of_the_large_files() {
    let world = World::new();
    let ada = world.user("ada").await;
    world.publish(&ada, large("1.0.0")).await.expect("published");
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(opened_for(&world, "data/big.bin", Some(network(1))).await.expect("opened"));
    }
    let mut waiting: Vec<_> = (0..64).map(|_| Box::pin(opened_for(&world, "data/big.bin", Some(network(1))))).collect();
    for one in &mut waiting {
        assert!(futures_util::poll!(one).is_pending());
    }
    let error = opened_for(&world, "data/big.bin", Some(network(1))).await.expect_err("too many wait");
    assert_eq!(error.code(), ErrorCode::RateLimited);
    opened_for(&world, "one.md", Some(network(1))).await.expect("a small file");
    opened_for(&world, "data/big.bin", Some(network(2))).await.expect("another client");
    for one in &mut waiting {
        assert!(futures_util::poll!(one).is_pending());
    }
    drop(held);
    waiting.remove(0).await.expect("its share again");
}

/// An archive with a file of so many zeros.
fn zeros(size: u64) -> Vec<u8> {
    let manifest = b"name: kit\nversion: 1.0.0\ndescription: x\nartifacts:\n  skills:\n    - {name: one, path: one.md, description: x}\n";
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut append = |path: &str, size: u64, content: &mut dyn Read| {
        let mut header = tar::Header::new_ustar();
        header.set_size(size);
        header.set_mode(0o644);
        header.set_entry_type(tar::EntryType::Regular);
        tar.append_data(&mut header, path, content).expect("appended");
    };
    append("aam.yaml", manifest.len() as u64, &mut &manifest[..]);
    append("one.md", 6, &mut &b"# One\n"[..]);
    append("data/zeros.bin", size, &mut io::repeat(0).take(size));
    tar.into_inner().and_then(GzEncoder::finish).expect("packed")
}

/// Four files of 490 MiB are nearly all the room there is on the disk. One client has room for one of them.
#[tokio::test]
async fn one_client_cannot_take_all_room_on_the_disk() {
    let world = World::new();
    let ada = world.user("ada").await;
    world.publish(&ada, zeros(490 << 20)).await.expect("published");
    let held = opened_for(&world, "data/zeros.bin", Some(network(1))).await.expect("opened");
    let mut waiting: Vec<_> =
        (0..3).map(|_| Box::pin(opened_for(&world, "data/zeros.bin", Some(network(1))))).collect();
    for one in &mut waiting {
        assert!(futures_util::poll!(one).is_pending());
    }
    let other = opened_for(&world, "data/zeros.bin", Some(network(2))).await.expect("another client is not in need");
    for one in &mut waiting {
        assert!(futures_util::poll!(one).is_pending(), "it has its share already");
    }
    drop((waiting, other));
    drop(held);
    opened_for(&world, "data/zeros.bin", Some(network(1))).await.expect("its share is free again");
}

#[tokio::test]
async fn what_was_read_inside_an_archive_is_kept() {
    let world = World::new();
    let ada = world.user("ada").await;
    world.publish(&ada, large("1.0.0")).await.expect("published");
    world.publish(&ada, large("2.0.0")).await.expect("published");
    let (kit, one, two) = (name("kit"), version("1.0.0"), version("2.0.0"));
    let first = world.view().diff(&kit, &one, &two, None).await.expect("a diff");
    opened(&world, "one.md").await.expect("a file");
    for number in [&one, &two] {
        let detail = world.view().version(&kit, number).await.expect("version");
        world.archives.delete(&detail.archive).await.expect("deleted");
    }
    assert_eq!(world.view().diff(&kit, &one, &two, None).await.expect("kept"), first);
    world.view().diff(&kit, &two, &one, None).await.expect_err("another comparison");
    let content = opened(&world, "one.md").await.expect("kept");
    assert_eq!(content.stream.try_collect::<Vec<Bytes>>().await.expect("kept"), ["# One\n"]);
    opened(&world, "data/big.bin").await.expect_err("too large to be kept");
}

#[tokio::test]
async fn a_diff_tells_what_changed() {
    for shape in [Shape::Bytes, Shape::File, Shape::Stream] {
        let world = world_of(shape);
        let ada = world.user("ada").await;
        let (one, two) = (version("1.0.0"), version("2.0.0"));
        world.publish(&ada, archive_with("kit", "1.0.0", "")).await.expect("published");
        world.publish(&ada, archive_with("kit", "2.0.0", "license: MIT\n")).await.expect("published");
        let diff = world.view().diff(&name("kit"), &one, &two, None).await.expect("diff");
        let keys: Vec<_> = diff.manifest.iter().map(|change| change.key.as_str()).collect();
        assert_eq!(keys, ["license", "version"]);
        let files: Vec<_> = diff.files.iter().map(|file| (file.path.as_str(), file.status)).collect();
        assert_eq!(files, [("aam.yaml", FileStatus::Modified), ("skills/one/SKILL.md", FileStatus::Modified)]);
        let same = world.view().diff(&name("kit"), &one, &one, None).await.expect("diff");
        assert!(same.files.is_empty() && same.manifest.is_empty());
    }
}

#[tokio::test]
async fn a_damaged_store_is_not_the_clients_fault() {
    let world = World::new();
    let ada = world.user("ada").await;
    world.published(&ada, "kit", "1.0.0").await;
    let one = version("1.0.0");
    let detail = world.view().version(&name("kit"), &one).await.expect("version");
    world.archives.delete(&detail.archive).await.expect("deleted");
    let error = opened(&world, "README.md").await.expect_err("lost");
    assert_eq!(error.code(), ErrorCode::StorageUnavailable);
    let mut writer = world.archives.create(&detail.archive).await.expect("created");
    writer.write(Bytes::from_static(b"junk")).await.expect("written");
    writer.finish().await.expect("stored");
    let error = world.view().diff(&name("kit"), &one, &one, None).await.expect_err("damaged");
    assert_eq!(error.code(), ErrorCode::StorageUnavailable);
    let error = opened(&world, "README.md").await.expect_err("damaged");
    assert_eq!(error.code(), ErrorCode::StorageUnavailable);
}
