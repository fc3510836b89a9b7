//! `show ip nhrp traffic`.

use core::fmt;
use core::time::Duration;

/// The NHRP packets of each tunnel: `show ip nhrp traffic`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NhrpTraffic {
    /// The tunnels.
    pub interfaces: Vec<NhrpInterfaceTraffic>,
}

/// The NHRP packets of one tunnel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NhrpInterfaceTraffic {
    /// The tunnel.
    pub interface: String,
    /// How many packets may be sent in an interval (`ip nhrp max-send`).
    pub max_send: u32,
    /// The interval.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub max_send_interval: Duration,
    /// How much of it is used up, in percent.
    pub usage: u8,
    /// Packets that this router originated.
    pub sent: NhrpCounts,
    /// Packets that this router received.
    pub received: NhrpCounts,
    /// Packets that this router forwarded on their way.
    pub forwarded: NhrpCounts,
    /// Packets that were dropped, by reason, which IOS does not print. Reasons without a drop are not printed.
    pub dropped: Vec<(String, u64)>,
}

/// Packets by type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NhrpCounts {
    /// Resolution requests.
    pub resolution_request: u64,
    /// Resolution replies.
    pub resolution_reply: u64,
    /// Registration requests.
    pub registration_request: u64,
    /// Registration replies.
    pub registration_reply: u64,
    /// Purge requests.
    pub purge_request: u64,
    /// Purge replies.
    pub purge_reply: u64,
    /// Error indications.
    pub error_indication: u64,
    /// Traffic indications (redirects).
    pub traffic_indication: u64,
    /// Redirects that were not sent, because the same one was sent a moment ago.
    pub redirect_suppress: u64,
}

impl NhrpCounts {
    /// All packets. A suppressed redirect is none.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.resolution_request
            .saturating_add(self.resolution_reply)
            .saturating_add(self.registration_request)
            .saturating_add(self.registration_reply)
            .saturating_add(self.purge_request)
            .saturating_add(self.purge_reply)
            .saturating_add(self.error_indication)
            .saturating_add(self.traffic_indication)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, direction: &str) -> fmt::Result {
        writeln!(f, "   {direction}: Total {}", self.total())?;
        writeln!(
            f,
            "         {} Resolution Request  {} Resolution Reply  {} Registration Request",
            self.resolution_request, self.resolution_reply, self.registration_request
        )?;
        writeln!(
            f,
            "         {} Registration Reply  {} Purge Request  {} Purge Reply",
            self.registration_reply, self.purge_request, self.purge_reply
        )?;
        writeln!(
            f,
            "         {} Error Indication  {} Traffic Indication  {} Redirect Suppress",
            self.error_indication, self.traffic_indication, self.redirect_suppress
        )
    }
}

impl fmt::Display for NhrpTraffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for traffic in &self.interfaces {
            writeln!(
                f,
                "{}: Max-send limit:{}Pkts/{}Sec, Usage:{}%",
                traffic.interface,
                traffic.max_send,
                traffic.max_send_interval.as_secs(),
                traffic.usage
            )?;
            traffic.sent.write(f, "Sent")?;
            traffic.received.write(f, "Rcvd")?;
            if traffic.forwarded.total() > 0 {
                traffic.forwarded.write(f, "Fwd")?;
            }
            let total = traffic.dropped.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
            if total > 0 {
                writeln!(f, "   Dropped: Total {total}")?;
                for (reason, count) in traffic.dropped.iter().filter(|(_, count)| *count > 0) {
                    writeln!(f, "         {count} {reason}")?;
                }
            }
        }
        Ok(())
    }
}
