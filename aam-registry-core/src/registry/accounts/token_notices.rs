//! Mails about API tokens that end soon or are not used any more.

use crate::{
    decide::TellOfToken,
    error::Result,
    ports::{CommandHandlerExt, QueryHandlerExt, TokensToTellOf},
    registry::Registry,
    types::{AuditEvent, NewAuditEntry, TokenNotice},
};

impl Registry {
    /// Tells users of API tokens that end within a week, and of those that were not used for 90 days, each once.
    pub(crate) async fn tell_of_tokens(&self) -> Result<()> {
        loop {
            let due = self.inner().queries.ask(TokensToTellOf(self.now())).await?;
            let mut told = 0;
            for (holder, notice) in due {
                let event = match notice {
                    TokenNotice::Ending => AuditEvent::TokenEnding,
                    TokenNotice::Stale => AuditEvent::TokenStale,
                };
                let token = holder.token;
                let audit = NewAuditEntry::new(event, self.now())
                    .with("user", holder.user.username.as_str())
                    .with("token", token.id.to_string())
                    .with("name", token.name.as_str())
                    .with("expires_at", token.expires_at.map(|at| at.to_string()));
                let tell = TellOfToken { token: token.id, notice, audit };
                told += usize::from(self.inner().commands.execute(&tell).await?);
            }
            if told == 0 {
                return Ok(());
            }
        }
    }
}
