//! Packets of other implementations: vectors byte for byte, and recordings.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tells what was seen or skipped")]

use std::path::PathBuf;

use ospf_p2mp::wire::{DecodeError, Lsa, Packet, PacketBody};
use pcap_file::DataLink;
use pcap_file::pcap::PcapReader;

fn folder() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures");
    PathBuf::from(std::env::var("DMVPN_CAPTURES").unwrap_or_else(|_| default.to_owned())).join("ospf")
}

fn read(path: &str) -> Option<Vec<u8>> {
    let path = folder().join(path);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        eprintln!("skipped: {} is not here", path.display());
    }
    bytes
}

#[test]
fn every_vector_decodes_and_encodes_to_the_same_bytes() {
    let Some(text) = read("holo/packet-vectors.json") else { return };
    let vectors: Vec<serde_json::Value> = serde_json::from_slice(&text).expect("vectors are JSON");
    assert_eq!(vectors.len(), 22);
    for vector in &vectors {
        let name = vector["name"].as_str().expect("a name");
        let bytes = hex::decode(vector["hex"].as_str().expect("hex")).expect("hex");
        if vector["kind"] == "packet" {
            let packet = Packet::decode(&bytes).expect(name);
            assert!(Packet::checksum_is_valid(&bytes), "{name}");
            assert_eq!(hex::encode(packet.encode().expect(name)), hex::encode(&bytes), "{name}");
            if let PacketBody::LinkStateUpdate(update) = &packet.body {
                update.lsas.iter().for_each(|lsa| check_lsa(name, lsa));
            }
            let lls = vector["lls"] == true;
            let digest = vector["auth"]["alg"].as_str().map_or(0, digest_len);
            assert_eq!(packet.trailer.len() > digest, lls, "{name}");
            if lls {
                let tlvs = ospf_p2mp::wire::lls::decode(&packet.trailer[digest..]).expect(name);
                assert_eq!(tlvs[0].kind, 1, "{name}");
            }
        } else {
            check_lsa(name, &Lsa::decode(&bytes).expect(name));
        }
        for length in 0..bytes.len() {
            let _ = Packet::decode(&bytes[..length]).map(|packet| packet.encode());
            assert!(Lsa::decode(&bytes[..length]).is_err(), "{name}");
        }
    }
}

fn digest_len(algorithm: &str) -> usize {
    match algorithm {
        "Md5" => 16,
        "HmacSha1" => 20,
        "HmacSha256" => 32,
        "HmacSha384" => 48,
        _ => 64,
    }
}

fn check_lsa(name: &str, lsa: &Lsa) {
    assert!(lsa.checksum_is_valid(), "{name}");
    assert_eq!(lsa.decode_body().expect(name).encode(), lsa.body, "{name}");
}

/// Recordings whose packets carry a wrong packet checksum (tshark says so too).
const WRONG_CHECKSUMS: [&str; 3] = ["ospf-sr.pcapng", "ospf-sr2.pcapng", "ospf-sr-ri-sid.pcap"];

#[derive(Default)]
struct Seen {
    packets: usize,
    lsas: usize,
    fragments: usize,
}

/// All OSPFv2 packets of a recording must decode, carry a right checksum, and encode to the same bytes.
fn check_recording(name: &str, bytes: &[u8]) -> Seen {
    let mut seen = Seen::default();
    for (link, frame) in frames(bytes) {
        let Some((offset_or_more, payload)) = ospf_payload(link, &frame) else { continue };
        if offset_or_more {
            seen.fragments += 1;
            continue;
        }
        if payload.first() != Some(&2) {
            continue;
        }
        let packet =
            Packet::decode(payload).unwrap_or_else(|error| panic!("{name}: {error}: {payload:02x?}"));
        let encoded = packet.encode().expect(name);
        if WRONG_CHECKSUMS.contains(&name) {
            assert!(!Packet::checksum_is_valid(payload), "{name}: checksum");
            assert_eq!((&encoded[..12], &encoded[14..]), (&payload[..12], &payload[14..]), "{name}");
        } else {
            assert!(Packet::checksum_is_valid(payload), "{name}: checksum");
            assert_eq!(encoded, payload, "{name}");
        }
        if let PacketBody::LinkStateUpdate(update) = &packet.body {
            for lsa in &update.lsas {
                if WRONG_CHECKSUMS.contains(&name) {
                    assert_eq!(lsa.decode_body().expect(name).encode(), lsa.body, "{name}");
                } else {
                    check_lsa(name, lsa);
                }
                seen.lsas += 1;
            }
        }
        seen.packets += 1;
    }
    seen
}

