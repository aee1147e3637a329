use super::{Rows, Source, Table, accounts::user_id, versions::count};
use crate::scale::releases::latest;

pub(super) const PACKAGES: Table = Table {
    name: "packages",
    columns: &["id", "name", "scope", "similarity_key", "created_at", "updated_at", "downloads"],
    rows: packages,
};

pub(super) const PACKAGE_OWNERS: Table =
    Table { name: "package_owners", columns: &["package_id", "user_id"], rows: package_owners };

pub(super) const DIST_TAGS: Table =
    Table { name: "dist_tags", columns: &["package_id", "tag", "version_id"], rows: dist_tags };

fn packages<'a>(source: &'a Source<'a>) -> Rows<'a> {
    Box::new(source.dataset.packages.iter().map(|package| {
        let scope = package.name.scope();
        vec![
            package.id.into(),
            package.name.as_str().into(),
            scope.as_ref().map(|scope| scope.as_str().to_owned()).into(),
            scope.is_none().then(|| package.name.similarity_key()).into(),
            package.created_at().into(),
            package.updated_at().into(),
            count(package.downloads()).into(),
        ]
    }))
}

/// Packages in a scope are owned through the scope, so they are not in this table.
fn package_owners<'a>(source: &'a Source<'a>) -> Rows<'a> {
    let unscoped = source.dataset.packages.iter().filter(|package| package.name.scope().is_none());
    Box::new(unscoped.map(|package| vec![package.id.into(), user_id(package.owner).into()]))
}

fn dist_tags<'a>(source: &'a Source<'a>) -> Rows<'a> {
    Box::new(source.dataset.packages.iter().filter_map(|package| {
        let release = &package.releases[latest(&package.releases)?];
        Some(vec![package.id.into(), "latest".into(), release.id.into()])
    }))
}
