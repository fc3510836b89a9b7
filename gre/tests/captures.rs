//! GRE packets that others made: a generator's variants, a Cisco router's keepalives, and crash reports.

#![expect(clippy::print_stderr, reason = "a test that skips says so")]

use std::fs::File;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use gre::{Error, Header, Protocol, keepalive};
use pcap_file::pcap::PcapReader;

/// The IPv4 packets of a capture whose frames are Ethernet (or raw IP), cut to their own length.
fn ip_packets(path: PathBuf) -> Vec<Vec<u8>> {
    let mut reader = PcapReader::new(File::open(path).expect("the file opens")).expect("a capture");
    let raw = reader.header().datalink != pcap_file::DataLink::ETHERNET;
    let mut packets = Vec::new();
    while let Some(frame) = reader.next_packet() {
        let frame = frame.expect("a frame").data.into_owned();
        let ip = match (raw, frame.get(12..14)) {
            (true, _) => frame,
            (false, Some([0x08, 0x00])) => frame[14..].to_vec(),
            // One VLAN tag.
            (false, Some([0x81, 0x00])) if frame.get(16..18) == Some(&[0x08, 0x00]) => frame[18..].to_vec(),
            _ => continue,
        };
        let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
        packets.push(ip[..total.min(ip.len())].to_vec());
    }
    packets
}

/// What follows the IPv4 header, if it is GRE.
fn gre_of(ip: &[u8]) -> Option<&[u8]> {
    (ip.get(9) == Some(&47)).then(|| &ip[usize::from(ip[0] & 15) * 4..])
}

/// A file of the capture collection, or `None` with a word on stderr where the collection is not.
fn collected(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("DMVPN_CAPTURES")
        .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures").into(), PathBuf::from);
    let path = folder.join("ipsec/tcpdump").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {name} is not here");
    None
}

/// Decoding and pushing again gives the same bytes.
fn survives(packet: &[u8]) -> (Header, usize) {
    let (header, len) = Header::decode(packet).expect("sound");
    let mut buffer = packet.to_vec();
    buffer[..len].fill(0);
    assert_eq!(header.push(&mut buffer, len..packet.len()), Ok(0));
    assert_eq!(buffer, packet);
    (header, len)
}

#[test]
fn all_variants_of_a_generator() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/gre-variants.pcap");
    let packets = ip_packets(path.into());
    let headers: Vec<_> =
        packets.iter().filter_map(|packet| gre_of(packet)).map(|packet| survives(packet).0).collect();
    let key = Header::new(Protocol::IPV4).with_key(100);
    let [a, b, c, d, e, f, g] = headers[..] else { panic!("{headers:?}") };
    assert_eq!(a, key);
    assert_eq!((b.key, b.sequence.is_some(), b.checksum), (Some(100), true, false));
    assert_eq!(c, key.with_checksum());
    assert_eq!((d.key, d.sequence.is_some(), d.checksum), (Some(100), true, true));
    assert_eq!(e, Header::new(Protocol::IPV4));
    assert_eq!(f, Header::new(Protocol::IPV6).with_key(100));
    assert_eq!(g, Header::new(Protocol::IPV4));

    // The last one is a keepalive.
    let packet = packets.last().expect("seven");
    let address = |at: usize| Ipv4Addr::new(packet[at], packet[at + 1], packet[at + 2], packet[at + 3]);
    let (remote, local) = (address(12), address(16));
    let gre = gre_of(packet).expect("GRE");
    let mut inner = gre[survives(gre).1..].to_vec();
    let ttl = inner[8];
    let answer = keepalive::answer(&mut inner, local, remote).expect("a keepalive");
    assert_eq!((answer, inner[8]), (0..24, ttl - 1));
}

#[test]
fn keepalives_between_two_cisco_routers() {
    let Some(path) = collected("various_gre.pcap") else { return };
    let packets = ip_packets(path);
    let mut answered = 0;
    let mut kinds = std::collections::BTreeMap::<_, u32>::new();
    for (index, packet) in packets.iter().enumerate() {
        let Some(gre) = gre_of(packet) else { continue };
        let (header, len) = survives(gre);
        *kinds.entry((header.protocol, header.key)).or_default() += 1;
        // These routers put eight bytes of metadata in front of every packet, which start with its EtherType.
        let Some([0x08, 0x00, _, _, _, _, _, _, inner @ ..]) = gre.get(len..) else { continue };
        let address = |at: usize| Ipv4Addr::new(packet[at], packet[at + 1], packet[at + 2], packet[at + 3]);
        let mut inner = inner.to_vec();
        match keepalive::answer(&mut inner, address(16), address(12)) {
            // The far end's answer is the next packet of the capture.
            Ok(range) => assert_eq!(inner[range], packets[index + 1], "packet {index}"),
            Err(reason) => {
                assert_eq!(reason, keepalive::NotKeepalive::Ordinary);
                continue;
            }
        }
        answered += 1;
    }
    // Keepalives, their answers, pings and PIM, and Cisco's own discovery protocol, all with key 40.
    let expected = [(Protocol::KEEPALIVE, 8), (Protocol(0x2000), 2), (Protocol::CISCO_METADATA, 20)];
    assert!(kinds.into_iter().eq(expected.map(|(protocol, count)| ((protocol, Some(40)), count))));
    assert_eq!(answered, 8);
}

#[test]
fn reports_of_crashes_elsewhere_are_harmless() {
    for name in ["gre-heapoverflow-1.pcap", "gre-heapoverflow-2.pcap"] {
        let Some(path) = collected(name) else { continue };
        // The files are broken on purpose: their frames claim more bytes than there are. What counts are the bytes.
        let bytes = std::fs::read(path).expect("the file opens");
        let mut refused = 0;
        for start in 0..bytes.len() {
            for end in [bytes.len(), (start + 9).min(bytes.len()), (start + 21).min(bytes.len())] {
                match Header::decode(&bytes[start..end]) {
                    Ok((header, len)) => assert_eq!(header.len(), len),
                    Err(Error::Truncated { needed, have }) => assert!(have < needed && have == end - start),
                    Err(_) => refused += 1,
                }
                let mut inner = bytes[start..end].to_vec();
                let outcome = keepalive::answer(&mut inner, Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST);
                assert!(outcome.is_err());
            }
        }
        assert!(refused > 0, "{name}");
    }
}
