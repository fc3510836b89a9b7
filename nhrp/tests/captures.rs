//! Frames of real routers: decoded, written again, mutated, and replayed against a node.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may fail where it stands, and says what it skips"
)]

mod common;

use std::fs;
use std::path::PathBuf;

use common::{ip, net, rng, secs};
use nhrp::wire::{ExtensionType, Packet, PacketType};
use nhrp::{Authentication, Config, Input, Nhs, Node, Output, PathId};
use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::{Block, PcapNgReader};

fn captures() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures");
    PathBuf::from(std::env::var_os("DMVPN_CAPTURES").unwrap_or_else(|| default.into())).join("nhrp")
}

/// NHRP packets of a capture file, with outer source and destination; `None` if the file is absent.
fn nhrp_of(name: &str) -> Option<Vec<(std::net::IpAddr, std::net::IpAddr, Vec<u8>)>> {
    let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let Ok(file) = fs::read(PathBuf::from(ours).join(name)).or_else(|_| fs::read(captures().join(name)))
    else {
        eprintln!("skipped: {name} is not here");
        return None;
    };
    let mut frames = Vec::new();
    if name.ends_with("ng") {
        let mut reader = PcapNgReader::new(&file[..]).unwrap();
        while let Some(block) = reader.next_block() {
            if let Ok(Block::EnhancedPacket(packet)) = block {
                frames.push((1, packet.data.to_vec()));
            }
        }
    } else {
        let mut reader = PcapReader::new(&file[..]).unwrap();
        let link = u32::from(reader.header().datalink);
        while let Some(packet) = reader.next_packet() {
            frames.push((link, packet.unwrap().data.to_vec()));
        }
    }
    Some(frames.iter().filter_map(|(link, frame)| nhrp_in(*link, frame)).collect())
}

fn nhrp_in(link: u32, frame: &[u8]) -> Option<(std::net::IpAddr, std::net::IpAddr, Vec<u8>)> {
    let ip = match link {
        1 if frame.get(12..14)? == [0x81, 0x00] => frame.get(18..)?,
        1 => frame.get(14..)?,
        101 => frame,
        113 => frame.get(16..)?,
        _ => return None,
    };
    if ip.first()? >> 4 != 4 || *ip.get(9)? != 47 {
        return None;
    }
    let total = usize::from(u16::from_be_bytes(ip.get(2..4)?.try_into().ok()?));
    let gre = ip.get(usize::from(ip[0] & 15) * 4..total)?;
    if gre.get(2..4)? != [0x20, 0x01] {
        return None;
    }
    let flags = gre[0];
    let header = 4 + [0x80, 0x20, 0x10].iter().filter(|bit| flags & **bit != 0).count() * 4;
    let address = |at: usize| <[u8; 4]>::try_from(ip.get(at..at + 4)?).ok().map(std::net::IpAddr::from);
    Some((address(12)?, address(16)?, gre.get(header..)?.to_vec()))
}

const FILES: [(&str, usize); 7] = [
    ("NHRP-responder-address.pcap", 2),
    ("NHRP_registration.pcap", 4),
    ("ios_nhrp.pcap", 1),
    ("nhrp-trace.pcap", 4),
    ("nhrp.pcapng", 25),
    ("lab-frr844-nat-shortcut.pcap", 84),
    ("lab-opennhrp-purge-error.pcap", 41),
];

#[test]
fn every_captured_frame_decodes_and_encodes_to_the_same_bytes() {
    for (name, count) in FILES {
        let Some(frames) = nhrp_of(name) else { continue };
        assert_eq!(frames.len(), count, "{name}");
        for (index, (_, _, bytes)) in frames.iter().enumerate() {
            let packet = Packet::decode(bytes).unwrap_or_else(|error| panic!("{name} {index}: {error}"));
            assert_eq!(&packet.encode().unwrap(), bytes, "{name} {index}");
            for extension in packet.extensions.iter().flatten() {
                if matches!(extension.kind.0, 3 | 4 | 5 | 9) {
                    assert!(extension.entries().is_some(), "{name} {index} {extension:?}");
                }
            }
            for len in 0..bytes.len() {
                assert!(Packet::decode(&bytes[..len]).is_err(), "{name} {index} cut at {len}");
            }
        }
    }
}

