//! The words that are searched: each database has its own way.

use std::{collections::BTreeMap, fmt::Write};

use super::{
    Rows, Source, Table,
    listings::{listed, popularity, searched, type_bits},
};

/// FTS5 takes the words of each field as text.
pub(super) const SQLITE: Table = Table {
    name: "listing_text",
    columns: &["rowid", "name", "keywords", "artifacts", "description", "author"],
    rows: sqlite,
};

/// PostgreSQL takes each word with its places and their weights.
pub(super) const POSTGRES: Table = Table {
    name: "listing_text",
    columns: &["package_id", "name", "bare_name", "scope", "artifact_types", "popularity", "document"],
    rows: postgres,
};

fn sqlite<'a>(source: &'a Source<'a>) -> Rows<'a> {
    Box::new(listed(source).map(|(package, manifest)| {
        let words = searched(package, &manifest).map(|words| words.join(" ").into());
        [package.id.into()].into_iter().chain(words).collect()
    }))
}

fn postgres<'a>(source: &'a Source<'a>) -> Rows<'a> {
    Box::new(listed(source).map(|(package, manifest)| {
        vec![
            package.id.into(),
            package.name.as_str().into(),
            package.name.bare().into(),
            package.name.scope_or_empty().into(),
            type_bits(&manifest.artifacts.types()).into(),
            popularity(package.downloads()).into(),
            vector(&searched(package, &manifest)).into(),
        ]
    }))
}

/// The text of a `tsvector`: name, keywords and artifacts weigh A, B and C,
/// description and author D.
fn vector(fields: &[Vec<String>; 5]) -> String {
    let weighed = fields.iter().zip(["A", "B", "C", "", ""]);
    let words = weighed.flat_map(|(words, weight)| words.iter().map(move |word| (word, weight)));
    let mut places = BTreeMap::<&str, Vec<String>>::new();
    for (at, (word, weight)) in (1..).zip(words) {
        places.entry(word).or_default().push(format!("{at}{weight}"));
    }
    let mut text = String::new();
    for (word, places) in places {
        write!(text, "'{word}':{} ", places.join(",")).expect("a string takes all");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_a_word_has_its_weight() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let fields = [words("git kit"), words("git"), words("commit"), words("a kit"), words("ada")];
        assert_eq!(vector(&fields), "'a':5 'ada':7 'commit':4C 'git':1A,3B 'kit':2A,6 ");
    }
}
