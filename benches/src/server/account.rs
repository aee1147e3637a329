use bytes::Bytes;
use reqwest::{Client, Response, multipart};
use serde::Deserialize;
use serde_json::json;

use crate::error::{Failure, Result};

const PASSWORD: &str = "a long enough passphrase of mine";

/// A user of the registry who is logged in.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    client: Client,
    base: String,
    token: String,
}

#[derive(Deserialize)]
struct Login {
    access_token: String,
}

impl Account {
    pub(super) async fn register(client: Client, base: String, username: &str) -> Result<Self> {
        let email = format!("{username}@example.com");
        let user = json!({"username": username, "email": email, "password": PASSWORD});
        let request = client.post(format!("{base}/api/v1/users/register")).json(&user);
        answered("the registration", request.send().await?).await?;
        let request = client.post(format!("{base}/api/v1/users/login")).json(&user);
        let login: Login = answered("the login", request.send().await?).await?.json().await?;
        Ok(Self { client, base, token: login.access_token })
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Publishes an archive.
    pub(crate) async fn publish(&self, archive: Bytes) -> Result<()> {
        let part = multipart::Part::stream(archive).file_name("package.aam");
        let form = multipart::Form::new().part("archive", part);
        let request = self.client.post(format!("{}/api/v1/packages", self.base)).bearer_auth(&self.token);
        answered("a publish", request.multipart(form).send().await?).await.map(drop)
    }
}

async fn answered(what: &'static str, response: Response) -> Result<Response> {
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status().as_u16();
    Err(Failure::Refused { what, status, body: response.text().await? })
}