/// Every captured frame with every byte changed, with a wrong and with a right checksum, against a hub and a spoke: neither
/// panics, and with the wrong checksum nothing at all happens.
#[test]
fn mutated_frames_never_harm_a_node() {
    let now = <std::time::Instant as common::Origin>::now_for_tests();
    for (name, _) in FILES {
        let Some(frames) = nhrp_of(name) else { continue };
        let frames: std::collections::BTreeSet<Vec<u8>> =
            frames.into_iter().map(|(_, _, bytes)| bytes).collect();
        for bytes in frames {
            let mut hub = Config::new(ip("10.0.0.1"), net("10.0.0.0/8"), ip("203.0.113.1"), 1);
            hub.redirect = Some(secs(8));
            let mut spoke = hub.clone();
            spoke.tunnel_address = ip("10.0.0.11");
            spoke.nhs = vec![Nhs::new(Some(ip("10.0.0.1")), Some(ip("203.0.113.1")))];
            spoke.shortcut = true;
            let mut nodes = [Node::new(hub, rng(1), now).unwrap(), Node::new(spoke, rng(2), now).unwrap()];
            for node in &mut nodes {
                let (nbma, path) = (ip("203.0.113.1"), PathId(1));
                node.handle_input(now, Input::PathUp { nbma, path, proven: true, identity: None });
                node.handle_input(now, Input::Resolve { destination: ip("10.0.0.12") });
                while node.poll_output().is_some() {}
            }
            for at in 0..bytes.len() {
                for change in [0x01, 0x80, 0xff] {
                    let mut wrong = bytes.clone();
                    wrong[at] ^= change;
                    let mut right = wrong.clone();
                    right[12..14].fill(0);
                    let size = usize::from(u16::from_be_bytes([right[10], right[11]])).min(right.len());
                    let checksum = internet_checksum::checksum(&right[..size]);
                    right[12..14].copy_from_slice(&checksum);
                    for node in &mut nodes {
                        let before = node.cache().collect::<Vec<_>>();
                        let (nbma, path) = (ip("203.0.113.1"), PathId(1));
                        node.handle_input(now, Input::Packet { nbma, path, payload: &wrong });
                        assert!(node.poll_output().is_none(), "{name}: a wrong checksum has an effect");
                        assert_eq!(node.cache().collect::<Vec<_>>(), before);
                        node.handle_input(now, Input::Packet { nbma, path, payload: &right });
                        let outputs = std::iter::from_fn(|| node.poll_output()).count();
                        assert!(outputs < 32, "{name}: {outputs} outputs for one packet");
                    }
                }
            }
        }
    }
}

#[test]
fn malformed_frame_that_made_a_decoder_loop_is_an_error() {
    let Ok(file) = fs::read(captures().join("pb_nhrp_1.pcap")) else {
        eprintln!("skipped: pb_nhrp_1.pcap is not here");
        return;
    };
    // Behind file header, record header, and whatever link layer: every start is tried.
    for start in 24..file.len() {
        assert!(Packet::decode(&file[start..]).is_err());
    }
}

/// Bytes of a packet but for request id and checksum.
fn comparable(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[12..14].fill(0);
    bytes[24..28].fill(0);
    bytes
}

fn transmitted(node: &mut Node) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| node.poll_output())
        .filter_map(|output| match output {
            Output::Transmit { payload, .. } => Some(payload),
            _ => None,
        })
        .collect()
}

/// Our spoke, configured as the recorded IOS spoke, sends the recorded registration; our hub sends the recorded reply.
#[test]
fn registration_exchange_of_ios_is_ours_byte_for_byte() {
    let Some(frames) = nhrp_of("NHRP_registration.pcap") else { return };
    let now = <std::time::Instant as common::Origin>::now_for_tests();
    let (request, reply) = (&frames[0].2, &frames[1].2);

    let mut spoke = Config::new(ip("169.254.100.1"), net("169.254.100.0/24"), ip("169.254.100.1"), 1);
    let captured = Packet::decode(request).unwrap();
    let (own, hub) = (captured.source_protocol.ip().unwrap(), captured.destination_protocol.ip().unwrap());
    spoke.tunnel_address = own;
    spoke.prefix = net("155.1.0.0/16");
    spoke.nbma = captured.source_nbma.ip().unwrap();
    spoke.authentication = Some(Authentication::new("NHRPAUTH"));
    let hub_nbma = frames[0].1;
    spoke.nhs = vec![Nhs::new(Some(hub), Some(hub_nbma))];
    let mut node = Node::new(spoke.clone(), rng(3), now).unwrap();
    node.handle_input(now, Input::PathUp { nbma: hub_nbma, path: PathId(1), proven: true, identity: None });
    let ours = transmitted(&mut node);
    assert_eq!(comparable(&ours[0]), comparable(request));

    let mut config = Config::new(hub, spoke.prefix, hub_nbma, 1);
    config.authentication = spoke.authentication.clone();
    let mut node = Node::new(config, rng(4), now).unwrap();
    let from = frames[0].0;
    node.handle_input(now, Input::Packet { nbma: from, path: PathId(1), payload: request });
    assert_eq!(&transmitted(&mut node)[0], reply);
}

