use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryMetadata;
use crate::{
    decide::{OwnerChange, PackageCommand, TagChange, TextChange, Unyank, VisibilityChange, Yank, Yanked},
    error::Result,
    ports::VersionStore,
    types::{DistTag, Version},
};

impl MemoryMetadata {
    fn change_package<C: PackageCommand>(&self, command: &C) -> Result<C::Answer> {
        let mut tables = self.tables();
        let facts = tables.package_facts(command.reads());
        tables.apply(command.decide(&facts)?, self.clock.now())
    }
}

#[async_trait]
impl VersionStore for MemoryMetadata {
    async fn yank(&self, yank: &Yank) -> Result<Yanked> {
        self.change_package(yank)
    }

    async fn unyank(&self, unyank: &Unyank) -> Result<BTreeMap<DistTag, Version>> {
        self.change_package(unyank)
    }

    async fn change_text(&self, change: &TextChange) -> Result<()> {
        self.change_package(change)
    }

    async fn change_tag(&self, change: &TagChange) -> Result<()> {
        self.change_package(change)
    }

    async fn change_owner(&self, change: &OwnerChange) -> Result<()> {
        self.change_package(change)
    }

    async fn change_visibility(&self, change: &VisibilityChange) -> Result<()> {
        self.change_package(change)
    }
}
