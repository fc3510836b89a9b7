//! Counters: `show ip nhrp traffic`, and why packets were dropped.

use crate::error::DecodeError;
use crate::wire::PacketType;

/// Counters of one node. They only grow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    sent: [u64; 9],
    received: [u64; 9],
    forwarded: [u64; 9],
    drops: [u64; DropReason::ALL.len()],
    /// Registrations that only extended a binding.
    pub refreshed: u64,
    /// Requests sent again because nobody answered.
    pub retransmitted: u64,
    /// Error indications by [`ErrorCode`](crate::wire::ErrorCode) that this node did not send because of its rate limit.
    pub errors_suppressed: u64,
    /// Traffic indications that this node did not send because one for the flow went out recently.
    pub redirects_suppressed: u64,
}

impl Stats {
    /// Packets of this type sent; unknown types count together as type 0.
    #[must_use]
    pub fn sent(&self, packet_type: PacketType) -> u64 {
        self.sent.get(slot(packet_type)).copied().unwrap_or_default()
    }

    /// Packets of this type received with a good checksum; unknown types count together as type 0.
    #[must_use]
    pub fn received(&self, packet_type: PacketType) -> u64 {
        self.received.get(slot(packet_type)).copied().unwrap_or_default()
    }

    /// Packets of this type that were forwarded for others; unknown types count together as type 0.
    #[must_use]
    pub fn forwarded(&self, packet_type: PacketType) -> u64 {
        self.forwarded.get(slot(packet_type)).copied().unwrap_or_default()
    }

    /// Packets dropped for this reason.
    #[must_use]
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.drops.get(reason as usize).copied().unwrap_or_default()
    }

    /// All reasons with their counters, zeros too.
    pub fn drops(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.iter().map(|&reason| (reason, self.dropped(reason)))
    }

    pub(crate) fn count_sent(&mut self, packet_type: PacketType) {
        if let Some(counter) = self.sent.get_mut(slot(packet_type)) {
            *counter += 1;
        }
    }

    pub(crate) fn count_forwarded(&mut self, packet_type: PacketType) {
        if let Some(counter) = self.forwarded.get_mut(slot(packet_type)) {
            *counter += 1;
        }
    }

    pub(crate) fn count_received(&mut self, packet_type: PacketType) {
        if let Some(counter) = self.received.get_mut(slot(packet_type)) {
            *counter += 1;
        }
    }

    pub(crate) fn count_drop(&mut self, reason: DropReason) {
        if let Some(counter) = self.drops.get_mut(reason as usize) {
            *counter += 1;
        }
    }
}

fn slot(packet_type: PacketType) -> usize {
    if packet_type.0 <= 8 { usize::from(packet_type.0) } else { 0 }
}

/// Declares the reasons together with the list of all of them.
macro_rules! drop_reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why a packet, or a part of it, had no effect.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum DropReason {
            $($(#[$doc])* $name,)*
        }

        impl DropReason {
            /// Every reason.
            pub const ALL: &'static [DropReason] = &[$(DropReason::$name,)*];

            /// A short text.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self {
                    $(DropReason::$name => $text,)*
                }
            }
        }
    };
}

drop_reasons! {
    /// Shorter than a field of it.
    Truncated = "truncated",
    /// Version is not 1.
    Version = "wrong version",
    /// Packet size field does not fit.
    PacketSize = "wrong packet size",
    /// Checksum wrong.
    Checksum = "wrong checksum",
    /// Extension part malformed.
    Extension = "malformed extensions",
    /// NBMA or overlay address family is not this tunnel's.
    Family = "wrong address family",
    /// Packet type unknown.
    UnknownType = "unknown packet type",
    /// Authentication string missing or wrong.
    Authentication = "authentication mismatch",
    /// A compulsory extension is unknown.
    UnrecognizedExtension = "unrecognised compulsory extension",
    /// It lacks an address that its type needs.
    MissingAddress = "address missing",
    /// It carries our own source address.
    OwnSource = "own source address",
    /// It passed here before.
    Loop = "loop",
    /// Hop count ran out.
    HopCount = "hop count exceeded",
    /// Nobody here knows the destination.
    Unreachable = "destination unreachable",
    /// The source address belongs to another registered client.
    SourceMismatch = "source address of another client",
    /// Not for a node without clients.
    NotServer = "not a server",
    /// The owner does not admit the client.
    NotAdmitted = "not admitted",
    /// No request is waiting for this reply.
    Unsolicited = "unsolicited reply",
    /// The binding is not acceptable.
    InvalidBinding = "invalid binding",
    /// The purging node neither owns nor serves the binding.
    PurgeNotOwner = "purge by a stranger",
    /// A traffic indication from somebody who is not the next hop, or malformed.
    SpoofedIndication = "traffic indication from a stranger",
    /// Shortcuts are off.
    ShortcutDisabled = "shortcuts disabled",
    /// A bound of the configuration was reached.
    Limit = "limit reached",
    /// The rate limit was reached.
    RateLimit = "rate limit",
    /// No path leads to the receiver.
    NoPath = "no path",
    /// The node was shut down.
    ShutDown = "shut down",
}

impl From<DecodeError> for DropReason {
    fn from(error: DecodeError) -> DropReason {
        match error {
            DecodeError::Truncated { .. } => DropReason::Truncated,
            DecodeError::Version(_) => DropReason::Version,
            DecodeError::PacketSize { .. } => DropReason::PacketSize,
            DecodeError::Checksum => DropReason::Checksum,
            DecodeError::ExtensionOffset { .. } | DecodeError::MissingEnd => DropReason::Extension,
        }
    }
}
