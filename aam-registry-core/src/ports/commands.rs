use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;

use crate::{
    decide::{Command, Request},
    error::Result,
    types::Asked,
};

/// Makes every change that is decided by a [`Command`], except a publish.
///
/// One method for all of them: a wrapper forwards once, and a store has one place where the facts of each
/// command are loaded and one where changes are applied. Callers use
/// [`execute`](CommandHandlerExt::execute), which gives the command's own answer.
#[async_trait]
pub trait CommandHandler: Debug + Send + Sync + 'static {
    /// Loads the facts of a command under locks that keep them true until the commit, lets it decide, and
    /// applies the changes, in one transaction.
    ///
    /// # Errors
    /// The refusals of the command, or a backend error of kind database.
    async fn handle(&self, request: Request) -> Result<()>;
}

/// The way in for callers of a [`CommandHandler`].
pub trait CommandHandlerExt: CommandHandler {
    /// Executes a command; gives its answer once the changes are committed.
    ///
    /// # Errors
    /// Those of [`CommandHandler::handle`].
    fn execute<C: Command>(&self, command: &C) -> impl Future<Output = Result<C::Answer>> + Send
    where
        Request: From<C::Request>,
    {
        let asked = Arc::new(Asked::new(command.clone()));
        let request = Request::from(C::request(Arc::clone(&asked)));
        async move {
            self.handle(request).await?;
            asked.take()
        }
    }
}

impl<S: CommandHandler + ?Sized> CommandHandlerExt for S {}
