//! Accounts and tokens that commands manage while a server runs.

use serde_json::{Value, json};

use crate::{
    process::{Server, Site, wait_until},
    web,
};

const PASSWORD: &str = "a very long sentence to log in with";
const OTHER: &str = "another very long sentence to log in with";

fn login(server: &Server, username: &str, password: &str) -> Option<String> {
    let login = json!({ "username": username, "password": password });
    let answer = web::post(server.port(), "/api/v1/users/login", "", &login);
    assert!(matches!(answer.status, 200 | 401 | 403), "{answer:?}");
    Some(answer.json()["access_token"].as_str()?.to_owned())
}

fn status(server: &Server, token: &str) -> u16 {
    let mut stream = web::connect(server.port()).expect("connected");
    let request = format!(
        "GET /api/v1/users/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("sent");
    web::read(&mut stream).expect("answered").status
}

/// Waits until the server has noticed what a command changed.
fn becomes(server: &Server, token: &str, wanted: u16) {
    wait_until(&format!("{wanted}"), || status(server, token) == wanted);
}

fn api_token(server: &Server, session: &str) -> Value {
    let made = web::post(
        server.port(),
        "/api/v1/users/tokens",
        &format!("Authorization: Bearer {session}\r\n"),
        &json!({"name": "ci", "scopes": ["read"]}),
    );
    assert_eq!(made.status, 201, "{made:?}");
    made.json()
}

#[test]
fn an_operator_adds_promotes_and_shuts_out_a_person() {
    let mut site = Site::new();
    site.set("REGISTRATION", "closed").set("RATE_LIMIT_OTHER", 0).set("RATE_LIMIT_AUTH", 0);
    let server = site.serve(&[]);
    let ok = |arguments: &[&str]| site.run(arguments).succeeded().stdout();
    let create = ["user", "create", "--username", "ada", "--email", "ada@example.com"];
    let made = site.run_with_input(&create, &format!("{PASSWORD}\n")).succeeded();
    assert_eq!(made.stdout(), "user ada created\n");
    let again = site.run_with_input(&create, &format!("{PASSWORD}\n")).failed().stderr();
    assert!(again.contains("taken") && !again.contains(PASSWORD), "{again}");
    let session = login(&server, "ada", PASSWORD).expect("the account works");
    let token = api_token(&server, &session);
    let token = token["token"].as_str().expect("a token");
    assert_eq!((status(&server, &session), status(&server, token)), (200, 200));

    assert!(ok(&["user", "disable", "ada"]).starts_with("ada is disabled"));
    assert_eq!(ok(&["user", "disable", "ada"]), "ada was disabled already\n");
    becomes(&server, &session, 401);
    becomes(&server, token, 401);
    assert_eq!(login(&server, "ada", PASSWORD), None);
    let list: Value = serde_json::from_str(&ok(&["user", "list", "--disabled", "--json"])).expect("JSON");
    assert_eq!((list[0]["username"].as_str(), list.as_array().map(Vec::len)), (Some("ada"), Some(1)));

    assert!(ok(&["user", "enable", "ada"]).starts_with("ada may log in again"));
    becomes(&server, token, 200);
    assert_eq!(status(&server, &session), 401, "sessions do not come back");
    assert!(ok(&["user", "grant-role", "ada", "admin"]).contains("has the role now"));
    assert!(ok(&["user", "grant-role", "ada", "admin"]).contains("had the role already"));
    let refused = site.run(&["user", "revoke-role", "ada", "admin"]).failed().stderr();
    assert!(refused.contains("the last administrator"), "{refused}");
    let refused = site.run(&["user", "disable", "ada"]).failed().stderr();
    assert!(refused.contains("the last administrator"), "{refused}");
    let refused = site.run(&["user", "grant-role", "ada", "superuser"]);
    assert_eq!(refused.code(), Some(2));
    let refused = refused.stderr();
    assert!(refused.contains("superuser") && refused.contains("moderator"), "{refused}");
    let shown: Value = serde_json::from_str(&ok(&["user", "show", "ada", "--json"])).expect("JSON");
    assert_eq!((&shown["is_admin"], &shown["disabled"]), (&json!(true), &json!(false)));
    assert_eq!(shown["tokens"].as_array().map(Vec::len), Some(1));
    let missing = site.run(&["user", "show", "nobody"]).failed().stderr();
    assert!(missing.contains("nobody"), "{missing}");
}

#[test]
fn an_operator_makes_a_link_with_which_a_user_sets_a_password() {
    let mut site = Site::new();
    site.set("RATE_LIMIT_OTHER", 0).set("RATE_LIMIT_AUTH", 0).set("BASE_URL", "https://registry.example.com");
    let server = site.serve(&[]);
    let create = ["user", "create", "--username", "ada", "--email", "ada@example.com"];
    site.run_with_input(&create, &format!("{PASSWORD}\n")).succeeded();
    let session = login(&server, "ada", PASSWORD).expect("logged in");
    let told = site.run(&["user", "reset-password", "ada", "--link"]).succeeded().stdout();
    assert!(told.contains("https://registry.example.com/reset-password#"), "{told}");
    let made = site.run(&["user", "reset-password", "ada", "--link", "--json"]).succeeded().stdout();
    let made: Value = serde_json::from_str(&made).expect("JSON");
    assert_eq!(status(&server, &session), 200, "nothing has changed yet");

    let reset = |password: &str| {
        let body = json!({"token": made["url"], "password": password});
        web::post(server.port(), "/api/v1/users/password-reset/confirm", "", &body).status
    };
    assert_eq!((reset("short"), reset(OTHER), reset(PASSWORD)), (400, 204, 400));
    becomes(&server, &session, 401);
    assert_eq!(login(&server, "ada", PASSWORD), None);
    assert!(login(&server, "ada", OTHER).is_some());
    let refused = site.run(&["user", "reset-password", "ada", "--link", "--password", OTHER]);
    assert_eq!(refused.code(), Some(2));
    site.run(&["user", "reset-password", "nobody", "--link"]).failed();
}

#[test]
fn an_operator_resets_a_password_and_revokes_tokens() {
    let mut site = Site::new();
    site.set("RATE_LIMIT_OTHER", 0).set("RATE_LIMIT_AUTH", 0);
    let server = site.serve(&[]);
    let create = ["user", "create", "--username", "ada", "--email", "ada@example.com"];
    site.run_with_input(&create, &format!("{PASSWORD}\n")).succeeded();
    let session = login(&server, "ada", PASSWORD).expect("logged in");
    let tokens = [(); 3].map(|()| api_token(&server, &session));
    let secret = |at: usize| tokens[at]["token"].as_str().expect("a token").to_owned();

    let reset = ["user", "reset-password", "ada"];
    let weak = site.run_with_input(&reset, "short\n").failed().stderr();
    assert!(weak.contains("12"), "{weak}");
    site.run_with_input(&reset, &format!("{OTHER}\n")).succeeded();
    becomes(&server, &session, 401);
    assert_eq!(login(&server, "ada", PASSWORD), None);
    assert!(login(&server, "ada", OTHER).is_some());
    assert_eq!(status(&server, &secret(0)), 200, "API tokens go on");

    let ok = |arguments: &[&str]| site.run(arguments).succeeded().stdout();
    let id = tokens[0]["id"].as_str().expect("an id");
    assert_eq!(ok(&["token", "revoke", "--id", id]), "1 API token revoked\n");
    assert_eq!(ok(&["token", "revoke", "--id", id]), "no live API token was left to revoke\n");
    becomes(&server, &secret(0), 401);
    assert_eq!(status(&server, &secret(1)), 200);
    assert_eq!(ok(&["token", "revoke", "--user", "ada", "--json"]), "{\n  \"revoked\": 2\n}\n");
    becomes(&server, &secret(1), 401);
    becomes(&server, &secret(2), 401);
    assert_eq!(ok(&["token", "revoke", "--all"]), "no live API token was left to revoke\n");
    for (arguments, code) in [
        (&["token", "revoke"][..], 2),
        (&["token", "revoke", "--all", "--user", "ada"], 2),
        (&["token", "revoke", "--id", "x"], 1),
        (&["token", "revoke", "--user", "nobody"], 1),
    ] {
        let refused = site.run(arguments);
        assert_eq!(refused.code(), Some(code), "{arguments:?}");
        assert!(!refused.stderr().is_empty());
    }
}
