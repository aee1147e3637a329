use std::collections::BTreeMap;

use aam_registry_core::{
    Result,
    decide::{OwnerChange, PackageCommand, TagChange, TextChange, Unyank, VisibilityChange, Yank, Yanked},
    ports::VersionStore,
    types::{DistTag, Version},
};
use async_trait::async_trait;

use super::{SqliteMetadata, apply::apply, facts};

impl SqliteMetadata {
    async fn change_package<C>(&self, command: &C) -> Result<C::Answer>
    where
        C: PackageCommand<Answer: 'static> + Clone + 'static,
    {
        let command = command.clone();
        self.write(move |tx| {
            let facts = facts::package(tx, command.reads())?;
            apply(tx, command.decide(&facts)?)
        })
        .await
    }
}

#[async_trait]
impl VersionStore for SqliteMetadata {
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
