//! `aam pkg`

mod already_made;
mod chosen;
mod contents;
mod create;
mod init;
mod inspected;
mod pack;
mod publish;
mod units;
mod validate;

use clap::Subcommand;

use crate::{failure::Result, session::Session};

/// Make, check, pack and publish packages
#[derive(Debug, Subcommand)]
#[command(long_about = "Make, check, pack and publish packages.\n\n  \
    aam pkg create                        # of the skills, agents, prompts and rules that are here already\n  \
    aam pkg init @my_org/my-skills && cd my-skills\n  \
    aam pkg validate\n  \
    aam pkg publish --dry-run\n  \
    aam pkg publish")]
pub(crate) enum Pkg {
    Create(create::Create),
    Init(init::Init),
    Validate(validate::Validate),
    Pack(pack::Pack),
    Publish(publish::Publish),
}

impl Pkg {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        match self {
            Self::Create(command) => command.run(session),
            Self::Init(command) => command.run(session),
            Self::Validate(command) => command.run(session).await,
            Self::Pack(command) => command.run(session).await,
            Self::Publish(command) => command.run(session).await,
        }
    }
}
