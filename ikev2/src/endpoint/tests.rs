//! Recorded strongSwan negotiations played to our responder and to our initiator, which stand where the recorded
//! daemons stood: same SPIs, nonces and shared secret.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use serde_json::Value;

use super::*;
use crate::config::{Keyring, Profile, Selectors};
use crate::crypto::{Direction, Encryption, Envelope, Group, IkeKeys, KeyPair, skeyseed_initial};
use crate::endpoint::ike_sa::{Handshake, Role, State};
use crate::endpoint::requests::{ChildExchange, Outstanding, Pending};
use crate::io::{SaParameters, Side, UdpPath};
use crate::nat;
use crate::negotiation::choose_ike;
use crate::wire::{Message, Notify, NotifyType, Payload, TrafficSelector, decode_payloads};

/// An instant to count from.
#[allow(
    clippy::disallowed_methods,
    reason = "std has no other way to make an Instant; only differences count"
)]
fn origin() -> Instant {
    Instant::now()
}

fn golden(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/negotiations").join(name);
    serde_json::from_str(&fs::read_to_string(path.join("golden.json")).unwrap()).unwrap()
}

fn bytes(value: &Value, name: &str) -> Vec<u8> {
    hex::decode(value[name].as_str().unwrap()).unwrap()
}

struct Played {
    endpoint: Endpoint,
    now: Instant,
    key: SaKey,
    keys: IkeKeys,
    suite: crate::crypto::IkeSuite,
    outputs: Vec<Output>,
}

impl Played {
    fn datagram(&mut self, message: &Value) {
        let address = |name: &str, port: &str| {
            let ip: IpAddr = message[name].as_str().unwrap().parse().unwrap();
            SocketAddr::new(ip, u16::try_from(message[port].as_u64().unwrap()).unwrap())
        };
        let path = UdpPath { local: address("dst", "dport"), remote: address("src", "sport") };
        let raw = bytes(message, "raw");
        self.endpoint.handle_input(self.now, Input::Datagram { path, payload: &raw });
        self.outputs.extend(std::iter::from_fn(|| self.endpoint.poll_output()));
    }

    fn events(&self) -> Vec<&Event> {
        self.outputs
            .iter()
            .filter_map(|output| match output {
                Output::Event(event) => Some(event),
                _ => None,
            })
            .collect()
    }

    fn installed(&self) -> (&SaParameters, &SaParameters) {
        let find = |inbound: bool| {
            self.outputs.iter().find_map(|output| match output {
                Output::Action(Action::InstallInbound { sa, .. }) if inbound => Some(&**sa),
                Output::Action(Action::InstallOutbound { sa, .. }) if !inbound => Some(&**sa),
                _ => None,
            })
        };
        (find(true).unwrap(), find(false).unwrap())
    }

    /// The payloads of our last message.
    fn last(&self, from: Direction) -> Vec<Payload> {
        let datagram = self
            .outputs
            .iter()
            .rev()
            .find_map(|output| match output {
                Output::Transmit(transmit) => Some(transmit.payload.clone()),
                _ => None,
            })
            .unwrap();
        let sealed = Message::decode(&datagram).unwrap().sealed.unwrap();
        let plain = Envelope::new(self.suite, &self.keys, from).open(&datagram, &sealed).unwrap();
        decode_payloads(sealed.first, &plain).unwrap()
    }
}

