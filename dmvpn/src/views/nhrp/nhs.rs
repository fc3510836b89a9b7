//! `show ip nhrp nhs [detail]`.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use crate::views::text::{Address, short_name};
use crate::views::time::Age;

/// The next hop servers of a client's tunnels: `show ip nhrp nhs`, with `detail` set `show ip nhrp nhs detail`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NhrpNhs {
    /// The tunnels that have servers.
    pub interfaces: Vec<NhsInterface>,
    /// `detail`: registration requests that wait for their answer.
    pub pending: Vec<PendingRegistration>,
    /// Whether the text has the lines of `detail`.
    pub detail: bool,
}

/// The servers of one tunnel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NhsInterface {
    /// The tunnel.
    pub interface: String,
    /// Its servers.
    pub servers: Vec<NhsEntry>,
}

/// A next hop server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NhsEntry {
    /// The server's overlay address.
    pub address: IpAddr,
    /// Whether it answers.
    pub state: NhsState,
    /// Whether the server was found, not configured.
    pub dynamic: bool,
    /// The server's underlay address, where it is known.
    pub nbma: Option<IpAddr>,
    /// The name that the server is configured by, if it is.
    pub name: Option<String>,
    /// The priority within the cluster; 0 is the best.
    pub priority: u8,
    /// The cluster.
    pub cluster: u8,
    /// `detail`: registration requests sent.
    pub requests_sent: u64,
    /// `detail`: registration requests that could not be sent or were refused.
    pub requests_failed: u64,
    /// `detail`: registration replies received.
    pub replies_received: u64,
    /// `detail`: how long ago the last reply came.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub last_reply: Option<Duration>,
    /// `detail`: the request id of the latest request.
    pub request_id: Option<u32>,
    /// `detail`: the request id of the latest request that was answered.
    pub acknowledged_id: Option<u32>,
    /// `detail`: whether IPsec was asked for a session with the server.
    pub protection_requested: bool,
    /// `detail`: why the server refuses the registration, in words; IOS does not print it.
    pub refused: Option<String>,
}

/// A registration request that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PendingRegistration {
    /// Its request id.
    pub request_id: u32,
    /// The interval until it is sent again.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub retry: Duration,
    /// The server's overlay address.
    pub nhs: IpAddr,
    /// What is left of the interval; `None` when it is over.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub due: Option<Duration>,
    /// The tunnel.
    pub interface: String,
}

words! {
    /// Whether a next hop server answers, in the letters of IOS.
    NhsState {
        /// A request was sent, no answer came yet.
        Expecting = "E",
        /// It answers.
        Responding = "RE",
        /// It is not asked: a better server of its cluster is in use, or the fallback delay runs.
        Waiting = "W",
    }
}

impl NhsEntry {
    /// A configured server that was not heard of yet.
    #[must_use]
    pub fn new(address: IpAddr) -> Self {
        Self {
            address,
            state: NhsState::Expecting,
            dynamic: false,
            nbma: None,
            name: None,
            priority: 0,
            cluster: 0,
            requests_sent: 0,
            requests_failed: 0,
            replies_received: 0,
            last_reply: None,
            request_id: None,
            acknowledged_id: None,
            protection_requested: false,
            refused: None,
        }
    }

    /// The line that `show ip nhrp nhs` and `show dmvpn detail` share, without its end.
    pub(in crate::views) fn write_line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut state = self.state.to_string();
        if self.dynamic {
            state.push('D');
        }
        write!(f, "{}  {state:>2} ", Address(self.address))?;
        if let Some(nbma) = self.nbma {
            write!(f, "NBMA Address: {} ", Address(nbma))?;
        }
        if let Some(name) = &self.name {
            write!(f, "({name}) ")?;
        }
        write!(f, "priority = {} cluster = {}", self.priority, self.cluster)
    }

    fn write_detail(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sent, failed) = (self.requests_sent, self.requests_failed);
        write!(f, "  req-sent {sent}  req-failed {failed}  repl-recv {}", self.replies_received)?;
        if let Some(ago) = self.last_reply {
            write!(f, " ({} ago)", Age(ago))?;
        }
        writeln!(f)?;
        if let Some(id) = self.request_id {
            write!(f, " Current Request ID: {id}")?;
            if let Some(acknowledged) = self.acknowledged_id {
                write!(f, " (Ack: {acknowledged})")?;
            }
            writeln!(f)?;
        }
        let requested = if self.protection_requested { "TRUE" } else { "FALSE" };
        writeln!(f, " Protection Socket Requested: {requested}")?;
        if let Some(refused) = &self.refused {
            writeln!(f, " Registration refused: {refused}")?;
        }
        Ok(())
    }
}

impl fmt::Display for NhrpNhs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Legend: E=Expecting replies, R=Responding, W=Waiting, D=Dynamic")?;
        for (index, interface) in self.interfaces.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            writeln!(f, "{}:", interface.interface)?;
            for server in &interface.servers {
                server.write_line(f)?;
                if self.detail {
                    server.write_detail(f)?;
                } else {
                    writeln!(f)?;
                }
            }
        }
        if self.detail && !self.pending.is_empty() {
            writeln!(f, "\n\nPending Registration Requests:")?;
            for PendingRegistration { request_id, retry, nhs, due, interface } in &self.pending {
                let (retry, name) = (retry.as_secs(), short_name(interface));
                write!(f, "Registration Request: Reqid {request_id}, Ret {retry}  NHS {} ", Address(*nhs))?;
                match due {
                    Some(due) => writeln!(f, "expires in {} ({name})", Age(*due))?,
                    None => writeln!(f, "expired ({name})")?,
                }
            }
        }
        Ok(())
    }
}
