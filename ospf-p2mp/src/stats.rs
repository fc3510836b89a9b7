//! Counters.

/// Why a packet, or an LSA in it, was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum DropReason {
    /// The interface is not known.
    UnknownInterface,
    /// The interface is down.
    InterfaceDown,
    /// The interface is passive.
    PassiveInterface,
    /// The packet breaks the format (see [`DecodeError`](crate::wire::DecodeError)).
    Malformed,
    /// The packet's checksum is wrong.
    Checksum,
    /// Another OSPF version.
    Version,
    /// Another area.
    Area,
    /// The TTL is below what TTL security asks for.
    Ttl,
    /// The source is outside the subnet.
    SourceOutsidePrefix,
    /// The source is ourselves.
    OwnAddress,
    /// Not sent to 224.0.0.5 or to our address.
    Destination,
    /// The authentication type differs.
    AuthType,
    /// The key id is unknown or not valid now.
    AuthKeyId,
    /// Password or digest wrong.
    AuthFailed,
    /// The sequence number went backwards or was repeated.
    AuthReplay,
    /// Hello: mask differs.
    Mask,
    /// Hello: hello interval differs.
    HelloInterval,
    /// Hello: dead interval differs.
    DeadInterval,
    /// Hello: the E bit differs.
    StubArea,
    /// Our own router id, or one shared by two neighbours, or 0.0.0.0.
    RouterId,
    /// The limit of neighbours is reached.
    NeighborLimit,
    /// Not a Hello, from a neighbour that is not known.
    UnknownNeighbor,
    /// The neighbour's state does not allow this packet.
    NeighborState,
    /// Database Description: MTU.
    Mtu,
    /// Database Description: a duplicate, answered if need be.
    DuplicateDescription,
    /// LSA: wrong checksum.
    LsaChecksum,
    /// LSA: breaks the format of its type.
    LsaMalformed,
    /// LSA: unknown type, or one that this area does not allow.
    LsaType,
    /// LSA: Router-LSA whose link state id is not its advertising router.
    LsaIdMismatch,
    /// LSA: arrived within MinLSArrival of the previous instance.
    LsaTooSoon,
    /// LSA: a limit of the database.
    LsdbLimit,
    /// LSA: age or sequence number out of range.
    LsaRange,
    /// An acknowledgement of another instance than the one that waits for it.
    QuestionableAck,
    /// We are shut down.
    ShutDown,
}

impl DropReason {
    /// How many there are.
    pub const COUNT: usize = Self::ShutDown as usize + 1;
}

/// Counters since construction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Packets received, by type: Hello, Database Description, Request, Update, Acknowledgment.
    pub received: [u64; 5],
    /// Packets sent, by type.
    pub sent: [u64; 5],
    /// Octets of OSPF packets received.
    pub octets_received: u64,
    /// Octets of OSPF packets sent.
    pub octets_sent: u64,
    /// LSAs sent again because nobody acknowledged.
    pub retransmissions: u64,
    /// Instances of our own LSAs issued.
    pub originated: u64,
    /// LSAs installed.
    pub installed: u64,
    /// Full SPF runs.
    pub spf_runs: u64,
    /// Changes handled without SPF.
    pub partial_runs: u64,
    /// LSAs of ours that came back newer or different and were outbid.
    pub fight_backs: u64,
    /// Adjacencies refused because the Router-LSA is full.
    pub adjacencies_refused: u64,
    drops: [u64; DropReason::COUNT],
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            received: [0; 5],
            sent: [0; 5],
            octets_received: 0,
            octets_sent: 0,
            retransmissions: 0,
            originated: 0,
            installed: 0,
            spf_runs: 0,
            partial_runs: 0,
            fight_backs: 0,
            adjacencies_refused: 0,
            drops: [0; DropReason::COUNT],
        }
    }
}

impl Stats {
    /// How often something was dropped for this reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.drops.get(reason as usize).copied().unwrap_or(0)
    }

    /// Everything dropped.
    pub fn total_dropped(&self) -> u64 {
        self.drops.iter().sum()
    }

    pub(crate) fn drop(&mut self, reason: DropReason) {
        if let Some(count) = self.drops.get_mut(reason as usize) {
            *count += 1;
        }
    }
}
