use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use super::arena::SaKey;
use super::init::Rival;
use super::requests::SendWindow;
use super::window::ReceiveWindow;
use crate::crypto::{Envelope, IkeSuite, KeyPair};
use crate::ids::{ChildId, PeerId, ProfileId};
use crate::io::{DownReason, FailureReason, UdpPath};
use crate::nat::Nat;
use crate::reassembly::Reassembly;
use crate::secret::SecretBytes;
use crate::wire::{GroupId, Identity};

/// Which end of an IKE SA, or of an exchange, we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Initiator,
    Responder,
}

/// The life of an IKE SA.
///
/// ```text
///  initiator:  InitSent --IKE_SA_INIT response--> AuthSent --IKE_AUTH response--> Established
///  responder:  InitAnswered --IKE_AUTH request--> Established | Refused (answer kept for repetitions)
///  rekey:      (new SA starts) Established;  old SA: Established -> Superseded | Closing -> gone
///  end:        Established | Superseded -> Closing (our DELETE is outstanding) -> gone
/// ```
///
/// What each state takes (everything else is dropped and counted):
///
/// | state | requests | responses |
/// |---|---|---|
/// | `InitSent` | - | IKE_SA_INIT, in the clear |
/// | `InitAnswered` | IKE_AUTH | - |
/// | `AuthSent` | - | IKE_AUTH; IKE_SA_INIT of another responder |
/// | `Established` | CREATE_CHILD_SA, INFORMATIONAL | of what is outstanding |
/// | `Superseded`, `Closing` | INFORMATIONAL; CREATE_CHILD_SA gets TEMPORARY_FAILURE | of what is outstanding |
/// | `Refused` | repetitions of the refused IKE_AUTH | - |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    InitSent,
    InitAnswered,
    AuthSent,
    Established,
    Superseded,
    Closing,
    Refused,
}

impl State {
    /// Authenticated and not on its way out.
    pub(crate) const fn is_live(self) -> bool {
        matches!(self, Self::Established)
    }

    pub(crate) const fn is_half_open(self) -> bool {
        matches!(self, Self::InitSent | Self::InitAnswered | Self::AuthSent | Self::Refused)
    }
}

/// Timers of an IKE SA, and what arms each one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    /// A request is outstanding (RFC 7296 section 2.4).
    Retransmit,
    /// A stranger's half-open SA, a refused one, an SA without child SAs, a superseded one: goes away by then.
    Linger,
    /// Nothing was heard for the longest silence that DPD allows.
    Liveness,
    /// We are behind a NAT (RFC 3948 section 4).
    Keepalive,
    /// The lifetime is nearly over (RFC 7296 section 2.8); also a later attempt after a failed one.
    Rekey,
    /// The lifetime is over.
    Expire,
    /// The redundant one of two crossed SAs goes away, or one that was replaced by reauthentication.
    Retire,
    /// The peer had no time for a request for a child SA (RFC 7296 section 2.25): the same again.
    AskAgain,
    /// The exchange that the peer began has had its time: ours begins after all.
    Yield,
}

pub(crate) const TIMERS: [Timer; 9] = [
    Timer::Retransmit,
    Timer::Linger,
    Timer::Liveness,
    Timer::Keepalive,
    Timer::Rekey,
    Timer::Expire,
    Timer::Retire,
    Timer::AskAgain,
    Timer::Yield,
];

impl Timer {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Retransmit => "retransmission",
            Self::Linger => "linger",
            Self::Liveness => "liveness",
            Self::Keepalive => "NAT keepalive",
            Self::Rekey => "IKE rekey",
            Self::Expire => "IKE lifetime",
            Self::Retire => "retire redundant SA",
            Self::AskAgain => "ask for a child SA again",
            Self::Yield => "yield to the peer",
        }
    }
}

