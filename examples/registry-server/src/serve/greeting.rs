use std::{
    env,
    io::{self, Write},
    path::Path,
};

use aam_registry_core::registry::Registry;

use crate::config::{Bucket, Flags, LogFormat, MASK, Settings, StorageBackend, may_hold_secret};

/// How the server was started, as far as its other commands need the same flags.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    program: String,
    flags: String,
}

impl Invocation {
    /// The invocation of a process with these flags.
    pub(crate) fn of(flags: &Flags<true>) -> Self {
        let program = env::args().next().unwrap_or_else(|| env!("CARGO_PKG_NAME").to_owned());
        let config = flags.config.iter().map(|path| ("config", path.display().to_string()));
        let data =
            [("DATA_DIR", "data-dir"), ("DATABASE_URL", "database-url"), ("DATABASE_URL_FILE", "database-url-file")];
        let data = data.into_iter().filter_map(|(variable, flag)| {
            let value = flags.values.get(variable)?;
            // The command is logged, so it must not contain the secret.
            let is_secret = variable == "DATABASE_URL" && may_hold_secret(value);
            Some((flag, if is_secret { MASK.to_owned() } else { value.clone() }))
        });
        let mut text = String::new();
        for (flag, value) in config.chain(data) {
            text.extend([" --", flag, " ", &quoted(&value)]);
        }
        Self { program: quoted(&program), flags: text }
    }

    fn command(&self, command: &str) -> String {
        format!("{} {command}{}", self.program, self.flags)
    }
}

fn quoted(word: &str) -> String {
    let is_plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-:=@".contains(&byte));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Logs where the registry is, where its data is, and what to do next.
pub(super) async fn greet(
    settings: &Settings,
    invocation: &Invocation,
    address: &str,
    base_url: &str,
    registry: &Registry,
) {
    let version = env!("CARGO_PKG_VERSION");
    let database = settings.database_url.to_string();
    let name = |bucket: Option<&Bucket>| bucket.map_or_else(String::new, |bucket| bucket.0.clone());
    let archives = match settings.storage_backend {
        StorageBackend::Local => settings.storage_path.display().to_string(),
        StorageBackend::Memory => "memory".to_owned(),
        StorageBackend::S3 | StorageBackend::Minio => format!("s3://{}", name(settings.s3_bucket.as_ref())),
        StorageBackend::Gcs => format!("gs://{}", name(settings.gcs_bucket.as_ref())),
        StorageBackend::Azblob => format!("az://{}", name(settings.azblob_container.as_ref())),
    };
    // If the database cannot answer, omit the hint on how to create an administrator.
    let has_admin = registry.has_admin().await.unwrap_or(true);
    let create_admin = invocation.command("create-admin --username admin --email admin@example.com");

    if settings.log_format == LogFormat::Json {
        tracing::info!(event = "server_started", version, address, url = base_url, database, archives, "serving");
        if !has_admin {
            tracing::info!(event = "no_admin_yet", command = create_admin, "create the first administrator");
        }
        return;
    }
    let admin = if has_admin { String::new() } else { format!("  First admin  {create_admin}\n") };
    let (client, build) = env::current_exe().map_or_else(|_| (CLIENT.to_owned(), None), |server| client_of(&server));
    let build = build.map_or_else(String::new, |build| format!("  Client       {build}\n"));
    let text = format!(
        "AAM registry {version} listens on {address}: {base_url}\n\
         \x20 Data         database {database}, archives {archives}\n\
         {admin}\
         {build}\
         \x20 Begin        {client} registry add local {base_url} --default && {client} register\n\
         \x20 Publish      {client} pkg init my-skills && {client} pkg publish my-skills\n\
         \x20 API          {base_url}/api/docs\n"
    );
    let _ = io::stdout().lock().write_all(text.as_bytes());
}

/// The name of the client's binary.
const CLIENT: &str = "aam";

/// The command that starts the client, given the path of the binary `server`, and the command that
/// builds the client if cargo has built only the server.
fn client_of(server: &Path) -> (String, Option<String>) {
    let beside = server.with_file_name(format!("{CLIENT}{}", env::consts::EXE_SUFFIX));
    if beside.is_file() {
        return (quoted(&beside.display().to_string()), None);
    }
    let folder = server.parent().filter(|folder| folder.join(".cargo-lock").is_file());
    let profile = folder.and_then(Path::file_name).map(|profile| match &*profile.to_string_lossy() {
        "debug" => String::new(),
        "release" => " --release".to_owned(),
        other => format!(" --profile {other}"),
    });
    match profile {
        Some(profile) => (quoted(&beside.display().to_string()), Some(format!("cargo build{profile} --bin {CLIENT}"))),
        None => (CLIENT.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_named_where_it_is_or_will_be() {
        let target = tempfile::tempdir().expect("folder");
        let folder = target.path().join("release");
        std::fs::create_dir(&folder).expect("folder");
        let server = folder.join("aam-registry");
        assert_eq!(client_of(&server), ("aam".to_owned(), None), "installed without it");
        std::fs::write(folder.join(".cargo-lock"), "").expect("file");
        let client = quoted(&server.with_file_name("aam").display().to_string());
        assert_eq!(client_of(&server), (client.clone(), Some("cargo build --release --bin aam".to_owned())));
        std::fs::write(folder.join("aam"), "").expect("file");
        assert_eq!(client_of(&server), (client, None));
    }

    #[test]
    fn the_next_command_names_the_same_database_and_no_password() {
        for (variable, value, told) in [
            ("DATABASE_URL", "postgresql://u:hunter2@h/aam", "migrate --database-url '********'"),
            ("DATABASE_URL", "postgresql://h/aam?password=hunter2", "migrate --database-url '********'"),
            ("DATABASE_URL", "sqlite:///srv/aam.db", "migrate --database-url sqlite:///srv/aam.db"),
            ("DATABASE_URL_FILE", "/run/url", "migrate --database-url-file /run/url"),
            ("DATA_DIR", "/srv/a b", "migrate --data-dir '/srv/a b'"),
        ] {
            let values = [(variable.to_owned(), value.to_owned())].into();
            let command = Invocation::of(&Flags { values, config: None }).command("migrate");
            assert!(command.ends_with(told), "{command}");
        }
    }
}
