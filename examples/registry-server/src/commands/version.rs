//! `version`.

use aam_registry_core::{decide::Quarantined, registry::Registry, types::Principal};
use serde_json::json;

use super::{Answer, Failed, user::on_registry};
use crate::{
    cli::{ModeratedVersion, QuarantineVersion},
    config::Surroundings,
};

/// Puts a version into quarantine.
pub(super) fn quarantine(command: &QuarantineVersion, surroundings: Surroundings) -> Result<Answer, Failed> {
    let QuarantineVersion { category, reason, of } = command;
    moderate(of, "is in quarantine now", surroundings, async |registry, by| {
        let (name, version) = &of.version;
        registry.quarantine(by, name, version, *category, reason).await
    })
}

/// Lets a version out of quarantine.
pub(super) fn release(command: &ModeratedVersion, surroundings: Surroundings) -> Result<Answer, Failed> {
    moderate(command, "is out of quarantine", surroundings, async |registry, by| {
        let (name, version) = &command.version;
        registry.release(by, name, version).await
    })
}

/// Removes a version for good.
pub(super) fn remove(command: &ModeratedVersion, surroundings: Surroundings) -> Result<Answer, Failed> {
    moderate(command, "is removed for good", surroundings, async |registry, by| {
        let (name, version) = &command.version;
        registry.remove_version(by, name, version).await
    })
}

fn moderate(
    command: &ModeratedVersion,
    outcome: &str,
    surroundings: Surroundings,
    decide: impl AsyncFnOnce(&Registry, &Principal) -> aam_registry_core::error::Result<Quarantined>,
) -> Result<Answer, Failed> {
    let done = on_registry(surroundings, async |registry| {
        let missing = || Failed(format!("there is no account {}; `aam-registry user list` shows all", command.by));
        let by = Principal::of_host(&registry.find_user(&command.by).await?.ok_or_else(missing)?);
        Ok(decide(&registry, &by).await?)
    })?;
    let name = &command.version.0;
    let json = json!({
        "package": name.to_string(),
        "version": done.version.to_string(),
        "status": done.status.as_str(),
        "moved_tags": done.moved_tags.iter().map(|(tag, version)| (tag.to_string(), version.to_string()))
            .collect::<std::collections::BTreeMap<_, _>>(),
        "removed_tags": done.removed_tags.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    Ok(Answer::new(command.json, format_args!("{name} {} {outcome}", done.version), &json))
}
