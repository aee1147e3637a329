//! Every setting as a page of Markdown: docs/configuration.md.

use super::{
    setting::{Fallback, Kind, Spec, flag_of},
    table::TABLE,
};

const BEGINNING: &str = "\
# Configuration

Printed by `aam-registry config reference`. Every setting in capitals is an environment variable; in small letters \
it is a flag (`--data-dir`) and a key of `config.yaml` (`data_dir`). A flag overrides the environment, the environment \
overrides a `.env` file, and that overrides `config.yaml` (`--config FILE`, `AAM_CONFIG`, `./config.yaml`, \
`/etc/aam-registry/config.yaml`: the first that there is). Settings in small letters are keys of `config.yaml` alone. \
A *secret* can be read from a file: `JWT_SECRET_FILE=/run/secrets/jwt`. `aam-registry config check` reports every \
mistake, and `aam-registry config show` prints what is in force and where it comes from.
";

/// The page.
pub(crate) fn reference() -> String {
    let mut page = BEGINNING.to_owned();
    let mut last = "";
    for spec in TABLE {
        let Kind::Built { heading, default, allowed, .. } = &spec.kind else { continue };
        if last != *heading {
            page.extend(["\n## ", heading, "\n\n| setting | what it is | allowed | default |\n|---|---|---|---|\n"]);
            last = heading;
        }
        let default = match default {
            Fallback::Unset => "",
            Fallback::Text(text) | Fallback::Computed(text, _) => text,
        };
        let cells = [names(spec), spec.help.concat(), allowed(), default.replace('<', "\\<")];
        page.extend(["| ", &cells.map(|cell| cell.trim().replace('|', "\\|")).join(" | "), " |\n"]);
    }
    page
}

fn names(spec: &Spec) -> String {
    let names: Vec<_> = spec.names.iter().map(|name| format!("`{name}`")).collect();
    let flags: Vec<_> = spec.variables().take(1).map(|name| format!(" `--{}`", flag_of(name))).collect();
    format!("{}{}{}", names.join(" or "), flags.concat(), if spec.is_secret() { " *secret*" } else { "" })
}
