//! What search knows of a package: what its `latest` says.

use std::collections::{BTreeMap, BTreeSet};

use aam_registry_core::types::{Manifest, PackageName, Version};
use jiff::Timestamp;
use unicode_normalization::char::decompose_canonical;

use super::{
    connection::{Prepared, Session},
    failure::{Failure, Tx},
    packages::PackageId,
    sql::{self, Text},
    versions::of_name_and_key,
};
use crate::relational::{
    columns,
    listing::{ListedWords, popularity, type_bits},
};

/// Notes that something of a package changed.
const TOUCH: &str = "WITH package AS (UPDATE packages SET updated_at = $2 WHERE name = $1 RETURNING id)
    UPDATE listings l SET updated_at = $2 FROM package p WHERE l.package_id = p.id";
const TOUCH_LISTING: &str = "UPDATE listings l SET updated_at = $2 FROM packages p
    WHERE p.name = $1 AND l.package_id = p.id";
const UNLIST: &str = "WITH package AS (SELECT id FROM packages WHERE name = $1
    ), keywords AS (DELETE FROM listing_keywords k USING package p WHERE k.package_id = p.id
    ), words AS (DELETE FROM listing_text t USING package p WHERE t.package_id = p.id
    )
    DELETE FROM listings l USING package p WHERE l.package_id = p.id";
/// What is listed already is left as it is. Words that are new come last and
/// in their order: another may wait for them who brings the same.
const LIST: &str = "WITH package AS (SELECT id FROM packages WHERE name = $1
    ), listing AS (
        INSERT INTO listings (package_id, name, bare_name, scope, description, author, latest_version, keywords,
                              artifact_types, downloads, popularity, updated_at)
        SELECT id, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM package
        ON CONFLICT (package_id) DO UPDATE SET description = excluded.description, author = excluded.author,
            latest_version = excluded.latest_version, keywords = excluded.keywords,
            artifact_types = excluded.artifact_types, updated_at = excluded.updated_at
    ), dropped AS (
        DELETE FROM listing_keywords k USING package p WHERE k.package_id = p.id AND k.keyword <> ALL ($12::text[])
    ), keywords AS (
        INSERT INTO listing_keywords (keyword, package_id)
        SELECT keyword, p.id FROM package p, unnest($12::text[]) keyword ON CONFLICT DO NOTHING
    ), document AS (
        INSERT INTO listing_text AS t (package_id, name, bare_name, scope, artifact_types, popularity, document)
        SELECT id, $1, $2, $3, $8, $10, $13::text::tsvector FROM package
        ON CONFLICT (package_id) DO UPDATE
        SET artifact_types = excluded.artifact_types, document = excluded.document
        WHERE (t.artifact_types, t.document) IS DISTINCT FROM (excluded.artifact_types, excluded.document)
    )
    INSERT INTO words (word) SELECT w.word COLLATE \"C\" FROM unnest($14::text[]) w (word)
    WHERE NOT EXISTS (SELECT 1 FROM words k WHERE k.word = w.word) ORDER BY 1 ON CONFLICT DO NOTHING";
/// Lists another version of a package that is listed by the same otherwise.
const MOVE: &str = "UPDATE listings SET latest_version = $2, updated_at = $3 WHERE package_id = $1";
const ALIKE: &str = "SELECT 1 FROM listings l JOIN listing_text t ON t.package_id = l.package_id
    WHERE l.name = $1 AND l.description = $2 AND l.author IS NOT DISTINCT FROM $3 AND l.keywords = $4
        AND l.artifact_types = $5 AND t.document = $6::text::tsvector";
const MANIFEST: &str =
    concat!("SELECT (SELECT m.document FROM manifests m WHERE m.version_id = v.id)", of_name_and_key!());

/// The statements about what is listed.
pub(super) struct Listing {
    touch: Prepared,
    touch_alone: Prepared,
    unlist: Prepared,
    list: Prepared,
    move_alone: Prepared,
    alike: Prepared,
}

impl Listing {
    pub(super) async fn prepare(tx: &Session) -> Tx<Self> {
        let [touch, touch_alone, unlist, list, move_alone, alike] =
            tx.prepare([TOUCH, TOUCH_LISTING, UNLIST, LIST, MOVE, ALIKE]).await?;
        Ok(Self { touch, touch_alone, unlist, list, move_alone, alike })
    }

    /// Notes that something of a package changed.
    pub(super) async fn touch(&self, tx: &Session, name: &PackageName, now: Timestamp) -> Tx<()> {
        tx.execute(&self.touch, [&name.as_str(), &now.as_microsecond()]).await.map(drop)
    }

    /// Notes in the listing alone that something of a package changed.
    pub(super) async fn touch_listing(&self, tx: &Session, name: &PackageName, now: Timestamp) -> Tx<()> {
        tx.execute(&self.touch_alone, [&name.as_str(), &now.as_microsecond()]).await.map(drop)
    }

    /// Lists a package no longer, since it has no `latest`.
    pub(super) async fn unlist(&self, tx: &Session, name: &PackageName) -> Tx<()> {
        tx.execute(&self.unlist, [&name.as_str()]).await.map(drop)
    }

    /// Whether a package is listed by what a manifest says, but for the version.
    pub(super) async fn is_alike(&self, tx: &Session, manifest: &Manifest) -> Tx<bool> {
        let row: [&(dyn tokio_postgres::types::ToSql + Sync); 6] = [
            &manifest.name.as_str(),
            &Text(&manifest.description),
            &manifest.author.as_deref().map(Text),
            &serde_json::to_string(&manifest.keywords)?,
            &i16::from(type_bits(&manifest.artifacts.types())),
            &document(&ListedWords::of(manifest)),
        ];
        Ok(!tx.rows(&self.alike, row).await?.is_empty())
    }