/// Puts an endpoint where IKE_SA_INIT is done, with the numbers of a recording.
fn stand_in(name: &str, role: Role, configure: impl Fn(&mut Config)) -> (Played, Value) {
    let golden = golden(name);
    let now = origin();
    let (request, response) = (bytes(&golden, "ike_sa_init_request"), bytes(&golden, "ike_sa_init_response"));
    let message = golden["messages"]
        .as_array()
        .unwrap()
        .iter()
        .find(|message| message["raw"].as_str() == Some(hex::encode(&request).as_str()))
        .unwrap()
        .clone();
    let address = |name: &str, port: &str| {
        let ip: IpAddr = message[name].as_str().unwrap().parse().unwrap();
        SocketAddr::new(ip, u16::try_from(message[port].as_u64().unwrap()).unwrap())
    };
    let (initiator, responder) = (address("src", "sport"), address("dst", "dport"));
    let path = match role {
        Role::Initiator => UdpPath { local: initiator, remote: responder },
        Role::Responder => UdpPath { local: responder, remote: initiator },
    };
    let mut config = Config::new(path.local.ip());
    config.profiles.push(Profile::new("recorded", Keyring::any(golden["psk_ascii"].as_str().unwrap())));
    let parsed = Message::decode(&response).unwrap();
    let Payload::SecurityAssociation(proposals) = &parsed.payloads[0] else { panic!("no SA") };
    let profile = &mut config.profiles[0];
    if proposals[0].transforms[0] == Encryption::AesGcm128.transform() {
        profile.proposals[0].encryption = vec![Encryption::AesGcm128];
        profile.proposals[0].groups = vec![Group::Ecp256];
        profile.child.transforms[0].encryption = vec![Encryption::AesGcm128];
        profile.child.transforms[0].esn = true;
    }
    configure(&mut config);
    let suite = choose_ike(&config.profiles[0].proposals, proposals).unwrap().suite;
    let mut endpoint = Endpoint::new(config, ChaCha20Rng::seed_from_u64(1), now).unwrap();
    let (spi_i, spi_r) = (parsed.header.spi_i, parsed.header.spi_r);
    let (spi_local, spi_remote) = if role == Role::Initiator { (spi_i, spi_r) } else { (spi_r, spi_i) };
    let state = if role == Role::Initiator { State::AuthSent } else { State::InitAnswered };
    let identity = Identity::Address(path.local.ip());
    let mut sa = endpoint.new_sa(now, role, state, ProfileId(0), spi_local, path, identity);
    sa.spi_remote = spi_remote;
    sa.fragmentation = true;
    if role == Role::Responder {
        let first = Message::decode(&request).unwrap();
        sa.nat = nat::detect(spi_i, 0, path, &first.payloads);
    }
    let (nonce_i, nonce_r) = (bytes(&golden, "ni"), bytes(&golden, "nr"));
    let shared = bytes(&golden["ike_sas"][0], "shared_secret");
    let seed = skeyseed_initial(suite.prf, &nonce_i, &nonce_r, &shared);
    let keys = IkeKeys::derive(suite, &seed, &nonce_i, &nonce_r, spi_i, spi_r);
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    sa.handshake = Some(Box::new(Handshake {
        key_pair: KeyPair::generate(Group::Curve25519, &mut rng),
        peer_public: Vec::new(),
        nonce_i,
        nonce_r,
        request,
        response,
        sk_pi: keys.sk_pi.clone(),
        sk_pr: keys.sk_pr.clone(),
        cookie: None,
        rounds: 0,
        hint: None,
        tried_groups: Vec::new(),
        ppk: false,
        childless: false,
        first_path: path,
        answered: Vec::new(),
        rivals: Vec::new(),
    }));
    sa.protect(suite, &keys);
    let key = endpoint.insert_sa(sa);
    (Played { endpoint, now, key, keys, suite, outputs: Vec::new() }, golden)
}