/// One deadline per timer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Timers([Option<Instant>; TIMERS.len()]);

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer, at: Instant) {
        if let Some(slot) = self.0.get_mut(timer as usize) {
            *slot = Some(at);
        }
    }

    pub(crate) fn clear(&mut self, timer: Timer) {
        if let Some(slot) = self.0.get_mut(timer as usize) {
            *slot = None;
        }
    }

    pub(crate) fn get(&self, timer: Timer) -> Option<Instant> {
        self.0.get(timer as usize).copied().flatten()
    }

    pub(crate) fn next(&self) -> Option<(Instant, &'static str)> {
        TIMERS.into_iter().filter_map(|timer| self.get(timer).map(|at| (at, timer.name()))).min()
    }

    /// Clears and returns the timers that are due.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<Timer> {
        let due: Vec<Timer> =
            TIMERS.into_iter().filter(|timer| self.get(*timer).is_some_and(|at| at <= now)).collect();
        for timer in &due {
            self.clear(*timer);
        }
        due
    }
}

/// Both directions of protection.
#[derive(Debug)]
pub(crate) struct Protection {
    pub(crate) seal: Envelope,
    pub(crate) open: Envelope,
    pub(crate) sk_d: SecretBytes,
}

/// What is needed until AUTH is done, and not afterwards.
#[derive(Debug)]
pub(crate) struct Handshake {
    pub(crate) key_pair: KeyPair,
    /// The other side's public value, until the shared secret is computed.
    pub(crate) peer_public: Vec<u8>,
    pub(crate) nonce_i: Vec<u8>,
    pub(crate) nonce_r: Vec<u8>,
    /// The IKE_SA_INIT messages as they were on the wire: AUTH covers them.
    pub(crate) request: Vec<u8>,
    pub(crate) response: Vec<u8>,
    pub(crate) sk_pi: SecretBytes,
    pub(crate) sk_pr: SecretBytes,
    /// What the responder wanted to see again.
    pub(crate) cookie: Option<Vec<u8>>,
    /// How often the initiator has started over because of a cookie or a group.
    pub(crate) rounds: u8,
    /// An unauthenticated refusal; true only if nothing better comes (RFC 7296 section 2.21.1).
    pub(crate) hint: Option<FailureReason>,
    /// Groups that the responder already asked for.
    pub(crate) tried_groups: Vec<GroupId>,
    /// What IKE_SA_INIT announced: both ends can use a PPK; the responder can do without a child SA.
    pub(crate) ppk: bool,
    pub(crate) childless: bool,
    /// Where an initiator's first request goes.
    pub(crate) first_path: UdpPath,
    /// SPIs of the answers to an initiator's first request that were taken up.
    pub(crate) answered: Vec<u64>,
    /// What those answers have made that are not the present one.
    pub(crate) rivals: Vec<Rival>,
}

/// The other half of a rekey collision (RFC 7296 sections 2.8.1, 2.8.2).
#[derive(Debug)]
pub(crate) struct Collision<T> {
    /// What the peer's exchange made.
    pub(crate) made: T,
    /// The lower one of its two nonces.
    pub(crate) lowest_nonce: Vec<u8>,
}

/// Work that waits until the request window is free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    CreateChild {
        profile: ProfileId,
        group: Option<GroupId>,
        rounds: u8,
    },
    RekeyChild {
        child: ChildId,
        group: Option<GroupId>,
        rounds: u8,
    },
    RekeyIke {
        group: Option<GroupId>,
        rounds: u8,
    },
    DeleteChild(ChildId),
    DeleteIke,
    Liveness,
    /// Tells the peer that its packets carry an SPI that is not known here, and so asks for a sign of life as well.
    ReportSpi(u32),
}

impl Task {
    /// See [`Pending::stands_alone`](super::requests::Pending::stands_alone).
    pub(crate) const fn stands_alone(&self) -> bool {
        matches!(self, Self::RekeyIke { .. } | Self::DeleteIke)
    }
}