#[test]
fn newer_ios_registration_is_answered_as_the_recorded_hub_did() {
    let Some(frames) = nhrp_of("nhrp.pcapng") else { return };
    let now = <std::time::Instant as common::Origin>::now_for_tests();
    for pair in frames.chunks(2).take(6) {
        let [(from, hub_nbma, request), (_, _, reply)] = pair else { continue };
        let captured = Packet::decode(request).unwrap();
        let hub = captured.destination_protocol.ip().unwrap();
        let mut config = Config::new(hub, net("10.64.0.0/15"), *hub_nbma, 1);
        config.authentication = Some(Authentication::new("OTUS"));
        config.mtu = 17916;
        let mut node = Node::new(config, rng(5), now).unwrap();
        node.handle_input(now, Input::Packet { nbma: *from, path: PathId(1), payload: request });
        assert_eq!(&transmitted(&mut node)[0], reply);
    }
}

/// Phase 3 of IOS: the recorded indication makes our spoke send the recorded request; our hub forwards it as recorded; our
/// target answers as recorded.
#[test]
fn phase_3_exchange_of_ios_is_ours() {
    let Some(frames) = nhrp_of("nhrp-trace.pcap") else { return };
    let now = <std::time::Instant as common::Origin>::now_for_tests();
    let base = |tunnel: &str, nbma: &str| {
        let mut config = Config::new(ip(tunnel), net("10.255.255.0/24"), ip(nbma), 1);
        config.authentication = Some(Authentication::new("secret"));
        config.mtu = 1514;
        config
    };
    let [hub, hub_nbma] = ["10.255.255.1", "192.168.200.1"];
    let spoke = |tunnel, nbma| {
        let mut config = base(tunnel, nbma);
        config.nhs = vec![Nhs::new(Some(ip(hub)), Some(ip(hub_nbma)))];
        config.shortcut = true;
        config
    };
    let path_up = |node: &mut Node, nbma: &str, path| {
        node.handle_input(
            now,
            Input::PathUp { nbma: ip(nbma), path: PathId(path), proven: true, identity: None },
        );
    };

    // The requester. Its server is up; the traffic indication names 10.255.255.2 as destination.
    let mut requester = Node::new(spoke("10.255.255.3", "192.168.200.3"), rng(1), now).unwrap();
    path_up(&mut requester, hub_nbma, 1);
    let registration = transmitted(&mut requester).remove(0);
    let mut server = Node::new(base(hub, hub_nbma), rng(2), now).unwrap();
    let from = |nbma: &str, path, payload: &[u8], node: &mut Node| {
        node.handle_input(now, Input::Packet { nbma: ip(nbma), path: PathId(path), payload });
    };
    from("192.168.200.3", 3, &registration, &mut server);
    let reply = transmitted(&mut server).remove(0);
    from(hub_nbma, 1, &reply, &mut requester);
    transmitted(&mut requester);
    from(hub_nbma, 1, &frames[0].2, &mut requester);
    let request = transmitted(&mut requester).remove(0);
    // Deviation: newer IOS, and we, say prefix length 32 where this IOS said 0.
    let mut recorded = Packet::decode(&frames[1].2).unwrap();
    if let nhrp::wire::Body::Entries(entries) = &mut recorded.body {
        entries[0].prefix_len = 32;
    }
    assert_eq!(comparable(&request), comparable(&recorded.encode().unwrap()));

    // The server forwards the recorded request.
    let mut target = Node::new(spoke("10.255.255.2", "192.168.200.2"), rng(3), now).unwrap();
    path_up(&mut target, hub_nbma, 1);
    let registration = transmitted(&mut target).remove(0);
    from("192.168.200.2", 2, &registration, &mut server);
    let reply = transmitted(&mut server).remove(0);
    from(hub_nbma, 1, &reply, &mut target);
    from("192.168.200.3", 3, &frames[1].2, &mut server);
    let forwarded = Packet::decode(&transmitted(&mut server).remove(0)).unwrap();
    let mut recorded = Packet::decode(&frames[2].2).unwrap();
    host_prefix_in_records(&mut recorded);
    assert_eq!(forwarded, recorded);

    // The target answers the recorded forwarded request, over the direct path.
    path_up(&mut target, "192.168.200.3", 2);
    transmitted(&mut target);
    from(hub_nbma, 1, &frames[2].2, &mut target);
    let answer = Packet::decode(&transmitted(&mut target).remove(0)).unwrap();
    let recorded = Packet::decode(&frames[3].2).unwrap();
    assert_eq!(answer.packet_type, PacketType::RESOLUTION_REPLY);
    assert_eq!((answer.flags, answer.request_id), (recorded.flags, recorded.request_id));
    assert_eq!(answer.entries(), recorded.entries());
    let responder =
        |packet: &Packet| packet.extension(ExtensionType::RESPONDER_ADDRESS).unwrap().entries().unwrap();
    assert_eq!(responder(&answer)[0].protocol, responder(&recorded)[0].protocol);
    assert_eq!(
        answer.extension(ExtensionType::FORWARD_TRANSIT_RECORD),
        recorded.extension(ExtensionType::FORWARD_TRANSIT_RECORD)
    );
}