fn frames(bytes: &[u8]) -> Vec<(DataLink, Vec<u8>)> {
    if bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
        return pcapng_frames(bytes);
    }
    let mut reader = PcapReader::new(bytes).expect("a pcap file");
    let link = reader.header().datalink;
    let mut frames = Vec::new();
    while let Some(Ok(packet)) = reader.next_packet() {
        frames.push((link, packet.data.to_vec()));
    }
    frames
}

/// Just interfaces and packets: some of the files have options that stricter readers refuse.
fn pcapng_frames(mut bytes: &[u8]) -> Vec<(DataLink, Vec<u8>)> {
    let big_endian = bytes[8..12] == [0x1a, 0x2b, 0x3c, 0x4d];
    let number = |bytes: &[u8], at: usize| {
        let four: [u8; 4] = bytes[at..at + 4].try_into().expect("four octets");
        (if big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }) as usize
    };
    let mut links = Vec::new();
    let mut frames = Vec::new();
    while bytes.len() >= 12 {
        let length = number(bytes, 4);
        match number(bytes, 0) {
            1 => {
                let link = if big_endian { number(bytes, 8) >> 16 } else { number(bytes, 8) & 0xffff };
                links.push(DataLink::from(u32::try_from(link).expect("a link type")));
            }
            6 => frames.push((links[number(bytes, 8)], bytes[28..28 + number(bytes, 20)].to_vec())),
            _ => {}
        }
        bytes = &bytes[length..];
    }
    frames
}

/// The OSPF packet in a frame, and whether it is only a fragment.
fn ospf_payload(link: DataLink, frame: &[u8]) -> Option<(bool, &[u8])> {
    let ip = match link {
        DataLink::ETHERNET => {
            let mut at = 12;
            while frame.get(at..at + 2)? == [0x81, 0x00] {
                at += 4;
            }
            if frame.get(at..at + 2)? != [0x08, 0x00] {
                return None;
            }
            frame.get(at + 2..)?
        }
        DataLink::RAW | DataLink::IPV4 => frame,
        DataLink::LINUX_SLL => frame.get(16..)?,
        // The BSD loopback's address family.
        DataLink::NULL | DataLink::PPP | DataLink::C_HDLC => frame.get(4..)?,
        _ => return None,
    };
    let header = usize::from(ip.first()? & 0x0f) * 4;
    if ip.first()? >> 4 != 4 || *ip.get(9)? != 89 {
        return None;
    }
    let total = usize::from(u16::from_be_bytes([*ip.get(2)?, *ip.get(3)?]));
    let fragment = u16::from_be_bytes([*ip.get(6)?, *ip.get(7)?]) & 0x3fff != 0;
    Some((fragment, ip.get(header..total.min(ip.len()))?))
}

/// As many packets as tshark finds in them.
fn check_recordings(folder: &str, expected: &[(&str, usize)]) {
    for (name, packets) in expected {
        let Some(bytes) = read(&format!("{folder}/{name}")) else { continue };
        let seen = check_recording(name, &bytes);
        assert_eq!(seen.packets + seen.fragments, *packets, "{name}");
        assert_eq!(seen.fragments, 0, "{name}");
        println!("{name}: {} packets, {} LSAs", seen.packets, seen.lsas);
    }
}

