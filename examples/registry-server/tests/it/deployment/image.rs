//! `deployment/docker/Dockerfile` and the files it is built from.

use super::{
    files::{path, text},
    server,
};

/// The instructions of the last stage: name and arguments, on one line each.
fn last_stage() -> Vec<(String, String)> {
    let text = text("deployment/docker/Dockerfile").replace("\\\n", " ");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let instructions: Vec<_> = lines
        .map(|line| line.split_once(' ').expect("an instruction with arguments"))
        .map(|(name, arguments)| (name.to_owned(), arguments.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect();
    let start = instructions.iter().rposition(|(name, _)| name == "FROM").expect("a stage");
    instructions[start..].to_vec()
}

#[test]
fn the_image_runs_as_nobody_in_particular_and_tells_its_health() {
    let stage = last_stage();
    let one = |name: &str| {
        let found: Vec<_> = stage.iter().filter(|(other, _)| other == name).map(|(_, rest)| rest.as_str()).collect();
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        found[0]
    };
    assert_eq!(one("USER"), "10001:10001");
    assert_eq!(one("EXPOSE"), "8000");
    assert_eq!(one("STOPSIGNAL"), "SIGTERM");
    assert_eq!(one("ENTRYPOINT"), r#"["aam-registry"]"#);
    assert_eq!(one("CMD"), r#"["serve"]"#);
    let data = one("VOLUME");
    assert_eq!(one("ENV"), format!("DATA_DIR={data}"));
    assert!(one("HEALTHCHECK").ends_with(r#"CMD ["aam-registry", "healthcheck"]"#));
    server::understands(&["healthcheck"]);
    server::understands(&["serve"]);
    server::knows([&"DATA_DIR".to_owned()]);
    assert!(stage.iter().all(|(name, _)| name != "RUN"), "the last stage needs no shell");
}

#[test]
fn the_builder_is_sent_the_workspace_and_nothing_else() {
    let ignore = text(".dockerignore");
    let mut lines = ignore.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.next(), Some("*"), "what is sent is named one by one");
    let sent: Vec<_> = lines.clone().filter_map(|line| line.strip_prefix('!')).collect();
    let workspace = text("Cargo.toml");
    let members = workspace.split_once("members = [").and_then(|(_, rest)| rest.split_once(']')).expect("members").0;
    let members = members.split(',').map(|member| member.trim().trim_matches('"')).filter(|member| !member.is_empty());
    for needed in members.chain(["Cargo.toml", "Cargo.lock"]) {
        assert!(path(needed).exists(), "{needed}");
        assert!(
            sent.iter().any(|sent| needed == *sent || needed.starts_with(&format!("{sent}/"))),
            "{needed} is not sent"
        );
    }
    assert!(lines.any(|line| line == "**/target"), "a target folder would be sent");
}
