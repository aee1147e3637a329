use http::StatusCode;

use crate::{
    error::{Error, ErrorCode},
    http::{
        answer::{self, Answered},
        body::RequestBody,
        call::Call,
        failure::Failure,
        routing::{Access, Answer, Content, RequestContent, Route, Verb, handler, route},
        wire::{
            AccountAnswer, AccountChangeRequest, EmailVerification, LoginRequest, ProfileAnswer, RegisterRequest,
            RegisteredAnswer, ResetConfirmation, ResetLinkAnswer, ResetRequest, ResetRequestedAnswer, SessionAnswer,
        },
    },
    ports::RateClass,
    registry::{self, Guesser, OwnAccountChange, Registration},
    types::{AskedIn, LoginClient, Username},
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Users",
        summary: "Register",
        description: "Makes an account and the scope of its name, which it owns: `@username/…`. Usernames and scopes \
            are one namespace. Where the registry sends mail, `awaits_verification` is true: the account is made once the \
            link is opened that is mailed to the address, and neither this answer nor a login before that tells whether \
            the address is known. For one that is, the mail says so. Where the registry takes new accounts by invitation \
            alone, `invitation` is the token of one.",
        access: Access::Open,
        class: Some(RateClass::Auth),
        request: RequestContent::json::<RegisterRequest>(),
        answers: &[Answer {
            status: 201,
            description: "The account was made, or will be once its address is verified.",
            content: Content::json::<RegisteredAnswer>(),
        }],
        errors: &[
            ErrorCode::InvalidRequest,
            ErrorCode::RegistrationClosed,
            ErrorCode::InvitationInvalid,
            ErrorCode::NameReserved,
            ErrorCode::NameTooSimilar,
            ErrorCode::UserExists,
        ],
        ..route(Verb::Post, "/api/v1/users/register", "register", handler!(register, body))
    },
    Route {
        tag: "Users",
        summary: "Log in",
        description: "Opens a session for 24 hours, unless the operator set otherwise. The answer to an unknown user \
            is that to a wrong password; whoever knows the password of a disabled account is told 403.\n\n\
            Failures are limited, right passwords are not: a minute so many for an address, and so many for an \
            account from all addresses together. The account is what was typed, the username and the e-mail address \
            each for itself. The first failures of each address for an account (3 a day, and an IPv6 customer's /48 is \
            one) are not refused by what others have failed for it: else whoever keeps failing for a name would lock \
            its owner out. So a right password from an address that has not failed is always let in, and from many \
            addresses an account is guessed at no faster than from one but for what each is forgiven.",
        access: Access::Open,
        class: Some(RateClass::Auth),
        request: RequestContent::json::<LoginRequest>(),
        answers: &[Answer { status: 200, description: "The session.", content: Content::json::<SessionAnswer>() }],
        errors: &[
            ErrorCode::InvalidRequest,
            ErrorCode::InvalidCredentials,
            ErrorCode::OtpRequired,
            ErrorCode::OtpInvalid,
            ErrorCode::Forbidden,
        ],
        works_read_only: true,
        ..route(Verb::Post, "/api/v1/users/login", "login", handler!(login, body))
    },
    Route {
        tag: "Users",
        summary: "Log out",
        description: "Ends the session whose access token is sent. An API token is revoked instead.",
        access: Access::Credential,
        answers: &[Answer { status: 204, description: "The session is over.", content: Content::None }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden],
        works_read_only: true,
        ..route(Verb::Post, "/api/v1/users/logout", "logout", handler!(logout))
    },
    Route {
        tag: "Users",
        summary: "Show the caller's account",
        access: Access::Credential,
        answers: &[Answer { status: 200, description: "The account.", content: Content::json::<AccountAnswer>() }],
        errors: &[ErrorCode::Forbidden],
        ..route(Verb::Get, "/api/v1/users/me", "getAccount", handler!(account))
    },
    Route {
        tag: "Users",
        summary: "Change the caller's e-mail address or password",
        description: "Needs the current password. Ends the caller's other sessions; API tokens go on: list them and \
            revoke those that are not known. Needs the scope `admin` and a token that is not restricted to packages.",
        access: Access::Credential,
        class: Some(RateClass::Auth),
        request: RequestContent::json::<AccountChangeRequest>(),
        answers: &[Answer {
            status: 200,
            description: "The account as it is now.",
            content: Content::json::<AccountAnswer>(),
        }],
        errors: &[
            ErrorCode::InvalidRequest,
            ErrorCode::InvalidCredentials,
            ErrorCode::Forbidden,
            ErrorCode::UserExists,
        ],
        ..route(Verb::Patch, "/api/v1/users/me", "changeAccount", handler!(change, body))
    },
    Route {
        tag: "Users",
        summary: "Verify an e-mail address with a one-time token",
        description: "The token of the mail that a registration and a change of address are followed by. That of a \
            registration makes the account.",
        access: Access::Open,
        class: Some(RateClass::Auth),
        request: RequestContent::json::<EmailVerification>(),
        answers: &[Answer { status: 204, description: "The address is verified.", content: Content::None }],
        errors: &[
            ErrorCode::InvalidRequest,
            ErrorCode::UserExists,
            ErrorCode::InvitationInvalid,
            ErrorCode::RegistrationClosed,
        ],
        ..route(Verb::Post, "/api/v1/users/verify-email", "verifyEmail", handler!(verify_email, body))
    },
    Route {
        tag: "Users",
        summary: "Ask for another mail to verify the caller's e-mail address",
        description: "Its link works once and for two days. Nothing is sent if the address is verified, or if there \
            are several unused links. 400 where the registry sends no mail. Needs the scope `admin` and a token that \
            is not restricted to packages.",
        access: Access::Credential,
        class: Some(RateClass::Auth),
        answers: &[Answer {
            status: 202,
            description: "A mail is on its way.",
            content: Content::json::<ResetRequestedAnswer>(),
        }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden],
        ..route(Verb::Post, "/api/v1/users/me/verify-email", "requestEmailVerification", handler!(request_verification))
    },
    Route {
        tag: "Users",
        summary: "Ask for a mail to reset a password",
        description: "The mail has a link with which another password can be set, once and within an hour. The answer \
            is the same, and takes as long, whether or not there is such an account; a disabled account and one that \
            has several unused links get no mail. 403 where the registry sends no mail: its administrator makes a \
            link then.",
        access: Access::Open,
        class: Some(RateClass::Auth),
        request: RequestContent::json::<ResetRequest>(),
        answers: &[Answer {
            status: 202,
            description: "A mail is on its way, if there is such an account.",
            content: Content::json::<ResetRequestedAnswer>(),
        }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden],
        ..route(Verb::Post, "/api/v1/users/password-reset", "requestPasswordReset", handler!(request_reset, body))
    },
    Route {
        tag: "Users",
        summary: "Set a password with a one-time token",
        description: "The token of a mail or of an administrator's link. Ends all sessions of the account; API tokens \
            go on: list them and revoke those that are not known.",
        access: Access::Open,
        class: Some(RateClass::Auth),
        request: RequestContent::json::<ResetConfirmation>(),
        answers: &[Answer { status: 204, description: "The password was set.", content: Content::None }],
        errors: &[ErrorCode::InvalidRequest],
        ..route(
            Verb::Post,
            "/api/v1/users/password-reset/confirm",
            "confirmPasswordReset",
            handler!(confirm_reset, body),
        )
    },
    Route {
        tag: "Users",
        summary: "Make a link with which a user resets the password",
        description: "For registries without mail: give the link to its user alone. It works once and for a day. For \
            administrators, with the scope `admin`.",
        access: Access::Credential,
        answers: &[Answer { status: 201, description: "The link.", content: Content::json::<ResetLinkAnswer>() }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden, ErrorCode::UserNotFound],
        ..route(Verb::Post, "/api/v1/users/{username}/password-reset", "makeResetLink", handler!(make_reset_link))
    },
    Route {
        tag: "Users",
        summary: "Show a user",
        description: "What everybody may know; never the e-mail address.",
        answers: &[Answer { status: 200, description: "The user.", content: Content::json::<ProfileAnswer>() }],
        errors: &[ErrorCode::UserNotFound],
        ..route(Verb::Get, "/api/v1/users/{username}", "getUser", handler!(profile))
    },
];

