use super::{Registry, View};
use crate::{
    error::Result,
    types::{PackageSummary, Page, PageRequest, ScopeName, SearchQuery, SearchSort},
};

impl View<'_> {
    /// Searches the packages that the viewer sees, whatever the query's sight. The text `@scope/*` lists a scope.
    pub async fn search(&self, query: &SearchQuery) -> Result<Page<PackageSummary>> {
        let sight = self.sight().await?;
        let Some(listed) = query.text.as_deref().and_then(listed_scope) else {
            return self.inner().packages.search(&SearchQuery { sight, ..query.clone() }).await;
        };
        // No package is in two scopes.
        if query.scope.as_ref().is_some_and(|scope| *scope != listed) {
            return Ok(Page { items: Vec::new(), total: 0, request: query.page });
        }
        let query = SearchQuery { text: None, scope: Some(listed), sight, ..query.clone() };
        self.inner().packages.search(&query).await
    }
}

impl Registry {
    /// Runs an empty search, so that the database has built its search index, and has read recent
    /// changes into it, before a client searches.
    pub(crate) async fn prepare_searches(&self) -> Result<()> {
        let query = SearchQuery::everything(SearchSort::Name, PageRequest { page: 1, limit: 1 });
        self.inner().packages.search(&query).await.map(drop)
    }
}

/// The scope that a text such as `@team/*` lists.
fn listed_scope(text: &str) -> Option<ScopeName> {
    text.trim().strip_prefix('@')?.strip_suffix("/*")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_scope_and_a_star_list_a_scope() {
        assert_eq!(listed_scope(" @my_org/* "), Some("my_org".parse().expect("scope")));
        for text in ["@my_org", "@my_org/", "my_org/*", "@my_org/a*", "@/*", "@My/*", "@a/b/*", "*"] {
            assert_eq!(listed_scope(text), None, "{text:?} lists a scope");
        }
    }
}
