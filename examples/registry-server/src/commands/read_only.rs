//! `read-only`.

use aam_registry_core::types::ReadOnlyMode;
use serde_json::json;

use super::{Answer, Failed, user::on_registry};
use crate::{
    cli::{ReadOnlyArgs, ReadOnlyOn},
    config::Surroundings,
};

/// Switches read-only mode on.
pub(super) fn on(command: &ReadOnlyOn, surroundings: Surroundings) -> Result<Answer, Failed> {
    let reason = command.reason.as_deref();
    let state = on_registry(surroundings, async |registry| {
        let mode = registry.set_read_only_as_operator(true, reason).await?;
        Ok((mode, registry.is_configured_read_only()))
    })?;
    Ok(answer(&command.args, &state))
}

/// Switches it off.
pub(super) fn off(args: &ReadOnlyArgs, surroundings: Surroundings) -> Result<Answer, Failed> {
    let state = on_registry(surroundings, async |registry| {
        let mode = registry.set_read_only_as_operator(false, None).await?;
        Ok((mode, registry.is_configured_read_only()))
    })?;
    Ok(answer(args, &state))
}

/// Shows whether it is on.
pub(super) fn status(args: &ReadOnlyArgs, surroundings: Surroundings) -> Result<Answer, Failed> {
    let state = on_registry(surroundings, async |registry| {
        Ok((registry.read_only_switch().await?, registry.is_configured_read_only()))
    })?;
    Ok(answer(args, &state))
}

fn answer(args: &ReadOnlyArgs, (mode, is_configured): &(Option<ReadOnlyMode>, bool)) -> Answer {
    let mut text = match mode {
        Some(ReadOnlyMode { since, by, reason }) => {
            let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("read-only since {since}, by {by}{reason}; `aam-registry read-only off` ends it")
        }
        None => "changes are taken".to_owned(),
    };
    if *is_configured {
        text.push_str("\nREAD_ONLY is on here: servers with this configuration are read-only whatever the switch says");
    }
    let json = json!({
        "read_only": mode.is_some(),
        "since": mode.as_ref().map(|mode| mode.since.to_string()),
        "by": mode.as_ref().map(|mode| &mode.by),
        "reason": mode.as_ref().and_then(|mode| mode.reason.as_ref()),
        "configured": is_configured,
    });
    Answer::new(args.json, text, &json)
}
