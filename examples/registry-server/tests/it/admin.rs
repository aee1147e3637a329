//! Administrators.

use serde_json::{Value, json};

use crate::{
    process::{Server, Site},
    web,
};

const PASSWORD: &str = "a very long sentence to log in with";

#[track_caller]
fn me(server: &Server, username: &str) -> Value {
    let login = json!({ "username": username, "password": PASSWORD });
    let login = web::post(server.port(), "/api/v1/users/login", "", &login);
    assert_eq!(login.status, 200, "{login:?}");
    let token = login.json()["access_token"].as_str().expect("a token").to_owned();
    let mut stream = web::connect(server.port()).expect("connected");
    std::io::Write::write_all(
        &mut stream,
        format!(
            "GET /api/v1/users/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
        .as_bytes(),
    )
    .expect("sent");
    web::read(&mut stream).expect("answered").json()
}

#[test]
fn an_administrator_is_created_while_the_server_runs() {
    let site = Site::new();
    let server = site.serve(&[]);
    let args = ["create-admin", "--username", "root", "--email", "root@example.com"];
    let ran = site.run_with_input(&args, &format!("{PASSWORD}\n")).succeeded();
    assert_eq!(ran.stdout(), "administrator root created\n");
    let me = me(&server, "root");
    assert_eq!((&me["username"], &me["is_admin"]), (&json!("root"), &json!(true)));

    let stderr = site.run_with_input(&args, PASSWORD).failed().stderr();
    assert!(stderr.starts_with("error: ") && !stderr.contains(PASSWORD), "{stderr}");
    let stderr = site.run_with_input(&["create-admin", "--username", "two", "--email", "two@example.com"], "short\n");
    assert!(stderr.failed().stderr().contains("12"));
}

#[test]
fn the_first_administrator_comes_from_the_environment_and_stays_as_it_is() {
    let mut site = Site::new();
    site.set("ADMIN_USERNAME", "root").set("ADMIN_EMAIL", "root@example.com").set("ADMIN_PASSWORD", PASSWORD);
    let server = site.serve(&[]);
    assert_eq!(me(&server, "root")["is_admin"], true);
    assert!(!server.log().iter().any(|line| line.contains("no_admin_yet")));
    drop(server);

    site.set("ADMIN_USERNAME", "other");
    let server = site.serve(&[]);
    assert_eq!(me(&server, "root")["is_admin"], true);
    assert_eq!(web::get(server.port(), "/api/v1/users/other").expect("answered").status, 404);
}