async fn register(call: Call, body: RequestBody) -> Answered {
    let RegisterRequest { username, email, password, invitation } = call.json_of(AskedIn::Account, body).await?;
    // Report missing fields together with all other faults.
    let [username, email, password] = [username, email, password].map(Option::unwrap_or_default);
    let user = call.registry.register_with(Registration { username, email, password }, invitation.as_deref()).await?;
    answer::written(StatusCode::CREATED, &RegisteredAnswer::new(user, call.registry.verifies_registrations()))
}

async fn login(call: Call, body: RequestBody) -> Answered {
    let request: LoginRequest = call.json(body).await?;
    let login = request.username.or(request.email);
    let login = login.ok_or_else(|| Error::invalid_request("Give `username` or `email`, and `password`"))?;
    let client = LoginClient::new(call.client.map(|client| client.0), call.user_agent());
    let login = registry::LoginRequest { login, password: request.password, otp: request.otp, client };
    let session = call.registry.login_as(Guesser::counted(call.client), login).await?;
    answer::written(StatusCode::OK, &SessionAnswer::from(session))
}

async fn logout(call: Call) -> Answered {
    call.registry.logout(call.principal()?).await?;
    Ok(answer::no_content())
}

async fn account(call: Call) -> Answered {
    let account = call.registry.account(call.principal()?).await?;
    answer::read(&call, &AccountAnswer::from(account))
}

