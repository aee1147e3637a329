//! `aam webhook` against a server, with a receiver that the server delivers to.

use std::{
    collections::VecDeque,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use aam_registry_tests::{Server, client_binary, eventually};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::TcpListener,
    task,
};

use crate::delivery;

const PASSWORD: &str = "violet-harbour-tin-41";

/// What a receiver got: the id of each message and its body.
#[derive(Clone, Debug, Default)]
struct Received {
    messages: Arc<Mutex<Vec<(String, Value)>>>,
    /// The statuses of the next answers; 204 where there is none.
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Received {
    fn types(&self) -> Vec<String> {
        let messages = self.messages.lock().expect("not poisoned");
        messages.iter().map(|(_, body)| body["type"].as_str().expect("a type").to_owned()).collect()
    }

    fn ids(&self) -> Vec<String> {
        self.messages.lock().expect("not poisoned").iter().map(|(id, _)| id.clone()).collect()
    }

    fn answer_next(&self, status: u16) {
        self.answers.lock().expect("not poisoned").push_back(status);
    }
}

async fn receiver() -> (u16, Received) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let received = Received::default();
    let noted = received.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let message = delivery::read(&mut stream).await;
            let status = noted.answers.lock().expect("not poisoned").pop_front().unwrap_or(204);
            noted.messages.lock().expect("not poisoned").push(message);
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, received)
}

/// Runs `aam` with `input` on its standard input; gives its exit code and what it printed.
async fn run(home: &Path, arguments: &[&str], input: &str) -> (i32, String) {
    let mut command = Command::new(client_binary());
    command.args(arguments).current_dir(home).env_clear().env("AAM_HOME", home.join("aam-home")).env("HOME", home);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let input = input.to_owned();
    let output = task::spawn_blocking(move || {
        let mut child = command.spawn().expect("aam runs");
        // A command that reads nothing closes its input early.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        child.wait_with_output().expect("it ends")
    });
    let output = output.await.expect("no panic");
    let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
    (output.status.code().unwrap_or(-1), text)
}

async fn ok(home: &Path, arguments: &[&str]) -> String {
    let (code, text) = run(home, arguments, "").await;
    assert_eq!(code, 0, "{arguments:?}: {text}");
    text
}

async fn json_of(home: &Path, arguments: &[&str]) -> Value {
    let text = ok(home, &[&["--json"], arguments].concat()).await;
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_made_tested_changed_and_deleted_by_the_client() {
    let (port, received) = receiver().await;
    // Servers on PostgreSQL have webhooks of scopes only with a key that all of them are given.
    let key = ("SECRETS_KEY", "a key that all replicas have in common");
    let server = Server::start_with(&[("WEBHOOK_ALLOW_PRIVATE", "127.0.0.1"), key]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path();
    ok(home, &["registry", "add", "test", server.base(), "--default"]).await;
    let register = ["register", "--username", "ada", "--email", "ada@example.com", "--password-stdin"];
    let (code, text) = run(home, &register, &format!("{PASSWORD}\n")).await;
    assert_eq!(code, 0, "{text}");
    server.user("bob").await;

    let url = format!("http://127.0.0.1:{port}/hook");
    let add = ["webhook", "add", "ada", &url, "--event", "scope.member_set,scope.member_remove"];
    let made = json_of(home, &add).await;
    let id = made["id"].as_str().expect("an id");
    assert!(made["secret"].as_str().is_some_and(|secret| secret.starts_with("whsec_")), "{made}");
    let listed = ok(home, &["webhook", "list", "@ada"]).await;
    assert!(listed.contains(id) && listed.contains("enabled") && !listed.contains("whsec_"), "{listed}");

    let deliveries = async || json_of(home, &["webhook", "deliveries", "ada", id]).await["deliveries"].clone();
    let newest = async |state: &str| {
        let state = state.to_owned();
        eventually("the newest delivery ended so", async || (deliveries().await[0]["state"] == *state).then_some(()))
            .await;
    };
    ok(home, &["webhook", "ping", "ada", id]).await;
    newest("delivered").await;
    assert_eq!(received.types(), ["ping"]);

    ok(home, &["scope", "add", "ada", "bob"]).await;
    eventually("the event came", async || (received.ids().len() == 2).then_some(())).await;
    newest("delivered").await;
    assert_eq!(received.types(), ["ping", "scope.member_set"]);
    let delivery = deliveries().await[0]["id"].as_str().expect("an id").to_owned();
    ok(home, &["webhook", "redeliver", "ada", &delivery]).await;
    eventually("it came again", async || (received.ids().len() == 3).then_some(())).await;
    assert_eq!(received.ids()[1], received.ids()[2], "under the same id");

    newest("delivered").await;
    received.answer_next(410);
    ok(home, &["scope", "rm", "ada", "bob"]).await;
    newest("failed").await;
    let shown = ok(home, &["webhook", "show", "ada", id]).await;
    assert!(shown.contains("disabled: the receiver answered 410"), "{shown}");
    let enabled = ok(home, &["webhook", "update", "ada", id, "--enable", "--event", "tag.set"]).await;
    assert!(enabled.contains("enabled") && enabled.contains("tag.set"), "{enabled}");
    let rotated = json_of(home, &["webhook", "update", "ada", id, "--rotate-secret"]).await;
    assert_ne!(rotated["secret"], made["secret"]);

    let inside = ["webhook", "update", "ada", id, "--url", "http://10.0.0.1/hook"];
    let (code, refused) = run(home, &inside, "").await;
    assert!(code != 0 && refused.contains("WEBHOOK_ALLOW_PRIVATE"), "{code}: {refused}");
    ok(home, &["webhook", "rm", "ada", id]).await;
    assert_eq!(json_of(home, &["webhook", "list", "ada"]).await, json!([]));
}
