//! Two IKEv2 endpoints that have authenticated each other, and a fuzzer that holds the keys of both.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use ikev2::crypto::{Direction, Envelope, IkeKeys};
use ikev2::wire::{ExchangeType, FLAG_INITIATOR, FLAG_RESPONSE, Header, PayloadType};
use ikev2::{
    Action, ChildId, Config, DownReason, Endpoint, Event, Group, IkeSuite, Input as Fact, KeyLog, Keyring,
    Output, Prf, Profile, ProfileId, UdpPath,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::clock;
use crate::input::{Input, Step};
use crate::mend;

/// Steps of one input.
const STEPS: usize = 60;
/// Outputs of one call; no message is worth more.
const OUTPUTS: usize = 500;
/// Messages on the wire; the oldest is lost.
const WIRE: usize = 64;

/// Steps, after a handshake.
///
/// | kind | step |
/// |---|---|
/// | 0 | `first payload type (1)`, chain: sealed with the newest keys, with the message id that the receiver waits for |
/// | 1, 2 | the payload as a datagram: as it is, and with its length made right |
/// | 3 | all that is on the wire arrives |
/// | 4 | the oldest message on the wire is lost; with a payload it arrives damaged by it instead |
/// | 5 | the oldest message on the wire arrives, and stays there |
/// | 6 | a request of the embedder: connect, rekey, ask for life, disconnect, expire, rebinding |
/// | others | time passes: 2^(`argument` % 22) ms |
///
/// Bit 7 of an argument says who receives: the first endpoint or the second. For kind 0, bits 0 and 1 are the exchange,
/// bit 2 makes it a response, bit 3 exchanges the roles of initiator and responder, bit 4 repeats the message id before.
pub fn ikev2_endpoint(data: &[u8]) {
    let mut input = Input::new(data);
    let mut pair = Pair::new();
    pair.request(0, 0, &[]);
    pair.deliver_all();
    assert!(pair.ends.iter().all(|end| !end.keys.is_empty()), "the handshake works");
    for _ in 0..STEPS {
        let Some(step) = input.step() else { break };
        pair.step(step);
        pair.check();
    }
    pair.pass(Duration::from_secs(600));
    pair.check();
}

struct Pair {
    ends: [End; 2],
    now: Instant,
    /// Receiver and message.
    wire: VecDeque<(usize, Vec<u8>)>,
}

/// An endpoint and what its actions and events told.
struct End {
    endpoint: Endpoint,
    keys: Vec<KeyLog>,
    /// Numbers of the requests that this end sent, by IKE SA: the next one.
    next_request: BTreeMap<u64, u32>,
    inbound: BTreeMap<ChildId, u32>,
    outbound: BTreeSet<ChildId>,
}

const fn address(end: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(198, 51, 100, if end == 0 { 1 } else { 2 }))
}

/// From the receiver's point of view.
fn path(receiver: usize) -> UdpPath {
    UdpPath {
        local: SocketAddr::new(address(receiver), 500),
        remote: SocketAddr::new(address(1 - receiver), 500),
    }
}

impl End {
    fn new(end: usize, now: Instant) -> Self {
        let mut profile = Profile::new("P", Keyring::any("Sup3rS3cr3tDMVPN!"));
        // The quickest group: what is looked for lies behind it.
        for proposal in &mut profile.proposals {
            proposal.groups = vec![Group::Curve25519];
        }
        let mut config = Config::new(address(end));
        config.profiles.push(profile);
        config.key_log = true;
        let endpoint = Endpoint::new(config, ChaCha20Rng::seed_from_u64(end as u64), now);
        Self {
            endpoint: endpoint.expect("the configuration is good"),
            keys: Vec::new(),
            next_request: BTreeMap::new(),
            inbound: BTreeMap::new(),
            outbound: BTreeSet::new(),
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::InstallInbound { child, sa, .. } => {
                assert!(!self.inbound.values().any(|spi| *spi == sa.spi), "an inbound SPI is installed once");
                assert_eq!(self.inbound.insert(child, sa.spi), None, "a child is installed once");
            }
            Action::InstallOutbound { child, .. } => {
                assert!(self.outbound.insert(child), "keys start a sequence number space once");
            }
            Action::SelectOutbound { child, .. } => {
                assert!(self.outbound.contains(&child), "only what is installed can be selected");
            }
            Action::Remove { child, .. } => {
                assert!(self.inbound.remove(&child).is_some(), "removed once, after it was installed");
                self.outbound.remove(&child);
            }
            other => drop(format!("{other:?}")),
        }
    }
}

