//! `aam gate`

use aam_registry_core::types::{DistTag, EvalName, PackageName};
use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::{failure::Result, output::table, session::Session};

/// Let a dist-tag name only versions that have passed evals
#[derive(Debug, Subcommand)]
pub(crate) enum Gate {
    /// Set the gate of a dist-tag, or remove it by naming no evals
    #[command(
        long_about = "Let a dist-tag name only versions that have passed these evals. What the tag names already \
        stays. `latest` has no gate, since the registry moves it.\n\n  \
        aam gate set @my_org/kit stable quality safety\n  \
        aam gate set @my_org/kit stable"
    )]
    Set {
        /// The package
        package: PackageName,
        /// The dist-tag
        tag: DistTag,
        /// The evals that a version has to pass; none to remove the gate
        evals: Vec<EvalName>,
    },
    /// List the gates
    Ls {
        /// The package
        package: PackageName,
    },
}

impl Gate {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        match self {
            Self::Set { package, tag, evals } => {
                let client = session.authenticated(&registry)?;
                let mut gates = client.gates(&package).await?.read.gates;
                if evals.is_empty() {
                    gates.remove(tag.as_str());
                } else {
                    let names: Vec<_> = evals.iter().map(EvalName::as_str).collect();
                    gates.insert(tag.as_str().to_owned(), json!(names));
                }
                let set = client.set_gates(&package, &gates).await?;
                session.out.done(&set, || {
                    vec![if evals.is_empty() {
                        format!("{tag} of {package} has no gate")
                    } else {
                        format!("{tag} of {package} names only versions that passed {}", joined(&evals))
                    }]
                })
            }
            Self::Ls { package } => {
                let found = session.client(&registry)?.gates(&package).await?;
                session.out.result(&found, || lines(&found.read.gates))
            }
        }
    }
}

fn joined(evals: &[EvalName]) -> String {
    evals.iter().map(EvalName::as_str).collect::<Vec<_>>().join(", ")
}

fn lines(gates: &Map<String, Value>) -> Vec<String> {
    if gates.is_empty() {
        return vec!["No gates".to_owned()];
    }
    let row = |(tag, evals): (&String, &Value)| {
        let evals = evals.as_array().into_iter().flatten().filter_map(Value::as_str);
        vec![tag.clone(), evals.collect::<Vec<_>>().join(", ")]
    };
    table(&gates.iter().map(row).collect::<Vec<_>>())
}
