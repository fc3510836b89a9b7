//! What real implementations sent: every message of the recorded strongSwan negotiations, both as bytes and as inputs,
//! and captures that broke other parsers.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod common;

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use common::{Net, guide};
use ikev2::wire::{Message, NotifyType, Payload};
use ikev2::{Config, Event, FailureReason, Group, Input, Side, UdpPath};
use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::{Block, PcapNgReader};

fn own(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/negotiations").join(name).join("capture.pcap")
}

/// Folder of captures that others made; not part of the repository.
fn foreign(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("DMVPN_CAPTURES").map_or_else(
        || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures")).to_path_buf(),
        PathBuf::from,
    );
    let path = folder.join("ipsec/tcpdump").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {name} is not here");
    None
}

fn frames(path: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(path).unwrap();
    if path.extension().is_some_and(|extension| extension == "pcapng") {
        let mut reader = PcapNgReader::new(bytes.as_slice()).unwrap();
        let mut frames = Vec::new();
        while let Some(Ok(block)) = reader.next_block() {
            if let Block::EnhancedPacket(packet) = block {
                frames.push(packet.data.to_vec());
            }
        }
        return frames;
    }
    let mut reader = PcapReader::new(bytes.as_slice()).unwrap();
    let mut frames = Vec::new();
    while let Some(Ok(packet)) = reader.next_packet() {
        frames.push(packet.data.to_vec());
    }
    frames
}

/// UDP payloads over IPv4 on Ethernet or BSD loopback, with source and destination.
fn udp(frame: &[u8]) -> Option<(SocketAddr, SocketAddr, Vec<u8>)> {
    let loopback = frame.get(..4)? == [2, 0, 0, 0];
    let ip = frame.get(if loopback { 4 } else { 14 }..)?;
    if (!loopback && frame.get(12..14)? != [8, 0]) || ip.get(9)? != &17 {
        return None;
    }
    let start = usize::from(ip[0] & 0x0f) * 4;
    let address = |at: usize| IpAddr::from(<[u8; 4]>::try_from(&ip[at..at + 4]).unwrap());
    let port = |at: usize| Some(u16::from_be_bytes(ip.get(start + at..start + at + 2)?.try_into().ok()?));
    let length = usize::from(port(4)?);
    let payload = ip.get(start + 8..start + length)?.to_vec();
    Some((SocketAddr::new(address(12), port(0)?), SocketAddr::new(address(16), port(2)?), payload))
}

/// IKE messages of a recording, with markers and keepalives taken off.
fn messages(path: &Path) -> Vec<(SocketAddr, SocketAddr, Vec<u8>)> {
    frames(path)
        .iter()
        .filter_map(|frame| udp(frame))
        .filter_map(|(source, destination, payload)| {
            let on_nat_port = source.port() == 4500 || destination.port() == 4500;
            match (on_nat_port, payload.as_slice()) {
                (_, [0xff]) => None,
                (true, [0, 0, 0, 0, rest @ ..]) => Some((source, destination, rest.to_vec())),
                (true, _) => None,
                (false, _) => Some((source, destination, payload)),
            }
        })
        .collect()
}

const NEGOTIATIONS: [(&str, usize); 13] = [
    ("cookie", 6),
    ("crossed-initiation", 8),
    ("err-no-proposal-child", 4),
    ("err-no-proposal-ike", 2),
    ("err-ts-unacceptable", 4),
    ("err-wrong-psk", 4),
    ("fragmentation", 9),
    ("invalid-ke", 6),
    ("psk-transport-gre", 16),
    ("psk-transport-gre-natt", 14),
    ("rekey-child-collision", 14),
    ("retransmit-dead-peer", 4),
    ("suite-gcm128-sha256-ecp256-esn", 4),
];

#[test]
fn every_recorded_message_is_encoded_to_the_same_bytes() {
    for (name, expected) in NEGOTIATIONS {
        let messages = messages(&own(name));
        assert_eq!(messages.len(), expected, "{name}");
        for (index, (_, _, bytes)) in messages.iter().enumerate() {
            let message = Message::decode(bytes).unwrap_or_else(|error| panic!("{name} {index}: {error}"));
            assert_eq!(message.encode(), *bytes, "{name} {index}");
        }
    }
}

/// Our responder gets the recorded first request and takes the decision that strongSwan took.
fn answer(name: &str, index: usize, configure: impl Fn(&mut Config)) -> (Message, Vec<Event>) {
    let (source, destination, bytes) = messages(&own(name)).swap_remove(index);
    let mut config = guide(1);
    config.local = destination.ip();
    configure(&mut config);
    let mut net = Net::new(vec![config], 1);
    net.input(0, Input::Datagram { path: UdpPath { local: destination, remote: source }, payload: &bytes });
    let answer = Message::decode(&net.log[0].bytes).unwrap();
    (answer, net.nodes[0].events.clone())
}

