use std::collections::BTreeMap;

use aam_registry_core::{
    Result,
    decide::{OwnerChange, PackageCommand, TagChange, TextChange, Unyank, VisibilityChange, Yank, Yanked},
    ports::VersionStore,
    types::{DistTag, Version},
};
use async_trait::async_trait;

use super::{PostgresMetadata, admission::Rows, apply::apply, facts};

impl PostgresMetadata {
    async fn change_package<C: PackageCommand>(&self, command: &C) -> Result<C::Answer> {
        let reads = command.reads();
        let rows = Rows::of(reads.actor).and_package(reads.package);
        self.change(rows, |tx| async move {
            let facts = facts::package(&tx, reads).await?;
            apply(&tx, command.decide(&facts)?).await
        })
        .await
    }
}

#[async_trait]
impl VersionStore for PostgresMetadata {
    async fn yank(&self, yank: &Yank) -> Result<Yanked> {
        self.change_package(yank).await
    }

    async fn unyank(&self, unyank: &Unyank) -> Result<BTreeMap<DistTag, Version>> {
        self.change_package(unyank).await
    }

    async fn change_text(&self, change: &TextChange) -> Result<()> {
        self.change_package(change).await
    }

    async fn change_tag(&self, change: &TagChange) -> Result<()> {
        self.change_package(change).await
    }

    async fn change_owner(&self, change: &OwnerChange) -> Result<()> {
        self.change_package(change).await
    }

    async fn change_visibility(&self, change: &VisibilityChange) -> Result<()> {
        self.change_package(change).await
    }
}