impl Pair {
    fn new() -> Self {
        let now = clock::start();
        Self { ends: [End::new(0, now), End::new(1, now)], now, wire: VecDeque::new() }
    }

    fn step(&mut self, Step { kind, argument, payload }: Step<'_>) {
        let receiver = usize::from(argument >> 7);
        match kind {
            0 => self.forge(receiver, argument, payload),
            1 => self.datagram(receiver, payload),
            2 => self.datagram(receiver, &mend::ike(payload)),
            3 => self.deliver_all(),
            4 => {
                let Some((receiver, mut message)) = self.wire.pop_front() else { return };
                for (byte, change) in message.iter_mut().skip(usize::from(argument)).zip(payload) {
                    *byte ^= change;
                }
                if !payload.is_empty() {
                    self.datagram(receiver, &message);
                }
            }
            5 => {
                if let Some((receiver, message)) = self.wire.front().cloned() {
                    self.datagram(receiver, &message);
                }
            }
            6 => self.request(receiver, argument & 0x7f, payload),
            _ => self.pass(Duration::from_millis(1 << (argument % 22))),
        }
    }

    fn datagram(&mut self, receiver: usize, payload: &[u8]) {
        self.input(receiver, Fact::Datagram { path: path(receiver), payload });
    }

    fn input(&mut self, end: usize, fact: Fact<'_>) {
        self.ends[end].endpoint.handle_input(self.now, fact);
        self.drain(end);
    }

    /// A message of the other end, authentic: it has the keys, and says what the fuzzer wants.
    fn forge(&mut self, receiver: usize, argument: u8, payload: &[u8]) {
        let Some((first, chain)) = payload.split_first() else { return };
        let Some(keys) = self.ends[receiver].keys.last().cloned() else { return };
        let is_response = argument & 4 != 0;
        let from_initiator = (receiver == 1) != (argument & 8 != 0);
        // A response answers the receiver's request, a request follows the sender's last one.
        let counter = if is_response { receiver } else { 1 - receiver };
        let next = self.ends[counter].next_request.entry(keys.spi_i).or_default();
        let message_id = if is_response || argument & 0x10 != 0 {
            next.saturating_sub(1)
        } else {
            *next += 1;
            *next - 1
        };
        let exchange = match argument & 3 {
            0 => ExchangeType::INFORMATIONAL,
            1 => ExchangeType::CREATE_CHILD_SA,
            2 => ExchangeType::IKE_AUTH,
            _ => ExchangeType::IKE_SA_INIT,
        };
        let header = Header {
            spi_i: keys.spi_i,
            spi_r: keys.spi_r,
            next: PayloadType::NONE,
            minor_version: 0,
            exchange,
            flags: if from_initiator { FLAG_INITIATOR } else { 0 }
                | if is_response { FLAG_RESPONSE } else { 0 },
            message_id,
        };
        let suite = IkeSuite {
            encryption: keys.encryption,
            integrity: keys.integrity,
            prf: Prf::HmacSha256,
            group: Group::Curve25519,
        };
        let keys = IkeKeys {
            sk_d: b""[..].into(),
            sk_ai: keys.sk_ai,
            sk_ar: keys.sk_ar,
            sk_ei: keys.sk_ei,
            sk_er: keys.sk_er,
            sk_pi: b""[..].into(),
            sk_pr: b""[..].into(),
        };
        let direction = if from_initiator { Direction::FromInitiator } else { Direction::FromResponder };
        let envelope = Envelope::new(suite, &keys, direction);
        let message = envelope.seal_with_iv(header, PayloadType(*first), chain, None, [9; 16]);
        self.datagram(receiver, &message);
    }