#[test]
fn recordings_of_others_decode_completely() {
    check_recordings(
        "tcpdump-tests",
        &[
            ("OSPFv2_Capture_FINAL.pcapng", 30),
            ("ospf-ack.pcap", 1),
            ("ospf-gmpls.pcap", 3),
            ("ospf-nssa-bitnt.pcap", 1),
            ("ospf-sr.pcapng", 1),
            ("ospf-sr2.pcapng", 1),
            ("ospf-sr-ri-sid.pcap", 1),
            ("ospf_graceful_restart_rfc3623.pcap", 1),
        ],
    );
}

#[test]
fn lab_recordings_decode_completely() {
    check_recordings(
        "lab",
        &[
            ("s1-frr84-birdptmp-stuck/hub-tun0.pcap", 120),
            ("s1-frr84-birdptmp-stuck/s1-tun0.pcap", 48),
            ("s2-frr84-birdptp/hub-tun0.pcap", 77),
            ("s2-frr84-birdptp/s1-tun0.pcap", 30),
            ("s3-frr10-nonbroadcast-birdptmp/hub-tun0.pcap", 120),
            ("s3-frr10-nonbroadcast-birdptmp/s1-tun0.pcap", 31),
            ("s4-frr10-mcast/osp-hub-tun0.pcap", 187),
            ("s4-frr10-mcast/osp-s1-tun0.pcap", 76),
            ("s6-md5/osp-hub-tun0.pcap", 93),
            ("s6-md5/osp-s1-tun0.pcap", 35),
            ("s7-hmac-sha256/osp-hub-tun0.pcap", 89),
            ("s7-hmac-sha256/osp-s1-tun0.pcap", 33),
            ("s8-simple/osp-hub-tun0.pcap", 86),
            ("s8-simple/osp-s1-tun0.pcap", 30),
            ("s9-spoke-broadcast/osp-hub-tun0.pcap", 150),
            ("s9-spoke-broadcast/osp-s1-tun0.pcap", 57),
            ("s10-mtu/osp-hub-tun0.pcap", 200),
            ("s10-mtu/osp-s1-tun0.pcap", 50),
        ],
    );
}

/// Made to crash parsers. What decodes must encode to the same bytes, and an LSA that lies must not get through.
#[test]
fn crafted_recordings_do_no_harm() {
    let Some(bytes) = read("tcpdump-tests/ospf2-seg-fault-1.pcapng") else { return };
    let mut packets = 0;
    for (link, frame) in frames(&bytes) {
        let Some((_, payload)) = ospf_payload(link, &frame) else { continue };
        packets += 1;
        match Packet::decode(payload) {
            Ok(packet) => {
                let sound = Packet::checksum_is_valid(payload);
                let lsas = match &packet.body {
                    PacketBody::LinkStateUpdate(update) => update.lsas.clone(),
                    _ => Vec::new(),
                };
                let good = |lsa: &Lsa| lsa.checksum_is_valid() && lsa.decode_body().is_ok();
                assert!(!sound || !lsas.iter().all(good), "nothing stops {packet:?}");
            }
            Err(error) => println!("refused: {error}"),
        }
    }
    assert_eq!(packets, 1);
}

/// OSPFv3 is another version, not a crash.
#[test]
fn version_three_is_refused() {
    let Some(bytes) = read("tcpdump-tests/ospf-signed-integer-ubsan.pcap") else { return };
    for (_, frame) in frames(&bytes) {
        // The payload follows an authentication header; every offset must be harmless.
        for start in 0..frame.len() {
            if let Ok(packet) = Packet::decode(&frame[start..]) {
                assert!(packet.encode().is_ok());
            }
        }
    }
    assert_eq!(Packet::decode(&[&[3u8; 1][..], &[1; 40]].concat()), Err(DecodeError::Version(3)));
}