fn notify_type(message: &Message) -> Option<NotifyType> {
    match message.payloads.first() {
        Some(Payload::Notify(notify)) => Some(notify.notify_type),
        _ => None,
    }
}

#[test]
fn recorded_first_requests_get_the_recorded_answers() {
    let (ours, _) = answer("psk-transport-gre", 0, |_| {});
    let recorded = Message::decode(&messages(&own("psk-transport-gre"))[1].2).unwrap();
    assert_eq!(ours.payloads[0], recorded.payloads[0], "the same proposal is chosen");

    let (ours, _) = answer("psk-transport-gre-natt", 0, |_| {});
    assert!(matches!(ours.payloads[0], Payload::SecurityAssociation(_)));

    let (ours, _) = answer("invalid-ke", 0, |_| {});
    let recorded = Message::decode(&messages(&own("invalid-ke"))[1].2).unwrap();
    assert_eq!(ours.payloads, recorded.payloads, "INVALID_KE_PAYLOAD with group 14");

    let (ours, events) = answer("err-no-proposal-ike", 0, |config| {
        config.profiles[0].proposals[0].groups = vec![Group::Ecp521];
    });
    assert_eq!(notify_type(&ours), Some(NotifyType::NO_PROPOSAL_CHOSEN));
    let reason = FailureReason::NoProposalChosen { by: Side::Us };
    assert!(events.iter().any(|event| matches!(event, Event::Refused { reason: r, .. } if *r == reason)));

    let (ours, _) = answer("cookie", 0, |config| config.limits.cookie_threshold = 0);
    assert_eq!(notify_type(&ours), Some(NotifyType::COOKIE));
}

#[test]
fn first_request_of_ours_has_the_payloads_of_a_recorded_one() {
    let mut net = Net::new(vec![guide(1)], 2);
    net.input(0, Input::Connect { remote: common::ip(2), profile: ikev2::ProfileId(0) });
    let ours = Message::decode(&net.log[0].bytes).unwrap();
    let recorded = Message::decode(&messages(&own("psk-transport-gre"))[0].2).unwrap();
    let types = |message: &Message| {
        message.payloads.iter().map(|payload| payload.payload_type()).take(6).collect::<Vec<_>>()
    };
    assert_eq!(ours.payloads[0], recorded.payloads[0], "the guide's proposal, byte for byte");
    assert_eq!(types(&ours), types(&recorded));
}

#[test]
fn captures_that_crashed_others_do_not_crash_us() {
    let names = [
        "ikev2-id-normal.pcap",
        "ikev2-id-short.pcap",
        "ikev2four.pcap",
        "ikev2pI2-segfault.pcapng",
        "ikev2pI2.pcap",
        "isakmp-3948-oobr-2.pcap",
        "isakmp-delete-segfault.pcap",
        "isakmp-identification-segfault.pcap",
        "isakmp-ikev1_n_print-oobr.pcap",
        "isakmp-no-none-np.pcapng",
        "isakmp-pointer-loop.pcap",
        "isakmp-rfc3948-oobr.pcap",
        "isakmp-various-oobr.pcap",
        "isakmp4500.pcap",
        "isakmpv1-attr-oobr.pcap",
    ];
    let mut offered = 0;
    for path in names.into_iter().filter_map(foreign) {
        let mut net = Net::new(vec![guide(1)], 3);
        for frame in frames(&path) {
            // Many of them are not well-formed down to UDP: every suffix of a frame is worth a try.
            for start in 0..frame.len().min(80) {
                let bytes = &frame[start..];
                let _ = Message::decode(bytes);
                let path = UdpPath {
                    local: SocketAddr::new(common::ip(1), 500),
                    remote: SocketAddr::new(common::ip(9), 500),
                };
                net.input(0, Input::Datagram { path, payload: bytes });
                offered += 1;
            }
        }
        assert_eq!(net.nodes[0].endpoint.peers().count(), 0);
    }
    eprintln!("{offered} datagrams offered");
}

#[test]
fn ikev2_messages_of_other_implementations_survive_encoding() {
    for (name, minimum) in [("ikev2four.pcap", 1), ("ikev2pI2.pcap", 2)] {
        let Some(path) = foreign(name) else { continue };
        let mut seen = 0;
        for (_, _, bytes) in messages(&path) {
            let message = match Message::decode(&bytes) {
                Ok(message) => message,
                Err(error) => {
                    eprintln!("{name}: {error}");
                    continue;
                }
            };
            let again = Message::decode(&message.encode()).unwrap();
            assert_eq!(again, message, "{name}");
            seen += 1;
        }
        assert!(seen >= minimum, "{name}: {seen}");
    }
}
