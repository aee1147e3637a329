//! The limits on guessing passwords apply to every caller of a use case that checks a password, not
//! only to HTTP requests.

use std::net::IpAddr;

use aam_registry_core::{
    Error, ErrorCode,
    memory::MemoryLimiter,
    ports::{Clock, RateClass},
    registry::{LoginRequest, OwnAccountChange},
    types::{LoginClient, Principal},
};
use jiff::SignedDuration;

use super::world::{PASSWORD, World};

/// A world whose limits allow two failures and forgive one, with the user `ada`.
async fn guarded() -> World {
    let limiter = MemoryLimiter::unlimited().with_limit(RateClass::Auth, 2).with_limit(RateClass::ForgivenLogin, 1);
    let world = World::with(|builder, _, _| builder.rate_limiter(limiter));
    world.user("ada").await;
    world
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

async fn log_in(world: &World, from: &str, login: &str, password: &str) -> Result<(), Error> {
    world.registry.login_from(address(from), login, password.into()).await.map(drop)
}

async fn failure(world: &World, from: &str, login: &str, password: &str) -> ErrorCode {
    log_in(world, from, login, password).await.expect_err("refused").code()
}

#[tokio::test]
async fn wrong_passwords_of_an_address_for_an_account_are_limited() {
    let world = guarded().await;
    for _ in 0..2 {
        assert_eq!(failure(&world, "192.0.2.1", "ada", "wrong").await, ErrorCode::InvalidCredentials);
    }
    let refused = log_in(&world, "192.0.2.1", "ada", PASSWORD).await.expect_err("refused");
    let Error::RateLimited(decision) = refused else { panic!("another error: {refused}") };
    assert_eq!((decision.limit, decision.remaining), (2, 0));
    assert!(decision.retry_after.is_some());
    log_in(&world, "198.51.100.1", "ada", PASSWORD).await.expect("the owner is not locked out");
}

#[tokio::test]
async fn wrong_passwords_of_an_address_for_all_accounts_are_limited() {
    let world = guarded().await;
    for name in ["x1", "x2"] {
        assert_eq!(failure(&world, "192.0.2.1", name, "wrong").await, ErrorCode::InvalidCredentials);
    }
    assert_eq!(failure(&world, "192.0.2.1", "x3", "wrong").await, ErrorCode::RateLimited);
}

#[tokio::test]
async fn wrong_passwords_for_an_account_from_many_addresses_are_limited() {
    let world = guarded().await;
    let mut guesses = 0;
    for _ in 0..5 {
        for host in 1..=8 {
            let code = failure(&world, &format!("192.0.2.{host}"), "ada", "wrong").await;
            guesses += usize::from(code == ErrorCode::InvalidCredentials);
        }
    }
    // The first two addresses use up the two of the account, and the other six what each is forgiven.
    assert_eq!(guesses, 8);
}

#[tokio::test]
async fn an_address_that_logged_in_before_is_not_locked_out() {
    let world = guarded().await;
    log_in(&world, "192.0.2.1", "ada", PASSWORD).await.expect("logged in");
    assert_eq!(failure(&world, "192.0.2.1", "ada", "wrong").await, ErrorCode::InvalidCredentials);
    for host in 2..=8 {
        failure(&world, &format!("192.0.2.{host}"), "ada", "wrong").await;
    }
    assert_eq!(failure(&world, "192.0.2.2", "ada", PASSWORD).await, ErrorCode::RateLimited, "a stranger");
    log_in(&world, "192.0.2.1", "ada", PASSWORD).await.expect("the owner, who has failed once");
    assert_eq!(failure(&world, "192.0.2.1", "ada", "wrong").await, ErrorCode::InvalidCredentials);
    assert_eq!(failure(&world, "192.0.2.1", "ada", "wrong").await, ErrorCode::RateLimited, "the limit of the address");
}

#[tokio::test]
async fn a_right_password_with_a_code_is_not_locked_out() {
    let world = guarded().await;
    let ada = Principal::of_host(
        &world.registry.find_user(&"ada".parse().expect("a name")).await.expect("read").expect("ada"),
    );
    let secret = world.registry.enroll_second_factor(&ada, "tests").await.expect("enrolled").secret;
    let code = |seconds| secret.code_at(world.clock.now() + SignedDuration::from_secs(seconds)).expect("a code");
    world.registry.confirm_second_factor(&ada, &code(-30)).await.expect("confirmed");
    let log_in = async |login: &str, password: &str, otp: &str| {
        let client = LoginClient::new(Some(address("192.0.2.77")), None);
        let (login, password, otp) = (login.to_owned(), password.to_owned(), Some(otp.to_owned()));
        world.registry.log_in(LoginRequest { login, password, otp, client }).await.map(drop)
    };
    for host in 1..=8 {
        failure(&world, &format!("192.0.2.{host}"), "ada", "wrong").await;
    }
    let refused =
        async |login: &str, password: &str, otp: &str| log_in(login, password, otp).await.expect_err("refused").code();
    assert_eq!(refused("ada", "wrong", "000000").await, ErrorCode::InvalidCredentials, "what is forgiven");
    assert_eq!(refused("ada", PASSWORD, "000000").await, ErrorCode::RateLimited, "it tells nothing of the password");
    assert_eq!(failure(&world, "192.0.2.78", "ada", "wrong").await, ErrorCode::InvalidCredentials, "what is forgiven");
    let client = LoginClient::new(Some(address("192.0.2.78")), None);
    let request = LoginRequest { login: "ada".to_owned(), password: PASSWORD.to_owned(), otp: Some(code(0)), client };
    world.registry.log_in(request).await.expect("the owner");
}

#[tokio::test]
async fn right_passwords_do_not_count() {
    let world = guarded().await;
    for _ in 0..10 {
        log_in(&world, "192.0.2.1", "ada", PASSWORD).await.expect("logged in");
        world.registry.login("ada", PASSWORD.into()).await.expect("logged in");
    }
    assert_eq!(failure(&world, "192.0.2.1", "ada", "wrong").await, ErrorCode::InvalidCredentials);
    log_in(&world, "192.0.2.1", "ada", PASSWORD).await.expect("logged in after one failure");
}

#[tokio::test]
async fn wrong_passwords_without_an_address_are_limited_for_the_account() {
    let world = guarded().await;
    for code in [ErrorCode::InvalidCredentials, ErrorCode::InvalidCredentials, ErrorCode::RateLimited] {
        assert_eq!(world.registry.login("ada", "wrong".into()).await.expect_err("refused").code(), code);
    }
}

#[tokio::test]
async fn wrong_current_passwords_of_an_account_change_are_limited() {
    for client in [None, Some(address("192.0.2.1"))] {
        let world = guarded().await;
        let ada = world.registry.login("ada", PASSWORD.into()).await.expect("logged in");
        let ada = world.registry.authenticate(&ada.access_token).await.expect("authenticated");
        let change = |current: &str| OwnAccountChange {
            current_password: current.to_owned(),
            email: Some("ada@elsewhere.example".to_owned()),
            client,
            password: None,
        };
        for code in [ErrorCode::InvalidCredentials, ErrorCode::InvalidCredentials, ErrorCode::RateLimited] {
            let refused = world.registry.change_own_account(&ada, change("wrong")).await.expect_err("refused");
            assert_eq!(refused.code(), code, "{client:?}");
        }
        let refused = world.registry.change_own_account(&ada, change(PASSWORD)).await.expect_err("refused");
        assert_eq!(refused.code(), ErrorCode::RateLimited, "{client:?}");
    }
}
