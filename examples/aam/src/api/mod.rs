//! The registry's HTTP API v1, as a client sees it.

mod accounts;
mod answer;
mod answered;
mod audit;
mod client;
mod download;
mod evals;
mod limits;
mod moderation;
mod pace;
mod packages;
mod patience;
mod publish;
mod reports;
mod retry;
mod trusted_publishers;
mod unreachable;
mod webhooks;
mod wire;

pub(crate) use accounts::NewToken;
pub(crate) use client::Client;
pub(crate) use download::Expected;
pub(crate) use limits::Limits;
pub(crate) use moderation::Recall;
pub(crate) use packages::{SearchRequest, spelled};
pub(crate) use patience::Patience;
pub(crate) use publish::{Outcome, Upload};
pub(crate) use wire::{Invitation, PackageInfo, Resolved, ScopeInfo, TokenInfo, VersionInfo};
