//! Why a packet was dropped.

use core::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])+ $name:ident = $text:literal,)+) => {
        /// Why a packet was dropped. Each reason has its own counter; none is silent.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum DropReason { $($(#[$doc])+ $name,)+ }

        impl DropReason {
            /// Every reason, in the order of the counters.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The reason in words, as the views print it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

reasons! {
    /// Not a whole IPv4 packet: too short, a wrong length or a wrong header checksum.
    Malformed = "malformed IP packet",
    /// IPv6 inside a tunnel, which the forwarding plane does not carry yet.
    Ipv6 = "IPv6 in a tunnel",
    /// No route for the destination.
    NoRoute = "no route",
    /// There is a route, but neither its gateway nor any fallback can be reached.
    NoPath = "no usable next hop",
    /// The time to live ran out; the sender was told.
    TtlExceeded = "time to live exceeded",
    /// Larger than the tunnel carries, and not to be fragmented; the sender was told.
    TooBig = "too big and not to be fragmented",
    /// Marked as having met congestion although its sender does not understand the mark (RFC 6040 section 4.2).
    Congestion = "congestion mark on a packet without ECN",
    /// A user's multicast or broadcast packet: only routing protocols' multicast crosses a tunnel.
    Multicast = "multicast",
    /// The tunnel is protected and there is no SA to send with. Never sent in the clear.
    NoSa = "no security association",
    /// ESP with an SPI that is not ours.
    UnknownSpi = "unknown SPI",
    /// ESP that failed authentication.
    EspAuthentication = "ESP authentication failed",
    /// ESP that was seen before, or is older than the replay window.
    EspReplay = "ESP replayed or too old",
    /// ESP with a malformed header, padding or trailer.
    EspMalformed = "malformed ESP",
    /// A dummy packet (RFC 4303 section 2.6), sent to hide traffic patterns.
    EspDummy = "ESP dummy packet",
    /// The SA reached a hard limit or ran out of sequence numbers.
    SaExhausted = "security association exhausted",
    /// ESP that carries something else than the SA's selectors allow.
    Selector = "outside the traffic selectors",
    /// Not a GRE header that RFC 2784 and RFC 2890 allow.
    GreMalformed = "malformed GRE",
    /// A GRE key that no tunnel on this source has.
    GreKey = "unknown GRE key",
    /// OSPF on a tunnel where it does not run.
    NoOspf = "OSPF does not run on the tunnel",
    /// OSPF with the tunnel address of another peer, or of none: what a peer says must come by its own path.
    OspfSource = "OSPF from an address that is not the peer's",
    /// A part of an OSPF packet that overlaps with another or goes beyond its end.
    Fragment = "OSPF in parts that do not fit",
    /// A GRE payload that is neither IP nor NHRP.
    GreProtocol = "unknown GRE protocol",
    /// GRE in the clear for a tunnel that has protection.
    ClearText = "clear text on a protected tunnel",
    /// An underlay packet that is for none of our addresses.
    NotForUs = "not for this router",
    /// A UDP datagram that is neither IKE nor ESP.
    UdpMalformed = "malformed UDP encapsulation",
    /// IP with our own tunnel address as its source came in by a tunnel.
    SpoofedSource = "our own address as source",
    /// A packet too large for the memory it came in.
    NoRoom = "no room in the packet's memory",
    /// A packet that was handed to the engine although another forwarding plane moves packets.
    ForwardedElsewhere = "another forwarding plane moves packets",
    /// The tunnel or the interface is shut down.
    InterfaceDown = "interface down",
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
