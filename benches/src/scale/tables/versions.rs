use super::{Rows, Source, Table, accounts::user_id};
use crate::scale::{document, random::Random, value::Value};

pub(super) const VERSIONS: Table = Table {
    name: "versions",
    columns: &[
        "id",
        "package_id",
        "version",
        "version_key",
        "published_at",
        "published_by",
        "yanked_at",
        "yanked_reason",
        "deprecated",
        "sha256",
        "archive",
        "archive_size",
        "downloads",
        "dependencies",
    ],
    rows: versions,
};

pub(super) const MANIFESTS: Table = Table { name: "manifests", columns: &["version_id", "document"], rows: manifests };

pub(super) const CONTENTS: Table =
    Table { name: "contents", columns: &["version_id", "files", "readme"], rows: contents };

pub(super) const DOWNLOAD_DAYS: Table =
    Table { name: "download_days", columns: &["version_id", "day", "downloads"], rows: download_days };

/// A count as the databases store it.
pub(super) fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The digest and the size of a version's archive: of the one on disk, or of one that does not exist
/// and is never downloaded.
pub(super) fn archive(source: &Source<'_>, has_archive: bool, id: i64) -> (Vec<u8>, u64) {
    if has_archive {
        return (source.stored.sha256.to_vec(), source.stored.size);
    }
    let mut random = Random::of("archive size", id.unsigned_abs());
    (random.bytes::<32>().to_vec(), 2_000 + random.below(60_000))
}

fn versions<'a>(source: &'a Source<'a>) -> Rows<'a> {
    Box::new(source.dataset.versions().map(|(package, release)| {
        let (sha256, size) = archive(source, source.dataset.has_archive(package, release), release.id);
        let yanked_at = release.is_yanked.then_some(release.published_at + 1);
        let dependencies = document::dependencies(source.dataset, package);
        vec![
            release.id.into(),
            package.id.into(),
            release.version.to_string().into(),
            release.version.key().into(),
            release.published_at.into(),
            user_id(package.owner).into(),
            yanked_at.into(),
            release.is_yanked.then_some("published by mistake").into(),
            release.is_deprecated.then_some("use a later version").into(),
            sha256.into(),
            document::archive_key(release).as_str().into(),
            count(size).into(),
            count(release.downloads).into(),
            serde_json::Value::Object(dependencies).to_string().into(),
        ]
    }))
}

fn manifests<'a>(source: &'a Source<'a>) -> Rows<'a> {
    let row = |(package, release)| document::manifest(source.dataset, package, release).to_string();
    let ids = source.dataset.versions().map(|(_, release)| release.id);
    Box::new(ids.zip(source.dataset.versions().map(row)).map(|(id, document)| vec![id.into(), document.into()]))
}

fn contents<'a>(source: &'a Source<'a>) -> Rows<'a> {
    Box::new(source.dataset.versions().map(|(package, release)| {
        let files = document::files(package, release).to_string();
        vec![release.id.into(), files.into(), Value::Text(document::readme(package))]
    }))
}

fn download_days<'a>(source: &'a Source<'a>) -> Rows<'a> {
    let downloaded = source.dataset.versions().filter(|(_, release)| release.downloads > 0);
    Box::new(downloaded.map(|(_, release)| {
        let at = jiff::Timestamp::from_microsecond(release.published_at).unwrap_or_default();
        let day = at.strftime("%F").to_string();
        vec![release.id.into(), day.into(), count(release.downloads).into()]
    }))
}