/// Where an IKE SA comes from, through all rekeys: what decides between two crossed ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lineage {
    /// Our role in the first IKE_SA_INIT.
    pub(crate) origin: Role,
    /// The lower one of the nonces of the first IKE_SA_INIT.
    pub(crate) lowest_nonce: Vec<u8>,
    /// When that exchange reached us: the first request sent, or received.
    pub(crate) begun: Instant,
    /// When AUTH was done.
    pub(crate) established: Instant,
}

/// One IKE SA.
#[derive(Debug)]
pub(crate) struct IkeSa {
    pub(crate) role: Role,
    pub(crate) state: State,
    pub(crate) profile: ProfileId,
    pub(crate) spi_local: u64,
    /// Zero until the responder has named it.
    pub(crate) spi_remote: u64,
    pub(crate) path: UdpPath,
    pub(crate) suite: Option<IkeSuite>,
    pub(crate) protection: Option<Protection>,
    pub(crate) handshake: Option<Box<Handshake>>,
    /// Ni and Nr of IKE_SA_INIT, for the child SA of IKE_AUTH. Gone once that is made.
    pub(crate) first_nonces: Option<Box<(Vec<u8>, Vec<u8>)>>,
    pub(crate) nat: Nat,
    pub(crate) fragmentation: bool,
    /// A post-quantum pre-shared key is mixed into `SK_d`.
    pub(crate) ppk: bool,
    pub(crate) local_identity: Identity,
    pub(crate) peer: Option<PeerId>,
    pub(crate) lineage: Lineage,
    pub(crate) created: Instant,
    pub(crate) last_received: Instant,
    /// When a hint that anybody could have given made us ask for a sign of life.
    pub(crate) probed: Option<Instant>,
    pub(crate) requests: SendWindow,
    pub(crate) tasks: VecDeque<Task>,
    /// What [`Timer::AskAgain`] puts into the queue.
    pub(crate) deferred: Option<Task>,
    pub(crate) window: ReceiveWindow,
    /// The highest message id of an authentic request: only a newer one may move the peer's endpoint.
    pub(crate) newest_request: Option<u32>,
    /// Fragments of requests and of responses that are not whole yet: one entry per message id of the windows.
    pub(crate) request_fragments: Vec<Reassembly>,
    pub(crate) response_fragments: Vec<Reassembly>,
    pub(crate) children: Vec<ChildId>,
    /// The SA that replaced this one.
    pub(crate) successor: Option<SaKey>,
    /// The SA that this one is to replace, once a collision is decided.
    pub(crate) predecessor: Option<SaKey>,
    pub(crate) timers: Timers,
    /// The entry in the endpoint's timer queue.
    pub(crate) queued: Option<Instant>,
    /// Why it is being closed.
    pub(crate) closing: Option<DownReason>,
    /// A `Connect` waits for the outcome.
    pub(crate) connecting: bool,
    /// Takes the place of the IKE SAs that the peer has, once it is up.
    pub(crate) reauthenticates: bool,
    /// Another one has taken its place: it only waits until nothing comes on it any more.
    pub(crate) retiring: bool,
    /// The peer began this one when we wanted to; this is what we start if it does not come up soon.
    pub(crate) yielded: Option<ProfileId>,
    /// The entry under which the first request of a stranger is known.
    pub(crate) initiator_entry: Option<(u64, SocketAddr)>,
}

impl IkeSa {
    pub(crate) const fn spi_i(&self) -> u64 {
        match self.role {
            Role::Initiator => self.spi_local,
            Role::Responder => self.spi_remote,
        }
    }

    pub(crate) const fn spi_r(&self) -> u64 {
        match self.role {
            Role::Initiator => self.spi_remote,
            Role::Responder => self.spi_local,
        }
    }

    /// Puts work at the end of the queue, once.
    pub(crate) fn enqueue(&mut self, task: Task) {
        if !self.tasks.contains(&task) {
            self.tasks.push_back(task);
        }
    }
}
