use super::*;
use crate::sim::ipv4::{Header, PROTOCOL_ESP, PROTOCOL_UDP, build};

const OUTSIDE: (Ipv4Addr, Ipv4Addr) = (Ipv4Addr::new(203, 0, 113, 1), Ipv4Addr::new(198, 51, 100, 1));
const INSIDE: (Ipv4Addr, Ipv4Addr) = (Ipv4Addr::new(192, 168, 11, 1), Ipv4Addr::new(192, 168, 12, 1));

fn packet(protocol: u8, payload: &[u8]) -> Vec<u8> {
    build(&Header::new(OUTSIDE.0, OUTSIDE.1, protocol), payload).unwrap()
}

fn watch() -> Watch {
    let mut watch = Watch::new();
    watch.add_address(INSIDE.0);
    watch.add_address(INSIDE.1);
    watch.add_plaintext(b"DMVPN2026");
    watch
}

#[test]
fn each_leak_is_found() {
    let inner = build(&Header::new(INSIDE.0, INSIDE.1, 1), b"x").unwrap();
    let hello = build(&Header::new(INSIDE.0, Ipv4Addr::new(224, 0, 0, 5), 89), b"x").unwrap();
    for (packet, leak) in [
        (packet(PROTOCOL_GRE, b"anything"), Leak::Gre),
        (packet(PROTOCOL_UDP, &inner), Leak::InnerAddresses(INSIDE.0, INSIDE.1)),
        (packet(PROTOCOL_ESP, &hello), Leak::InnerAddresses(INSIDE.0, Ipv4Addr::new(224, 0, 0, 5))),
        (packet(PROTOCOL_ESP, b"..DMVPN2026.."), Leak::Plaintext(b"DMVPN2026".to_vec())),
        (
            packet(PROTOCOL_ESP, &[&[7; 30], &PLAINTEXT_MARKER[..]].concat()),
            Leak::Plaintext(PLAINTEXT_MARKER.to_vec()),
        ),
    ] {
        let mut watch = watch();
        watch.look(Duration::ZERO, NodeId(0), &packet);
        assert_eq!(watch.seen().iter().map(|seen| &seen.leak).collect::<Vec<_>>(), [&leak]);
    }
}

#[test]
fn what_shows_nothing_is_not_reported() {
    let mut watch = watch();
    let single = INSIDE.0.octets();
    watch.look(Duration::ZERO, NodeId(0), &packet(PROTOCOL_ESP, &single));
    watch.look(Duration::ZERO, NodeId(0), &packet(PROTOCOL_ESP, &[0xc0; 1400]));
    watch.look(Duration::ZERO, NodeId(0), &packet(PROTOCOL_UDP, b"DMVPN202"));
    watch.look(Duration::ZERO, NodeId(0), b"");
    assert_eq!(watch.seen(), []);
}

#[test]
fn findings_are_bounded() {
    let mut watch = watch();
    for _ in 0..1000 {
        watch.look(Duration::ZERO, NodeId(0), &packet(PROTOCOL_GRE, b""));
    }
    assert_eq!((watch.seen().len(), watch.count()), (KEPT, 1000));
}

#[test]
fn a_pcapng_file_has_its_blocks() {
    let bytes = packet(PROTOCOL_ESP, b"12345");
    let at = Duration::new(5, 7);
    let captured = Captured { at, from: NodeId(0), to: NodeId(1), bytes: bytes.clone(), fate: Fate::Sent };
    let file = to_pcapng([&captured]);
    let mut rest = &file[..];
    let mut blocks = Vec::new();
    while let Some((head, _)) = rest.split_first_chunk::<8>() {
        let kind = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        assert_eq!(len % 4, 0);
        assert_eq!(rest[len - 4..len], rest[4..8], "the length stands at both ends");
        blocks.push((kind, rest[8..len - 4].to_vec()));
        rest = &rest[len..];
    }
    assert!(rest.is_empty());
    let kinds: Vec<_> = blocks.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [0x0a0d_0d0a, 1, 6]);
    let body = &blocks[2].1;
    let nanos = 5_000_000_007_u64;
    assert_eq!(body[4..8], ((nanos >> 32) as u32).to_le_bytes());
    assert_eq!(body[8..12], (nanos as u32).to_le_bytes());
    assert_eq!(body[20..20 + bytes.len()], bytes);
}
