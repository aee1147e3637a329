//! `aam search`

use aam_registry_core::types::{ArtifactType, ScopeName};
use clap::Args;

use super::scope::scope_name;
use crate::{api::SearchRequest, failure::Result, output::table, session::Session};

/// Search a registry
#[derive(Debug, Args)]
#[command(long_about = "Search names, descriptions, keywords, authors and artifacts.\n\n  \
    aam search code review\n  \
    aam search --type skill --sort downloads\n  \
    aam search '@my_org/*'")]
pub(crate) struct Search {
    /// What to look for; everything where not given
    words: Vec<String>,
    /// Only packages with a skill, agent, prompt or instruction
    #[arg(long = "type", value_name = "TYPE", value_parser = artifact_type)]
    kind: Option<ArtifactType>,
    /// Only packages of a scope
    #[arg(long, value_parser = scope_name)]
    scope: Option<ScopeName>,
    /// Only packages with a keyword
    #[arg(long)]
    keyword: Option<String>,
    /// The order
    #[arg(long, value_parser = ["relevance", "updated", "downloads", "name"])]
    sort: Option<String>,
    /// Which page
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    page: u32,
    /// How many to a page
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
}

fn artifact_type(text: &str) -> Result<ArtifactType, String> {
    ArtifactType::parse(text).ok_or_else(|| "use skill, agent, prompt or instruction".to_owned())
}

impl Search {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let request = SearchRequest {
            text: self.words.join(" "),
            kind: self.kind,
            scope: self.scope,
            keyword: self.keyword,
            sort: self.sort,
            page: self.page,
            limit: self.limit,
        };
        let answer = session.client(&session.registry()?)?.search(&request).await?;
        let page = &answer.read;
        session.out.result(&answer, || {
            if page.packages.is_empty() {
                return vec!["Nothing found".to_owned()];
            }
            let rows: Vec<_> = page
                .packages
                .iter()
                .map(|row| {
                    vec![
                        row.name.clone(),
                        row.latest_version.clone().unwrap_or_default(),
                        row.artifact_types.join(","),
                        format!("{}↓", row.downloads),
                        row.description.clone(),
                    ]
                })
                .collect();
            let mut lines = table(&rows);
            if page.pages > page.page {
                lines.push(format!("{} in all; page {} of {}", page.total, page.page, page.pages));
            }
            lines
        })
    }
}