async fn change(call: Call, body: RequestBody) -> Answered {
    let AccountChangeRequest { email, password, current_password } = call.json_of(AskedIn::Account, body).await?;
    let (by, guesser) = (call.principal()?, Guesser::counted(call.client));
    let client = call.client.map(|client| client.0);
    let change = OwnAccountChange { current_password, email, client, password };
    match call.registry.change_own_account_as(guesser, by, change).await {
        Ok(account) => answer::written(StatusCode::OK, &AccountAnswer::from(account)),
        Err(Error::InvalidCredentials) => {
            let message = "`current_password` is not the password of this account";
            Err(Failure::new(ErrorCode::InvalidCredentials, message))
        }
        Err(error) => Err(error.into()),
    }
}

async fn verify_email(call: Call, body: RequestBody) -> Answered {
    let EmailVerification { token } = call.json(body).await?;
    call.registry.verify_email(&token).await?;
    Ok(answer::no_content())
}

async fn request_verification(call: Call) -> Answered {
    call.registry.request_email_verification(call.principal()?).await?;
    let message = "If the address is not verified yet, a mail with a link to verify it is on its way";
    answer::written(StatusCode::ACCEPTED, &ResetRequestedAnswer { message })
}

async fn request_reset(call: Call, body: RequestBody) -> Answered {
    let ResetRequest { email, username } = call.json(body).await?;
    let login = email.or(username).filter(|login| !login.trim().is_empty());
    let login = login.ok_or_else(|| Error::invalid_request("Give the `email` or the `username` of the account"))?;
    call.registry.request_password_reset(&login, call.client.map(|client| client.0)).await?;
    let message = "If there is such an account, a mail with a link to set another password is on its way";
    answer::written(StatusCode::ACCEPTED, &ResetRequestedAnswer { message })
}

async fn confirm_reset(call: Call, body: RequestBody) -> Answered {
    let ResetConfirmation { token, password } = call.json(body).await?;
    call.registry.reset_password_with(&token, password).await?;
    Ok(answer::no_content())
}

async fn make_reset_link(call: Call) -> Answered {
    let username = username(&call)?;
    let link = call.registry.make_reset_link(call.principal()?, &username).await?;
    answer::written(StatusCode::CREATED, &ResetLinkAnswer::new(&link, &call.edge.server))
}

async fn profile(call: Call) -> Answered {
    let profile = call.view()?.profile(&username(&call)?).await?;
    answer::read(&call, &ProfileAnswer::from(profile))
}

/// The username of the path. A malformed one counts as one that does not exist.
pub(super) fn username(call: &Call) -> Result<Username, Failure> {
    call.parsed("username").ok_or_else(|| {
        let text: String = call.param("username").unwrap_or_default().chars().take(64).collect();
        Failure::new(ErrorCode::UserNotFound, format!("User {text} does not exist"))
    })
}
