use http::StatusCode;
use serde_json::json;

use super::{
    accounts::username,
    params::{PAGE, optional},
};
use crate::{
    error::{Detail, ErrorCode},
    http::{
        answer::{self, Answered},
        body::RequestBody,
        call::Call,
        failure::Failure,
        routing::{Access, Answer, Content, QueryParam, RequestContent, Route, Verb, handler, route},
        wire::{AccountDeletion, ManagedUserChange, TokensAnswer, UserAnswer, UsersPage},
    },
    ports::RateClass,
    registry::{AccountSearch, Guesser, ManagedAccountChange, OwnAccountDeletion},
    types::{AccountRole, AccountRoles},
};

/// The most accounts of a page.
const MAX_USERS_PAGE: u64 = 200;

const LIMIT: QueryParam = optional(
    "limit",
    "How many accounts a page holds.",
    || json!({"type": "integer", "minimum": 1, "maximum": MAX_USERS_PAGE, "default": 50}),
);

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Users",
        summary: "List accounts",
        description: "For administrators and auditors, with the scope `admin`.",
        access: Access::Credential,
        query: &[
            optional("q", "Part of the username or of the e-mail address.", || json!({"type": "string"})),
            optional(
                "role",
                "Only with this role.",
                || json!({"type": "string", "enum": AccountRole::ALL.map(AccountRole::as_str)}),
            ),
            optional("disabled", "Only disabled accounts, or only others.", || json!({"type": "boolean"})),
            PAGE,
            LIMIT,
        ],
        answers: &[Answer { status: 200, description: "A page of accounts.", content: Content::json::<UsersPage>() }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden],
        ..route(Verb::Get, "/api/v1/users", "listUsers", handler!(list))
    },
    Route {
        tag: "Users",
        summary: "List the API tokens of an account",
        description: "With when and from which address each was last used, never with the secret. For administrators \
            and auditors.",
        access: Access::Credential,
        answers: &[Answer { status: 200, description: "The tokens.", content: Content::json::<TokensAnswer>() }],
        errors: &[ErrorCode::Forbidden, ErrorCode::UserNotFound],
        ..route(Verb::Get, "/api/v1/users/{username}/tokens", "listTokensOfUser", handler!(list_tokens))
    },
    Route {
        tag: "Users",
        summary: "Disable an account, or change its roles",
        description: "In force on every replica within a second. To disable ends the sessions of the account for \
            good, and its API tokens for as long as it lasts; its packages stay. For administrators, with the scope \
            `admin`.",
        access: Access::Credential,
        request: RequestContent::json::<ManagedUserChange>(),
        answers: &[Answer { status: 200, description: "The account.", content: Content::json::<UserAnswer>() }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden, ErrorCode::UserNotFound, ErrorCode::LastOwner],
        ..route(Verb::Patch, "/api/v1/users/{username}", "changeUser", handler!(change, body))
    },
    Route {
        tag: "Users",
        summary: "Delete the caller's account",
        description: "Erases name, address and credentials, and ends memberships and ownership. The name stays \
            reserved, packages go to their other owners or stay with their scope. Whoever is the last owner of \
            something, which the details of 409 list, makes somebody else an owner first.",
        access: Access::Credential,
        class: Some(RateClass::Auth),
        request: RequestContent::json::<AccountDeletion>(),
        answers: &[Answer { status: 204, description: "The account is gone.", content: Content::None }],
        errors: &[
            ErrorCode::InvalidRequest,
            ErrorCode::InvalidCredentials,
            ErrorCode::OtpRequired,
            ErrorCode::OtpInvalid,
            ErrorCode::Forbidden,
            ErrorCode::LastOwner,
        ],
        ..route(Verb::Delete, "/api/v1/users/me", "deleteAccount", handler!(delete_own, body))
    },
    Route {
        tag: "Users",
        summary: "Delete an account",
        description: "As its user would. For administrators, with the scope `admin`.",
        access: Access::Credential,
        answers: &[Answer { status: 204, description: "The account is gone.", content: Content::None }],
        errors: &[ErrorCode::Forbidden, ErrorCode::UserNotFound, ErrorCode::LastOwner],
        ..route(Verb::Delete, "/api/v1/users/{username}", "deleteUser", handler!(delete))
    },
];

async fn list(call: Call) -> Answered {
    let mut query = call.query().ignore_empty(&["q", "role", "disabled"]);
    let search = AccountSearch {
        text: query.text("q").map(str::to_owned),
        role: query.one_of("role", "the roles of accounts", AccountRole::parse),
        disabled: query.one_of("disabled", "`true` and `false`", |text| text.parse::<bool>().ok()),
        page: query.page(50, MAX_USERS_PAGE),
    };
    query.check()?;
    let page = call.registry.find_accounts(call.principal()?, &search).await?;
    answer::read(&call, &UsersPage::from(page))
}

async fn list_tokens(call: Call) -> Answered {
    let username = username(&call)?;
    let tokens = call.registry.tokens_of(call.principal()?, &username).await?;
    answer::read(&call, &TokensAnswer::new(tokens, call.registry.now()))
}

/// The refusal of a role that there is not.
fn unknown_role(field: &'static str, text: &str) -> Failure {
    let known = AccountRole::ALL.map(AccountRole::as_str).join(", ");
    let text: String = text.chars().take(64).collect();
    let error = format!("`{text}` is none of {known}");
    Failure::invalid(format!("`{field}`: {error}"), vec![Detail::new(field, error)])
}

async fn change(call: Call, body: RequestBody) -> Answered {
    let ManagedUserChange { disabled, roles } = call.json(body).await?;
    let username = username(&call)?;
    let roles = match roles {
        None => None,
        Some(roles) => {
            let parsed = roles.iter().map(|text| AccountRole::parse(text).ok_or_else(|| unknown_role("roles", text)));
            Some(parsed.collect::<Result<AccountRoles, _>>()?)
        }
    };
    let change = ManagedAccountChange { disabled, roles };
    let user = call.registry.manage_account(call.principal()?, &username, change).await?;
    answer::written(StatusCode::OK, &UserAnswer::from(user))
}

async fn delete_own(call: Call, body: RequestBody) -> Answered {
    let AccountDeletion { current_password, otp } = call.json(body).await?;
    let (by, guesser) = (call.principal()?, Guesser::counted(call.client));
    let deletion = OwnAccountDeletion { current_password, otp, client: call.client.map(|client| client.0) };
    call.registry.delete_own_account_as(guesser, by, deletion).await?;
    Ok(answer::no_content())
}

async fn delete(call: Call) -> Answered {
    let username = username(&call)?;
    call.registry.delete_account(call.principal()?, &username).await?;
    Ok(answer::no_content())
}
