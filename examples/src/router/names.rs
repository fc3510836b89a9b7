//! Looking up names in a thread of its own: the system's resolver may take long.

use std::collections::BTreeSet;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use mio::{Registry, Token, Waker};

use super::Error;

/// Names that are being looked up.
pub(super) struct Names {
    questions: Sender<String>,
    answers: Receiver<(String, Vec<IpAddr>)>,
    /// Asked and not yet answered: a question that is repeated meanwhile is not asked twice.
    pending: BTreeSet<String>,
}

impl Names {
    /// Starts the thread. It wakes the loop by this token when it has an answer, and ends with the value.
    pub(super) fn new(registry: &Registry, token: Token) -> Result<Self, Error> {
        let waker = Arc::new(Waker::new(registry, token)?);
        let (questions, questions_of_thread) = channel::<String>();
        let (answers_of_thread, answers) = channel();
        thread::Builder::new().name("names".to_owned()).spawn(move || {
            while let Ok(name) = questions_of_thread.recv() {
                // No address and no answer are the same to the router: it asks again.
                let found = (name.as_str(), 0).to_socket_addrs();
                let addresses =
                    found.map(|found| found.map(|address| address.ip()).collect()).unwrap_or_default();
                if answers_of_thread.send((name, addresses)).is_err() || waker.wake().is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { questions, answers, pending: BTreeSet::new() })
    }

    /// Has a name looked up.
    pub(super) fn ask(&mut self, name: String) {
        if self.pending.insert(name.clone()) {
            // The thread lives as long as this value.
            let _ = self.questions.send(name);
        }
    }

    /// The next answer.
    pub(super) fn poll(&mut self) -> Option<(String, Vec<IpAddr>)> {
        let answer = self.answers.try_recv().ok()?;
        self.pending.remove(&answer.0);
        Some(answer)
    }
}