/// Transit records of this IOS have prefix length 0, of newer ones and of ours 32.
fn host_prefix_in_records(packet: &mut Packet) {
    for extension in packet.extensions.iter_mut().flatten() {
        if extension.kind == ExtensionType::FORWARD_TRANSIT_RECORD {
            let mut entries = extension.entries().unwrap();
            entries.iter_mut().for_each(|entry| entry.prefix_len = 32);
            *extension = nhrp::wire::Extension::with_entries(extension.kind, &entries).unwrap();
        }
    }
}

/// What other implementations' spokes sent to their hub, sent to ours: every registration is accepted, resolutions are
/// forwarded, purges are answered, the wrong string is refused.
#[test]
fn hub_serves_recorded_spokes_of_frr_and_opennhrp() {
    for (name, secret, expected) in [
        ("lab-frr844-nat-shortcut.pcap", None, [27, 6, 0, 0]),
        ("lab-opennhrp-purge-error.pcap", Some("secret"), [6, 2, 2, 6]),
    ] {
        let frames = nhrp_of(name).unwrap();
        let now = <std::time::Instant as common::Origin>::now_for_tests();
        let mut config = Config::new(ip("10.0.0.1"), net("10.0.0.0/24"), ip("203.0.113.1"), 1);
        config.authentication = secret.map(Authentication::new);
        config.limits.errors_per_second = 1000;
        let mut hub = Node::new(config, rng(1), now).unwrap();
        let routes = [
            ("192.168.11.0/24", "10.0.0.11"),
            ("192.168.12.0/24", "10.0.0.12"),
            ("192.168.13.0/24", "10.0.0.13"),
        ];
        let mut seen = [0; 4];
        for (from, to, bytes) in frames {
            if to != ip("203.0.113.1") {
                continue;
            }
            let octets = match from {
                std::net::IpAddr::V4(address) => address.octets(),
                std::net::IpAddr::V6(_) => continue,
            };
            let path = PathId(u64::from(u32::from_be_bytes(octets)));
            hub.handle_input(now, Input::Packet { nbma: from, path, payload: &bytes });
            while let Some(output) = hub.poll_output() {
                match output {
                    Output::RouteQuery { token, destination } => {
                        let route = routes
                            .iter()
                            .map(|(prefix, via)| (net(prefix), ip(via)))
                            .find(|(p, _)| p.contains(&destination));
                        let route = route.map(|(prefix, via)| nhrp::RouteInfo {
                            prefix,
                            through_tunnel: true,
                            next_hop: Some(via),
                        });
                        hub.handle_input(now, Input::RouteAnswer { token, route });
                    }
                    Output::Transmit { payload, .. } => {
                        let packet = Packet::decode(&payload).unwrap();
                        match packet.packet_type {
                            PacketType::REGISTRATION_REPLY => {
                                seen[0] += 1;
                                assert!(packet.entries().iter().all(|entry| entry.code.0 == 0));
                                let nat =
                                    packet.extension(ExtensionType::NAT_ADDRESS).unwrap().entries().unwrap();
                                let behind_nat = packet.source_nbma.ip() != Some(from);
                                assert_eq!(nat.len(), if behind_nat { 2 } else { 1 });
                                assert!(!behind_nat || nat[1].nbma.ip() == Some(from));
                            }
                            PacketType::RESOLUTION_REQUEST => {
                                seen[1] += 1;
                                assert!(
                                    packet
                                        .extension(ExtensionType::FORWARD_TRANSIT_RECORD)
                                        .is_some_and(|e| e.value.len() == 20)
                                );
                            }
                            PacketType::PURGE_REPLY => seen[2] += 1,
                            PacketType::ERROR_INDICATION => seen[3] += 1,
                            _ => {}
                        }
                    }
                    _ => {}
                }
            }
        }
        assert_eq!(seen, expected, "{name}: registrations, forwarded resolutions, purges, errors");
    }
}
