//! Recorded datagrams through the public interface: NAT traversal framing, and reports of crashes elsewhere.
#![expect(clippy::print_stderr, reason = "a test that skips says so")]

use std::fs::File;
use std::path::PathBuf;

use esp::udp::{Datagram, classify};
use esp::{Cipher, Inbound, Integrity, Limits, OpenError, Suite, next_header};
use pcap_file::pcap::PcapReader;

/// All frames of a capture.
fn frames(path: PathBuf) -> Vec<Vec<u8>> {
    let mut reader = PcapReader::new(File::open(path).expect("the file opens")).expect("a capture");
    let mut frames = Vec::new();
    while let Some(Ok(frame)) = reader.next_packet() {
        frames.push(frame.data.into_owned());
    }
    frames
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

fn guide(spi: u32) -> Inbound {
    let suite = Suite::new(Cipher::AesCbc256, Integrity::HmacSha256_128, false).expect("a sound suite");
    let (encryption, integrity): (Vec<u8>, Vec<u8>) = ((0x20..0x40).collect(), (0x60..0x80).collect());
    Inbound::new(suite, spi, &encryption, &integrity, Limits::NONE, 64).expect("keys")
}

#[test]
fn everything_on_port_4500_is_told_apart_and_opened() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/cbc256-sha256-natt.pcap");
    let mut sa = guide(0x1122_0002);
    let mut kinds = Vec::new();
    for frame in frames(path.into()) {
        // The capture may or may not have Ethernet headers: IPv4 starts with its version.
        let ip = if frame[0] >> 4 == 4 && frame[9] == 17 { &frame[..] } else { &frame[14..] };
        let length = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
        match classify(&ip[28..length]) {
            Datagram::Keepalive => kinds.push("keepalive"),
            Datagram::Ike(_) => kinds.push("ike"),
            Datagram::TooShort => kinds.push("short"),
            Datagram::Esp(packet) => {
                let mut packet = packet.to_vec();
                let opened = sa.open(&mut packet).expect("opens");
                // GRE with key 100, and an IPv4 packet in it.
                assert_eq!(opened.next_header, next_header::GRE);
                assert_eq!(packet[opened.payload.clone()][..9], [0x20, 0, 8, 0, 0, 0, 0, 100, 0x45]);
                assert!(sa.open(&mut packet).is_err(), "not twice");
                kinds.push("esp");
            }
        }
    }
    assert_eq!(kinds, [&["esp"; 16][..], &["keepalive", "ike"]].concat());
    assert_eq!((sa.counters().packets, sa.sequence()), (16, 16));
}

#[test]
fn reports_of_crashes_elsewhere_are_harmless() {
    let mut seen = 0;
    for name in [
        "esp_truncated.pcap",
        "isakmp-3948-oobr-2.pcap",
        "isakmp-rfc3948-oobr.pcap",
        "isakmp-various-oobr.pcap",
    ] {
        let Some(path) = collected(name) else { continue };
        let bytes = std::fs::read(path).expect("the file opens");
        // Whatever stands where, taken as a datagram and as a packet of the very SPI that it shows.
        for start in 0..bytes.len() {
            for end in (start..bytes.len().min(start + 80)).chain([bytes.len()]) {
                let data = &bytes[start..end];
                let kind = classify(data);
                assert_eq!(matches!(kind, Datagram::Ike(_)), data.len() > 4 && data[..4] == [0; 4]);
                let spi = data.first_chunk().map_or(0, |spi| u32::from_be_bytes(*spi)).max(1);
                if end % 16 != 0 {
                    continue;
                }
                let outcome = guide(spi).open(&mut data.to_vec());
                assert!(outcome.is_err(), "{name} {start}..{end}");
                if data.len() < 56 {
                    assert!(matches!(outcome, Err(OpenError::Truncated { needed: 56, .. })), "{outcome:?}");
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 100 || collected("esp_truncated.pcap").is_none());
}
