use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use http::Method;

use super::{MatchedRoute, PathParams, Route, entry::Entry, params::MAX_PARAMS};
use crate::http::metrics::RouteMeter;

/// Finds the route of a path.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    table: matchit::Router<Arc<Entry>>,
    prefix: Box<str>,
}

const PACKAGE: &str = "{package}";
/// The path below which packages are; the following segment has three spellings.
/// What the name of a package follows.
const NAMED: [&str; 2] = ["/api/v1/packages/", "/badge/"];

impl Matcher {
    /// A matcher of `routes` below `prefix`.
    ///
    /// # Panics
    /// If two routes conflict. The table is fixed, so a test finds that.
    pub(crate) fn new(routes: impl Iterator<Item = &'static Route>, prefix: &str) -> Self {
        let mut by_pattern = BTreeMap::<&str, Vec<&'static Route>>::new();
        for route in routes {
            by_pattern.entry(route.pattern).or_default().push(route);
        }
        let mut table = matchit::Router::new();
        for (pattern, routes) in by_pattern {
            for spelling in spellings(pattern) {
                let entry = Entry {
                    pattern,
                    params: params(pattern, &spelling),
                    allow: allow(&routes),
                    routes: routes.clone(),
                    meter: Arc::new(RouteMeter::new(pattern)),
                };
                table.insert(spelling, Arc::new(entry)).expect("no two patterns of the table clash");
            }
        }
        Self { table, prefix: prefix.into() }
    }

    /// The route for `method` on `path`; `None` if no route has that path.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Option<MatchedRoute> {
        let below = match path.strip_prefix(&*self.prefix)? {
            "" => "/",
            below => below,
        };
        let path = canonical(below);
        let found = self.table.at(&path).ok()?;
        let mut spans = [(0, 0); MAX_PARAMS];
        for ((_, value), span) in found.params.iter().zip(&mut spans) {
            let start = value.as_ptr().addr() - path.as_ptr().addr();
            *span = (start, start + value.len());
        }
        let entry = Arc::clone(found.value);
        let route = entry.routes.iter().find(|route| route.verb.answers(method)).copied();
        let path = match path {
            Cow::Borrowed(_) => None,
            Cow::Owned(path) => Some(path.into_boxed_str()),
        };
        let params = PathParams { names: entry.params, spans, path };
        Some(MatchedRoute { entry, route, params })
    }
}

/// The patterns to match: `{package}` becomes `{name}` and `@{scope}/{name}`; a `{path}` at the end
/// matches the whole rest.
fn spellings(pattern: &str) -> Vec<String> {
    let pattern = match pattern.strip_suffix("{path}") {
        Some(start) => format!("{start}{{*path}}"),
        None => pattern.to_owned(),
    };
    if pattern.contains(PACKAGE) {
        vec![pattern.replace(PACKAGE, "{name}"), pattern.replace(PACKAGE, "@{scope}/{name}")]
    } else {
        vec![pattern]
    }
}

fn params(pattern: &'static str, spelling: &str) -> [&'static str; MAX_PARAMS] {
    let scoped = spelling.contains("@{scope}");
    let names = pattern.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
    let names = names.flat_map(|name| match name {
        "package" if scoped => vec!["scope", "name"],
        "package" => vec!["name"],
        other => vec![other],
    });
    let mut params = [""; MAX_PARAMS];
    for (place, name) in params.iter_mut().zip(names) {
        *place = name;
    }
    params
}

fn allow(routes: &[&'static Route]) -> String {
    let mut verbs: Vec<_> = routes.iter().map(|route| route.verb).collect();
    verbs.sort_unstable();
    let names = verbs.iter().map(|verb| if verb.as_str() == "GET" { "GET, HEAD" } else { verb.as_str() });
    names.collect::<Vec<_>>().join(", ")
}

/// The path with a scoped package's name in the form `@scope/name`: clients may also write `%40` for
/// the `@` and `%2F` for the slash.
fn canonical(path: &str) -> Cow<'_, str> {
    let root = NAMED.into_iter().find_map(|root| Some((root, path.strip_prefix(root)?)));
    let Some((root, rest)) = root.filter(|(_, rest)| rest.contains('%')) else { return path.into() };
    let (segment, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let Some(scoped) = segment.strip_prefix('@').or_else(|| segment.strip_prefix("%40")) else { return path.into() };
    let slash = scoped.find("%2F").or_else(|| scoped.find("%2f"));
    match slash {
        Some(at) => format!("{root}@{}/{}{tail}", &scoped[..at], &scoped[at + 3..]).into(),
        None => format!("{root}@{scoped}{tail}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::endpoints;

    fn find(path: &str) -> Option<(String, Vec<String>)> {
        let matcher = Matcher::new(endpoints::routes(&[]), "/reg");
        let found = matcher.find(&Method::GET, path)?;
        let below = &path["/reg".len()..];
        let values = found.params.names.iter().filter(|name| !name.is_empty());
        let values = values.map(|name| found.params.param(below, name).unwrap_or_default().into_owned());
        Some((found.pattern().to_owned(), values.collect()))
    }

    #[test]
    fn a_package_may_be_spelled_in_several_ways() {
        let wanted = Some((
            "/api/v1/packages/{package}/{version}".to_owned(),
            vec!["my_org".to_owned(), "a".to_owned(), "1.0.0".to_owned()],
        ));
        for spelling in ["@my_org/a", "%40my_org/a", "@my_org%2Fa", "%40my_org%2fa"] {
            assert_eq!(find(&format!("/reg/api/v1/packages/{spelling}/1.0.0")), wanted, "{spelling}");
        }
    }

    #[test]
    fn a_path_of_files_keeps_its_slashes() {
        for spelling in ["x/y%20z.md", "x%2Fy%20z.md"] {
            assert_eq!(
                find(&format!("/reg/api/v1/packages/a/1.0.0/files/{spelling}")),
                Some((
                    "/api/v1/packages/{package}/{version}/files/{path}".to_owned(),
                    vec!["a".to_owned(), "1.0.0".to_owned(), "x/y z.md".to_owned()]
                ))
            );
        }
    }

    #[test]
    fn words_win_over_versions_and_nothing_else_matches() {
        for scope in ["", "@s/"] {
            let (pattern, _) = find(&format!("/reg/api/v1/packages/{scope}a/tags")).expect("tags");
            assert_eq!(pattern, "/api/v1/packages/{package}/tags");
        }
        assert_eq!(find("/reg/"), Some(("/".to_owned(), Vec::new())));
        assert_eq!(find("/reg"), find("/reg/"), "the mount itself, with a slash at its end and without");
        for nothing in ["/api/v1/packages", "/re", "/reg/api/v1/packages/", "/reg/api/v1/packages/a/b/c/d/e"] {
            assert_eq!(find(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn other_methods_are_told_apart() {
        let matcher = Matcher::new(endpoints::routes(&[]), "");
        let found = matcher.find(&Method::PATCH, "/api/v1/packages").expect("the path exists");
        assert!(found.route().is_none());
        assert_eq!(found.allow(), "GET, HEAD, POST");
    }
}