    fn request(&mut self, end: usize, which: u8, payload: &[u8]) {
        let remote = address(1 - end);
        let peer = self.ends[end].endpoint.peers().next().map(|view| view.peer);
        let nth = payload.first().map_or(0, |nth| usize::from(*nth));
        let child = self.ends[end].inbound.keys().nth(nth).copied();
        let fact = match (which % 8, peer, child) {
            (1, Some(peer), _) => Fact::RekeyIke { peer },
            (2, _, Some(child)) => Fact::RekeyChild { child },
            (3, Some(peer), _) => Fact::CheckLiveness { peer },
            (4, Some(peer), _) => Fact::Disconnect { peer, reason: DownReason::DeletedByUs },
            (5, _, Some(child)) => Fact::ExpireChild { child },
            (6, _, Some(child)) => Fact::EndpointObserved { child, remote: SocketAddr::new(remote, 4500) },
            (7, _, Some(child)) => {
                self.ends[end].endpoint.note_inbound(self.now, child);
                return self.drain(end);
            }
            _ => Fact::Connect { remote, profile: ProfileId(0) },
        };
        self.input(end, fact);
    }

    fn deliver_all(&mut self) {
        // Two honest endpoints come to an end; with a fuzzer's messages on the wire they may not.
        for _ in 0..WIRE {
            let Some((receiver, message)) = self.wire.pop_front() else { return };
            self.datagram(receiver, &message);
        }
    }

    /// Lets time pass; what the endpoints send meanwhile stays on the wire.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..20_000 {
            let due = |end: &End| end.endpoint.poll_timeout();
            match self.ends.iter().filter_map(due).min() {
                Some(at) if at <= until => {
                    self.now = self.now.max(at);
                    for end in 0..2 {
                        self.ends[end].endpoint.handle_timeout(self.now);
                        self.drain(end);
                        let next = self.ends[end].endpoint.poll_timeout();
                        assert!(next.is_none_or(|next| next > self.now), "what is due was done");
                    }
                }
                _ => {
                    self.now = until;
                    return;
                }
            }
        }
        panic!("the endpoints' timers come too often");
    }

    fn drain(&mut self, end: usize) {
        for _ in 0..OUTPUTS {
            let Some(output) = self.ends[end].endpoint.poll_output() else { return };
            match output {
                Output::Transmit(transmit) => self.send(end, transmit.payload),
                Output::Action(action) => self.ends[end].act(action),
                Output::Event(Event::Keys(keys)) => self.ends[end].keys.push(*keys),
                Output::Event(event) => drop(format!("{event:?}")),
                other => drop(format!("{other:?}")),
            }
        }
        panic!("more outputs than any message is worth");
    }

    fn send(&mut self, end: usize, message: Vec<u8>) {
        if message == [0xff] {
            return;
        }
        let header = Header::decode(&message).expect("an endpoint sends messages that decode");
        if !header.is_response() {
            let next = self.ends[end].next_request.entry(header.spi_i).or_default();
            *next = (*next).max(header.message_id.saturating_add(1));
        }
        self.wire.push_back((1 - end, message));
        if self.wire.len() > WIRE {
            self.wire.pop_front();
        }
    }

    /// What holds at any time.
    fn check(&self) {
        for end in &self.ends {
            let views: Vec<_> = end.endpoint.peers().collect();
            drop(format!("{views:?}"));
            assert!(end.inbound.len() <= 2 * 16, "child SAs keep to their limit");
            assert!(views.len() <= 2, "there is one peer");
        }
    }
}
