//! Counters with names.

/// What happened to messages and SAs since the start. Every way in which a datagram can be dropped has its own counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Datagrams given to the endpoint, keepalives not counted.
    pub received: u64,
    /// Messages sent, retransmissions included, keepalives not.
    pub transmitted: u64,
    /// Requests sent again.
    pub retransmitted: u64,
    /// Requests answered again from memory.
    pub responses_repeated: u64,
    /// NAT keepalives sent.
    pub keepalives: u64,
    /// IKE SAs established.
    pub ike_established: u64,
    /// Child SAs established, rekeys included.
    pub children_established: u64,
    /// Rekeys of child SAs completed.
    pub child_rekeys: u64,
    /// Rekeys of IKE SAs completed.
    pub ike_rekeys: u64,
    /// IKE SAs that reauthentication has replaced ours with.
    pub reauthentications: u64,
    /// Collisions of rekeys resolved.
    pub rekey_collisions: u64,
    /// Pairs of crossed IKE SAs resolved.
    pub crossed: u64,
    /// Cookies demanded.
    pub cookies_sent: u64,
    /// Error notifies sent to strangers.
    pub stranger_answers: u64,
    /// Unauthenticated error notifies that were taken as hints only.
    pub unauthenticated_notifies: u64,
    /// ESP packets with an unknown SPI that the embedder reported.
    pub unknown_esp_spis: u64,
    /// IKE SAs that others started and that are not authenticated now.
    pub half_open: u64,
    /// Requests that we answered with INVALID_SYNTAX.
    pub invalid_syntax: u64,
    /// TEMPORARY_FAILURE sent or received.
    pub temporary_failures: u64,
    /// Dropped datagrams.
    pub drops: Drops,
}

/// Dropped datagrams by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Drops {
    /// Not an IKEv2 message: length, structure or content.
    pub malformed: u64,
    /// Another major version.
    pub version: u64,
    /// No IKE SA with that SPI.
    pub unknown_spi: u64,
    /// The SPI is known; the flags or the other SPI do not fit (reflected or confused messages).
    pub wrong_direction: u64,
    /// An exchange that is not possible in the state of the IKE SA.
    pub unexpected_exchange: u64,
    /// Clear text where only encrypted messages are taken.
    pub not_encrypted: u64,
    /// The integrity check failed.
    pub integrity: u64,
    /// Authentic, but the inside is malformed.
    pub malformed_inside: u64,
    /// A request outside the window, or a response to nothing that we asked.
    pub message_id: u64,
    /// The global half-open limit is met.
    pub half_open_limit: u64,
    /// The half-open limit of one source is met.
    pub source_limit: u64,
    /// The peer limit is met.
    pub peer_limit: u64,
    /// The cookie that was demanded is missing or wrong; the answer is a fresh one.
    pub cookie: u64,
    /// A fragment that breaks the rules of RFC 7383 or the limits.
    pub fragment: u64,
    /// The endpoint is shut down.
    pub shut_down: u64,
}