    /// Lists another version of a package that [is listed alike](Self::is_alike).
    pub(super) async fn move_listing(
        &self,
        tx: &Session,
        package: PackageId,
        latest: &Version,
        now: Timestamp,
    ) -> Tx<()> {
        tx.execute(&self.move_alone, [&package, &latest.to_string(), &now.as_microsecond()]).await.map(drop)
    }

    /// Lists a package by what the manifest of its `latest` says.
    pub(super) async fn list(&self, tx: &Session, manifest: &Manifest, downloads: u64, now: Timestamp) -> Tx<()> {
        let name = &manifest.name;
        let words = ListedWords::of(manifest);
        let new: Vec<_> = words.fields().into_iter().flatten().collect::<BTreeSet<_>>().into_iter().collect();
        let keywords: Vec<_> = manifest.keywords.iter().collect::<BTreeSet<_>>().into_iter().collect();
        let row: [&(dyn tokio_postgres::types::ToSql + Sync); 14] = [
            &name.as_str(),
            &name.bare(),
            &name.scope_or_empty(),
            &Text(&manifest.description),
            &manifest.author.as_deref().map(Text),
            &manifest.version.to_string(),
            &serde_json::to_string(&manifest.keywords)?,
            &i16::from(type_bits(&manifest.artifacts.types())),
            &columns::signed(downloads),
            &popularity(downloads),
            &now.as_microsecond(),
            &keywords,
            &document(&words),
            &new,
        ];
        tx.execute(&self.list, row).await.map(drop)
    }
}

/// The manifest of a version, to list its package by.
pub(super) async fn manifest(tx: &Session, name: &PackageName, version: &Version) -> Tx<Manifest> {
    sql::first(tx, MANIFEST, [&name.as_str(), &version.key()], |row| sql::coded(row, 0, columns::manifest))
        .await?
        .ok_or_else(|| Failure::Corrupt("a tag that names no version".into()))
}

/// The weights of name, keywords, artifacts, description and author.
const WEIGHTS: [char; 5] = ['A', 'B', 'C', 'D', 'D'];

/// The last position that a document can tell from others.
const LAST_POSITION: usize = 16_383;

/// How many bytes of names of artifacts a document may hold: a quarter of what
/// PostgreSQL takes. All other fields are short.
const MAX_ARTIFACTS: usize = 256 << 10;

/// The words as the text of a `tsvector`. It is made here, so that every
/// database cuts texts into the same words.
pub(super) fn document(words: &ListedWords) -> String {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut at, mut artifacts) = (0, 0);
    for (weight, field) in WEIGHTS.iter().zip(words.fields()) {
        for word in field {
            at += 1;
            artifacts += if *weight == 'C' { word.len() + 8 } else { 0 };
            if artifacts > MAX_ARTIFACTS && *weight == 'C' {
                continue;
            }
            places.entry(folded(word)).or_default().push(format!("{}{weight}", at.min(LAST_POSITION)));
        }
    }
    places.iter().map(|(word, places)| format!("'{word}':{}", places.join(","))).collect::<Vec<_>>().join(" ")
}

/// A word without diacritics, and with letters that differ only at the end of
/// a word or in old print made one.
///
/// As FTS5's `unicode61 remove_diacritics 2` does: what decomposes into a
/// letter of ASCII and marks becomes that letter.
pub(super) fn folded(word: &str) -> String {
    if word.is_ascii() {
        return word.to_owned();
    }
    word.chars().filter(|letter| !is_mark(*letter)).map(folded_letter).collect()
}

fn folded_letter(letter: char) -> char {
    let mut base = None;
    decompose_canonical(letter, |part| {
        base.get_or_insert(part);
    });
    match base {
        Some(base) if base.is_ascii() => base,
        _ => match letter {
            'ς' => 'σ',
            'ſ' => 's',
            'ϐ' => 'β',
            'ϑ' => 'θ',
            'ϕ' => 'φ',
            'ϖ' => 'π',
            'ϰ' => 'κ',
            'ϱ' => 'ρ',
            'ϵ' => 'ε',
            'µ' => 'μ',
            other => other,
        },
    }
}

fn is_mark(letter: char) -> bool {
    ('\u{300}'..='\u{331}').contains(&letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_their_diacritics() {
        for (word, plain) in [
            ("zoë", "zoe"),
            ("über", "uber"),
            ("ấm", "am"),
            ("i\u{307}stanbul", "istanbul"),
            ("λόγος", "λόγοσ"),
            ("straße", "straße"),
            ("plain", "plain"),
        ] {
            assert_eq!(folded(word), plain);
        }
    }

    #[test]
    fn a_document_says_where_words_stand() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let listed = ListedWords {
            name: words("greet kit"),
            keywords: words("kit"),
            artifacts: Vec::new(),
            description: words("zoë greets"),
            author: words("zoë"),
        };
        assert_eq!(document(&listed), "'greet':1A 'greets':5D 'kit':2A,3B 'zoe':4D,6D");
    }

    #[test]
    fn a_document_keeps_to_what_fits() {
        let many = (0..100_000).map(|at| format!("word{at}")).collect();
        let listed = ListedWords {
            name: vec!["kit".to_owned()],
            keywords: Vec::new(),
            artifacts: many,
            description: vec!["last".to_owned()],
            author: Vec::new(),
        };
        let document = document(&listed);
        assert!(document.len() < 1 << 20, "{}", document.len());
        assert!(document.contains("'kit':1A") && document.contains("'last':16383D"));
    }
}