/// Plays all requests of the recorded initiator, as long as the answers of the recorded responder do not matter.
fn play_requests(played: &mut Played, golden: &Value, count: usize) {
    let requests = golden["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|message| message["flags"] == 8 && message["exchange"].as_u64().is_some_and(|e| e > 34));
    for request in requests.take(count) {
        played.datagram(request);
    }
}

#[test]
fn recorded_initiators_get_in_with_the_recorded_child_keys() {
    for (name, requests) in [
        ("cookie", 1),
        ("fragmentation", 3),
        ("invalid-ke", 1),
        ("psk-transport-gre", 1),
        ("psk-transport-gre-natt", 1),
        ("rekey-child-collision", 1),
        ("suite-gcm128-sha256-ecp256-esn", 1),
    ] {
        let (mut played, golden) = stand_in(name, Role::Responder, |_| {});
        play_requests(&mut played, &golden, requests);
        assert!(
            played.events().iter().any(|e| matches!(e, Event::PeerUp { .. })),
            "{name}: {:?}",
            played.outputs
        );
        let (inbound, outbound) = played.installed();
        let child = &golden["child_sas"][0];
        assert_eq!(inbound.encryption_key.expose(), bytes(child, "encr_i"), "{name}");
        assert_eq!(inbound.integrity_key.expose(), bytes(child, "integ_i"), "{name}");
        assert_eq!(outbound.encryption_key.expose(), bytes(child, "encr_r"), "{name}");
        assert_eq!(outbound.spi.to_be_bytes().to_vec(), bytes(child, "spi_i"), "{name}");
        assert_eq!(inbound.esn, name.ends_with("esn"));
        let nat = name.ends_with("natt");
        assert_eq!(inbound.udp_encapsulation, nat);
        let seen: IpAddr = if nat { "198.51.100.9" } else { "198.51.100.1" }.parse().unwrap();
        assert_eq!(inbound.remote_selectors, [TrafficSelector::host(47, seen)], "{name}");
        // The recorded answer has the same selectors.
        let recorded = golden["messages"]
            .as_array()
            .unwrap()
            .iter()
            .find(|m| {
                m["exchange"] == 35 && m["flags"] == 32 && m.get("payloads").is_some_and(Value::is_array)
            })
            .unwrap();
        if recorded.get("fragment").is_none() {
            let first = crate::wire::PayloadType::IDENTIFICATION_RESPONDER;
            let theirs = decode_payloads(first, &bytes(recorded, "plaintext")).unwrap();
            let ours = played.last(Direction::FromResponder);
            let selectors = |payloads: &[Payload]| {
                let is_ts = |p: &&Payload| {
                    matches!(p, Payload::TrafficSelectorsInitiator(_) | Payload::TrafficSelectorsResponder(_))
                };
                payloads.iter().filter(is_ts).cloned().collect::<Vec<_>>()
            };
            assert_eq!(selectors(&ours), selectors(&theirs), "{name}");
        }
    }
}

#[test]
fn recorded_initiator_is_served_through_liveness_rekey_and_delete() {
    let (mut played, golden) = stand_in("psk-transport-gre", Role::Responder, |_| {});
    // IKE_AUTH, liveness, rekey of the child SA, delete of the old one.
    play_requests(&mut played, &golden, 4);
    assert!(played.events().iter().any(|e| matches!(e, Event::ChildRekeyed { .. })), "{:?}", played.events());
    let view = played.endpoint.peers().next().unwrap();
    assert_eq!(view.children.len(), 2);
    assert_eq!(view.children[1].outbound_spi, 0x0200_0000);
    assert_eq!(view.outbound, Some(view.children[1].child));
    played.endpoint.handle_timeout(played.now + Duration::from_secs(6));
    let view = played.endpoint.peers().next().unwrap();
    assert_eq!(view.children.len(), 1, "the old one was drained");
}

#[test]
fn recorded_initiator_behind_nat_is_served_to_the_end() {
    let (mut played, golden) = stand_in("psk-transport-gre-natt", Role::Responder, |_| {});
    play_requests(&mut played, &golden, 6);
    assert!(played.events().iter().any(|e| matches!(e, Event::ChildRekeyed { .. })), "{:?}", played.events());
    assert!(
        played
            .events()
            .iter()
            .any(|e| matches!(e, Event::PeerDown { reason: DownReason::DeletedByPeer, .. }))
    );
    assert_eq!(played.endpoint.peers().count(), 0);
}

/// A recording, how our responder is configured, and what it says to the peer and to us.
type FailureCase = (&'static str, fn(&mut Config), NotifyType, FailureReason);

#[test]
fn recorded_failures_are_the_same_with_us() {
    let by = Side::Us;
    let cases: [FailureCase; 3] = [
        (
            "err-wrong-psk",
            // The recording carries the initiator's key; the hub had the guide's.
            |config| config.profiles[0].keyring = Keyring::any("Sup3rS3cr3tDMVPN!"),
            NotifyType::AUTHENTICATION_FAILED,
            FailureReason::AuthenticationFailed { by },
        ),
        (
            "err-no-proposal-child",
            |config| config.profiles[0].child.transforms[0].encryption = vec![Encryption::ChaCha20Poly1305],
            NotifyType::NO_PROPOSAL_CHOSEN,
            FailureReason::NoProposalChosen { by },
        ),
        (
            "err-ts-unacceptable",
            |config| {
                let host = TrafficSelector::host(6, [192, 0, 2, 1].into());
                config.profiles[0].child.selectors =
                    Selectors::Explicit { local: vec![host.clone()], remote: vec![host] };
            },
            NotifyType::TS_UNACCEPTABLE,
            FailureReason::TrafficSelectorsUnacceptable { by },
        ),
    ];
    for (name, configure, notify_type, reason) in cases {
        let (mut played, golden) = stand_in(name, Role::Responder, configure);
        play_requests(&mut played, &golden, 1);
        let answer = played.last(Direction::FromResponder);
        assert!(answer.contains(&Payload::Notify(Notify::new(notify_type))), "{name}: {answer:?}");
        let refused = |e: &&Event| matches!(e, Event::Refused { reason: r, .. } if *r == reason);
        assert!(played.events().iter().any(refused), "{name}");
    }
}

#[test]
fn recorded_responders_are_accepted_with_the_recorded_child_keys() {
    for name in [
        "cookie",
        "invalid-ke",
        "psk-transport-gre",
        "rekey-child-collision",
        "suite-gcm128-sha256-ecp256-esn",
    ] {
        let (mut played, golden) = stand_in(name, Role::Initiator, |_| {});
        let (child, local_spi) =
            played.endpoint.children.reserve(&mut *played.endpoint.rng, played.now).unwrap();
        let exchange = ChildExchange {
            child,
            local_spi,
            profile: ProfileId(0),
            nonce: Vec::new(),
            key_pair: None,
            replaces: None,
            collision: None,
            rounds: 0,
            deleted: Vec::new(),
        };
        let now = played.now;
        let sa = played.endpoint.sa_mut(played.key).unwrap();
        sa.requests.restart(1);
        sa.connecting = true;
        sa.requests.push(Outstanding {
            message_id: 1,
            datagrams: Vec::new(),
            pending: Pending::Auth(Some(Box::new(exchange))),
            sent: 1,
            interval: Duration::from_secs(1),
            factor_percent: 180,
            repeat: now + Duration::from_secs(1),
        });
        let response = golden["messages"]
            .as_array()
            .unwrap()
            .iter()
            .find(|message| message["exchange"] == 35 && message["flags"] == 32)
            .unwrap()
            .clone();
        played.datagram(&response);
        assert!(
            played.events().iter().any(|e| matches!(e, Event::ChildUp { .. })),
            "{name}: {:?}",
            played.outputs
        );
        let (inbound, outbound) = played.installed();
        let child = &golden["child_sas"][0];
        assert_eq!(inbound.encryption_key.expose(), bytes(child, "encr_r"), "{name}");
        assert_eq!(outbound.encryption_key.expose(), bytes(child, "encr_i"), "{name}");
        assert_eq!(outbound.integrity_key.expose(), bytes(child, "integ_i"), "{name}");
        assert_eq!(outbound.spi.to_be_bytes().to_vec(), bytes(child, "spi_r"), "{name}");
    }
}

#[test]
fn recorded_delete_of_an_unknown_key_changes_nothing() {
    let (mut played, golden) = stand_in("psk-transport-gre", Role::Responder, |_| {});
    play_requests(&mut played, &golden, 1);
    let before = played.endpoint.peers().next().unwrap();
    // Messages of the IKE SA after its rekey: an SPI that this endpoint never had.
    for message in golden["messages"].as_array().unwrap().iter().rev().take(2) {
        played.datagram(message);
    }
    assert_eq!(played.endpoint.peers().next().unwrap(), before);
    assert_eq!(played.endpoint.stats().drops.unknown_spi, 2);
}

/// Two endpoints without a wire: everything arrives at once.
fn pump(pair: &mut [Endpoint; 2], now: Instant) -> [Vec<Event>; 2] {
    let mut events = [Vec::new(), Vec::new()];
    let mut quiet = false;
    while !quiet {
        quiet = true;
        for from in 0..2 {
            while let Some(output) = pair[from].poll_output() {
                quiet = false;
                match output {
                    Output::Transmit(transmit) => {
                        let path = UdpPath { local: transmit.path.remote, remote: transmit.path.local };
                        pair[1 - from]
                            .handle_input(now, Input::Datagram { path, payload: &transmit.payload });
                    }
                    Output::Event(event) => events[from].push(event),
                    Output::Action(_) => {}
                }
            }
        }
    }
    events
}

fn pair(now: Instant) -> [Endpoint; 2] {
    [1u8, 2].map(|last| {
        let mut config = Config::new([192, 0, 2, last].into());
        config.profiles.push(Profile::new("p", Keyring::any("key")));
        config.profiles[0].proposals[0].groups = vec![Group::Curve25519];
        Endpoint::new(config, ChaCha20Rng::seed_from_u64(u64::from(last)), now).unwrap()
    })
}

/// RFC 7296 section 2.25.1: the peer has lost the child SA; ours goes silently, and a new one is made.
#[test]
fn child_sa_not_found_makes_a_new_one() {
    let now = origin();
    let mut pair = pair(now);
    pair[0].handle_input(now, Input::Connect { remote: [192, 0, 2, 2].into(), profile: ProfileId(0) });
    pump(&mut pair, now);
    let lost = pair[1].peers().next().unwrap().children[0].child;
    pair[1].child_gone(now, lost, DownReason::ProtocolError);
    pump(&mut pair, now);
    let old = pair[0].peers().next().unwrap().children[0].child;
    pair[0].handle_input(now, Input::RekeyChild { child: old });
    let [ours, theirs] = pump(&mut pair, now);
    let reason = DownReason::NotFoundByPeer;
    assert!(
        ours.iter()
            .any(|e| matches!(e, Event::ChildDown { child, reason: r, .. } if *child == old && *r == reason))
    );
    assert!(ours.iter().any(|e| matches!(e, Event::ChildUp { child, .. } if *child != old)));
    assert!(theirs.iter().any(|e| matches!(e, Event::ChildUp { .. })));
    assert_eq!(pair[0].peers().next().unwrap().children.len(), 1);
}

/// An authentic request that is malformed inside ends the IKE SA, with INVALID_SYNTAX (section 2.21.3); one with an
/// unknown critical payload is answered and ends nothing (section 2.5).
#[test]
fn authentic_nonsense() {
    use crate::wire::{ExchangeType, PayloadType};
    let now = origin();
    let mut pair = pair(now);
    pair[0].handle_input(now, Input::Connect { remote: [192, 0, 2, 2].into(), profile: ProfileId(0) });
    pump(&mut pair, now);
    let key = pair[0].sas.keys().copied().next().unwrap();
    let unknown = Payload::Unknown { payload_type: PayloadType(250), critical: true, body: vec![1] };
    pair[0].request(now, key, ExchangeType::INFORMATIONAL, &[unknown], Pending::Liveness);
    pump(&mut pair, now);
    assert_eq!((pair[0].peers().count(), pair[1].peers().count()), (1, 1));
    let nonsense = Payload::Unknown { payload_type: PayloadType::NONCE, critical: false, body: vec![1] };
    pair[0].request(now, key, ExchangeType::INFORMATIONAL, &[nonsense], Pending::Liveness);
    let [_, theirs] = pump(&mut pair, now);
    assert!(theirs.iter().any(|e| matches!(e, Event::PeerDown { reason: DownReason::ProtocolError, .. })));
    assert_eq!(pair[1].stats().invalid_syntax, 1);
    assert_eq!(pair[1].poll_timeout(), None);
}

/// Requests that overlap, answered in any order: each answer finds its own request, and what exceeds the peer's window
/// waits (RFC 7296 section 2.3).
#[test]
fn answers_in_any_order_within_the_window() {
    let now = origin();
    let mut pair = pair(now);
    pair[0].config.send_window = 8;
    pair[1].config.window = 3;
    pair[0].handle_input(now, Input::Connect { remote: [192, 0, 2, 2].into(), profile: ProfileId(0) });
    pump(&mut pair, now);
    assert_eq!(pair[0].peers().next().unwrap().ike_sas[0].remote_window, 3);
    let key = pair[0].sas.keys().copied().next().unwrap();
    let child = pair[0].peers().next().unwrap().children[0].child;
    // A rekey, the end of what is rekeyed, and a sign of life; a second one has to wait.
    pair[0].handle_input(now, Input::RekeyChild { child });
    let sa = pair[0].sa_mut(key).unwrap();
    sa.tasks.extend([Task::DeleteChild(child), Task::Liveness, Task::Liveness]);
    pair[0].settle(now);
    let sent = |endpoint: &mut Endpoint| {
        std::iter::from_fn(|| endpoint.poll_output())
            .filter_map(|output| match output {
                Output::Transmit(transmit) => Some(transmit),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let requests = sent(&mut pair[0]);
    let ids: Vec<u32> =
        requests.iter().map(|t| Message::decode(&t.payload).unwrap().header.message_id).collect();
    assert_eq!(ids, [2, 3, 4], "the peer's window is three");
    let mut answers = Vec::new();
    for request in requests.iter().rev() {
        let path = UdpPath { local: request.path.remote, remote: request.path.local };
        pair[1].handle_input(now, Input::Datagram { path, payload: &request.payload });
        answers.extend(sent(&mut pair[1]));
    }
    assert_eq!(pair[1].stats().drops, crate::Drops::default());
    assert_eq!(answers.len(), 3);
    for answer in [&answers[1], &answers[0], &answers[2]] {
        let path = UdpPath { local: answer.path.remote, remote: answer.path.local };
        pair[0].handle_input(now, Input::Datagram { path, payload: &answer.payload });
    }
    let [_, theirs] = pump(&mut pair, now);
    assert!(theirs.is_empty() || theirs.iter().all(|e| !matches!(e, Event::PeerDown { .. })));
    let sa = pair[0].sa(key).unwrap();
    assert!(sa.requests.is_idle() && sa.tasks.is_empty());
    // The DELETE overtook the rekey, which therefore found nothing (section 2.25.1): one more request made a new child SA.
    assert_eq!(sa.requests.next_id(), 7);
    assert_eq!(pair[0].poll_output(), None);
    let view = pair[1].peers().next().unwrap();
    assert_eq!(view.ike_sas[0].next_expected_id, 7);
    assert!(view.outbound.is_some() && pair[0].peers().next().unwrap().outbound.is_some());
}

/// Two endpoints whose IKE SA stands without a child SA.
fn childless(now: Instant) -> [Endpoint; 2] {
    let mut pair = pair(now);
    pair[0].handle_input(now, Input::Connect { remote: [192, 0, 2, 2].into(), profile: ProfileId(0) });
    pump(&mut pair, now);
    for endpoint in &mut pair {
        let child = endpoint.peers().next().unwrap().children[0].child;
        endpoint.child_gone(now, child, DownReason::ProtocolError);
        endpoint.settle(now);
    }
    pump(&mut pair, now);
    pair
}

#[test]
fn connect_reuses_an_ike_sa_without_child() {
    let now = origin();
    let mut pair = childless(now);
    let before = pair.each_ref().map(|endpoint| endpoint.stats().transmitted);
    pair[0].handle_input(now, Input::Connect { remote: [192, 0, 2, 2].into(), profile: ProfileId(0) });
    let [ours, theirs] = pump(&mut pair, now);
    assert!([ours, theirs].iter().all(|events| matches!(events[..], [Event::ChildUp { .. }])));
    for (endpoint, before) in pair.iter().zip(before) {
        assert_eq!(endpoint.stats().transmitted, before + 1, "CREATE_CHILD_SA only");
        assert_eq!(endpoint.peers().next().unwrap().ike_sas.len(), 1);
    }
}

#[test]
fn an_ike_sa_without_child_does_not_stay_for_ever() {
    let mut now = origin();
    let mut pair = childless(now);
    while let Some(at) = pair.iter().filter_map(Endpoint::poll_timeout).min() {
        now = now.max(at);
        assert!(now < origin() + Duration::from_secs(100));
        pair.iter_mut().for_each(|endpoint| endpoint.handle_timeout(now));
        pump(&mut pair, now);
    }
    assert!(pair.iter().all(|endpoint| endpoint.peers().count() == 0));
}

/// Both ends ask for a child SA at the same moment, on one IKE SA: every order in which the four messages can arrive,
/// and every one of them lost once.
#[test]
fn two_new_child_sas_at_once_become_one() {
    use std::collections::VecDeque;
    // Each digit of a schedule is a choice among what is on its way: to which end, the older or the newer, or lost.
    for schedule in 0..6_u32.pow(4) {
        let mut now = origin();
        let mut pair = childless(now);
        let mut wire: [VecDeque<(UdpPath, Vec<u8>)>; 2] = Default::default();
        let connect =
            |remote: u8| Input::Connect { remote: [192, 0, 2, remote].into(), profile: ProfileId(0) };
        pair[0].handle_input(now, connect(2));
        pair[1].handle_input(now, connect(1));
        let mut choices = (0..4).map(|digit| schedule / 6_u32.pow(digit) % 6);
        for _ in 0..200 {
            for from in 0..2 {
                while let Some(output) = pair[from].poll_output() {
                    if let Output::Transmit(transmit) = output {
                        let path = UdpPath { local: transmit.path.remote, remote: transmit.path.local };
                        wire[1 - from].push_back((path, transmit.payload));
                    }
                }
            }
            if wire.iter().all(VecDeque::is_empty) {
                // Long enough for repetitions, and for the grace of what was deleted.
                let Some(at) = pair.iter().filter_map(Endpoint::poll_timeout).min() else { break };
                if at > origin() + Duration::from_secs(60) {
                    break;
                }
                now = now.max(at);
                pair.iter_mut().for_each(|endpoint| endpoint.handle_timeout(now));
                continue;
            }
            let choice = choices.next().unwrap_or(0);
            let mut to = (choice % 2) as usize;
            if wire[to].is_empty() {
                to = 1 - to;
            }
            let newest = if choice / 2 == 1 { wire[to].pop_back() } else { wire[to].pop_front() };
            if let (Some((path, payload)), true) = (newest, choice / 2 < 2) {
                pair[to].handle_input(now, Input::Datagram { path, payload: &payload });
            }
        }
        let views = pair.each_ref().map(|endpoint| endpoint.peers().next().unwrap());
        for view in &views {
            assert_eq!(view.children.len(), 1, "schedule {schedule}: {views:?}");
            assert_eq!(view.outbound, Some(view.children[0].child), "schedule {schedule}");
        }
        assert_eq!(
            views[0].children[0].inbound_spi, views[1].children[0].outbound_spi,
            "schedule {schedule}"
        );
    }
}

/// A child SA that the peer made and deleted again before its answer arrived is not installed; another one takes its
/// place.
#[test]
fn delete_that_overtakes_the_answer() {
    let now = origin();
    let mut pair = childless(now);
    pair[0].handle_input(now, Input::Connect { remote: [192, 0, 2, 2].into(), profile: ProfileId(0) });
    let Some(Output::Transmit(request)) = pair[0].poll_output() else { panic!("no request") };
    let back = UdpPath { local: request.path.remote, remote: request.path.local };
    pair[1].handle_input(now, Input::Datagram { path: back, payload: &request.payload });
    let made = pair[1].peers().next().unwrap().children[0].child;
    let mut late = None;
    while let Some(output) = pair[1].poll_output() {
        if let Output::Transmit(transmit) = output {
            late = Some(transmit);
        }
    }
    pair[1].handle_input(now, Input::ExpireChild { child: made });
    // CREATE_CHILD_SA of the other end and then DELETE arrive first.
    pump(&mut pair, now);
    let late = late.unwrap();
    let path = UdpPath { local: late.path.remote, remote: late.path.local };
    pair[0].handle_input(now, Input::Datagram { path, payload: &late.payload });
    pump(&mut pair, now);
    let mut later = now;
    for _ in 0..20 {
        let Some(at) = pair.iter().filter_map(Endpoint::poll_timeout).min() else { break };
        if at > now + Duration::from_secs(30) {
            break;
        }
        later = later.max(at);
        pair.iter_mut().for_each(|endpoint| endpoint.handle_timeout(later));
        pump(&mut pair, later);
    }
    let views = pair.each_ref().map(|endpoint| endpoint.peers().next().unwrap());
    assert!(views.iter().all(|view| view.children.len() == 1), "{views:?}");
    assert_eq!(views[0].children[0].inbound_spi, views[1].children[0].outbound_spi);
}

/// A peer that is authenticated and malicious, or broken, sends requests with a payload missing, or with fields that an
/// answer must not repeat (libreswan CVE-2023-38710: protocol 0 or 1 in REKEY_SA ended the daemon). Each gets an error with
/// sound fields, and nothing changes.
#[test]
fn requests_with_something_missing_or_senseless() {
    use crate::wire::{ExchangeType, PayloadType, ProtocolId, Spi};
    let now = origin();
    let mut pair = pair(now);
    pair[0].handle_input(now, Input::Connect { remote: [192, 0, 2, 2].into(), profile: ProfileId(0) });
    pump(&mut pair, now);
    let key = pair[0].sas.keys().copied().next().unwrap();
    let before = pair[1].peers().next().unwrap().children;
    let spi = before[0].outbound_spi;
    let offer = pair[0].offer_child(now, key, ProfileId(0), false).unwrap();
    let whole: Vec<Payload> = offer.payloads.into_iter().chain([Payload::Nonce(vec![7; 32])]).collect();
    let is_needed = |payload: &Payload| {
        [
            PayloadType::SECURITY_ASSOCIATION,
            PayloadType::NONCE,
            PayloadType::TRAFFIC_SELECTOR_INITIATOR,
            PayloadType::TRAFFIC_SELECTOR_RESPONDER,
        ]
        .contains(&payload.payload_type())
    };
    let mut requests = Vec::new();
    for missing in (0..whole.len()).filter(|at| is_needed(&whole[*at])) {
        let mut request = whole.clone();
        request.remove(missing);
        requests.push((request, NotifyType::INVALID_SYNTAX));
    }
    for protocol in [0, 1, 2, 4, 255] {
        let rekey = Notify {
            protocol: ProtocolId(protocol),
            spi: Spi::esp(spi),
            notify_type: NotifyType::REKEY_SA,
            data: Vec::new(),
        };
        let request = core::iter::once(Payload::Notify(rekey)).chain(whole.iter().cloned()).collect();
        requests.push((request, NotifyType::INVALID_SYNTAX));
    }
    let unknown = Payload::Notify(Notify::for_esp(NotifyType::REKEY_SA, spi ^ 1));
    let request = core::iter::once(unknown).chain(whole.iter().cloned()).collect();
    requests.push((request, NotifyType::CHILD_SA_NOT_FOUND));
    for (request, expected) in requests {
        pair[0].request(now, key, ExchangeType::CREATE_CHILD_SA, &request, Pending::Liveness);
        let sent: Vec<_> = std::iter::from_fn(|| pair[0].poll_output()).collect();
        let Some(Output::Transmit(transmit)) = sent.last() else { panic!("{sent:?}") };
        let path = UdpPath { local: transmit.path.remote, remote: transmit.path.local };
        pair[1].handle_input(now, Input::Datagram { path, payload: &transmit.payload });
        let answer = std::iter::from_fn(|| pair[1].poll_output())
            .find_map(|output| match output {
                Output::Transmit(transmit) => Some(transmit),
                _ => None,
            })
            .unwrap();
        let sealed = Message::decode(&answer.payload).unwrap().sealed.unwrap();
        let open = &pair[0].sa(key).unwrap().protection.as_ref().unwrap().open;
        let plain = open.open(&answer.payload, &sealed).unwrap();
        let payloads = decode_payloads(sealed.first, &plain).unwrap();
        let [Payload::Notify(notify)] = &payloads[..] else { panic!("{payloads:?}") };
        assert_eq!(notify.notify_type, expected, "{request:?}");
        let path = UdpPath { local: answer.path.remote, remote: answer.path.local };
        pair[0].handle_input(now, Input::Datagram { path, payload: &answer.payload });
        assert_eq!(pair[1].peers().next().unwrap().children, before);
    }
}
