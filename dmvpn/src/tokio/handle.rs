//! Asking and commanding a running driver.

use core::fmt;
use std::time::Instant;

use ::tokio::sync::{mpsc, oneshot};

use crate::config::Config;
use crate::{Command, Engine, ReconfigureError, Reconfigured, ShowCommand, View};

type Work = Box<dyn FnOnce(&mut Engine, Instant) + Send>;

/// What a handle asks of its driver.
pub(super) enum Request {
    With(Work),
    Shutdown,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::With(_) => "With",
            Self::Shutdown => "Shutdown",
        })
    }
}

/// The driver does not run any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the router has stopped")]
pub struct Stopped;

/// A handle on a running driver; clones are handles on the same.
#[derive(Debug, Clone)]
pub struct Handle {
    requests: mpsc::Sender<Request>,
}

impl Handle {
    pub(super) fn new(requests: mpsc::Sender<Request>) -> Self {
        Self { requests }
    }

    /// Answers a `show` command.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn show(&self, command: ShowCommand) -> Result<View, Stopped> {
        self.with(move |engine, now| engine.show(now, &command)).await
    }

    /// Carries out a command. For [`Command::Shutdown`] see [`Handle::shutdown`].
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn command(&self, command: Command) -> Result<(), Stopped> {
        self.with(move |engine, now| engine.handle_command(now, command)).await
    }

    /// Gives the engine another configuration: [`Engine::reconfigure`].
    ///
    /// # Errors
    /// [`Stopped`]; inside, what the engine says.
    pub async fn reconfigure(
        &self,
        config: Config,
    ) -> Result<Result<Reconfigured, ReconfigureError>, Stopped> {
        self.with(move |engine, now| engine.reconfigure(now, config)).await
    }

    /// Does anything with the engine, between two packets. It must not take long.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Engine, Instant) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |engine, now| {
            // Who asked may have gone meanwhile.
            let _ = answer.send(work(engine, now));
        });
        self.requests.send(Request::With(work)).await.map_err(|_| Stopped)?;
        answered.await.map_err(|_| Stopped)
    }

    /// Has the router leave the cloud in an orderly way; the driver then ends.
    ///
    /// # Errors
    /// [`Stopped`] if it has ended already.
    pub async fn shutdown(&self) -> Result<(), Stopped> {
        self.requests.send(Request::Shutdown).await.map_err(|_| Stopped)
    }
}
