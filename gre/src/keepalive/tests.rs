//! What is answered, and all that is not.

use super::*;

const LOCAL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const REMOTE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// The inner packet of a keepalive from `REMOTE`, with what may be behind its GRE header.
fn inner(gre: Header, behind: &[u8], ttl: u8) -> Vec<u8> {
    let mut packet = vec![0; 36];
    packet.extend_from_slice(behind);
    let start = gre.push(&mut packet, 36..36 + behind.len()).expect("room");
    let mut packet = [vec![0; 20], packet.split_off(start)].concat();
    let len = packet.len() as u16;
    packet[0] = 0x45;
    packet[2..4].copy_from_slice(&len.to_be_bytes());
    packet[8] = ttl;
    packet[9] = 47;
    packet[12..16].copy_from_slice(&LOCAL.octets());
    packet[16..20].copy_from_slice(&REMOTE.octets());
    sum(&mut packet);
    packet
}

fn sum(packet: &mut [u8]) {
    let header = usize::from(packet[0] & 15) * 4;
    packet[10..12].copy_from_slice(&[0, 0]);
    let sum = internet_checksum::checksum(&packet[..header]);
    packet[10..12].copy_from_slice(&sum);
}

fn refused(mut packet: Vec<u8>) -> NotKeepalive {
    let before = packet.clone();
    let reason = answer(&mut packet, LOCAL, REMOTE).expect_err("not to be answered");
    assert_eq!(packet, before, "unchanged");
    reason
}

#[test]
fn the_answer_is_the_inner_packet_one_hop_older() {
    for gre in [Header::new(Protocol::KEEPALIVE), Header::new(Protocol::KEEPALIVE).with_key(40)] {
        for ttl in [2, 64, 255] {
            let mut packet = inner(gre, &[], ttl);
            let mut expected = packet.clone();
            expected[8] -= 1;
            sum(&mut expected);
            // Padding behind the IP packet is not sent back.
            packet.extend_from_slice(&[0xee; 5]);
            let range = answer(&mut packet, LOCAL, REMOTE).expect("a keepalive");
            assert_eq!(packet[range], expected);
        }
    }
}

#[test]
fn options_in_the_ip_header_are_no_obstacle() {
    let plain = inner(Header::new(Protocol::KEEPALIVE), &[], 9);
    let mut packet = [&plain[..20], &[1; 4], &plain[20..]].concat();
    packet[0] = 0x46;
    packet[3] += 4;
    sum(&mut packet);
    assert_eq!(answer(&mut packet, LOCAL, REMOTE), Ok(0..28));
    assert_eq!(packet[8], 8);
}

#[test]
fn ordinary_traffic_is_left_alone() {
    let keepalive = Header::new(Protocol::KEEPALIVE);
    let sound = inner(keepalive, &[], 64);
    for have in 0..sound.len() {
        assert_eq!(refused(sound[..have].to_vec()), NotKeepalive::Ordinary);
    }
    assert_eq!(refused(inner(Header::new(Protocol::IPV4), &[], 64)), NotKeepalive::Ordinary);
    assert_eq!(refused(inner(keepalive, b"data", 64)), NotKeepalive::Ordinary);
    // IPv6, a header length below 20, UDP, a fragment, a first fragment, a GRE version that is not 0.
    for (offset, value) in [(0, 0x65), (0, 0x44), (9, 17), (7, 1), (6, 0x20), (21, 1)] {
        let mut packet = sound.clone();
        packet[offset] = value;
        sum(&mut packet);
        assert_eq!(refused(packet), NotKeepalive::Ordinary, "offset {offset}");
    }
    // Don't-fragment is not a fragment.
    let mut packet = sound;
    packet[6] = 0x40;
    sum(&mut packet);
    assert!(answer(&mut packet, LOCAL, REMOTE).is_ok());
}

#[test]
fn nobody_is_reflected_to() {
    let victim = Ipv4Addr::new(203, 0, 113, 9);
    let sound = inner(Header::new(Protocol::KEEPALIVE), &[], 64);
    let mut packet = sound.clone();
    packet[16..20].copy_from_slice(&victim.octets());
    sum(&mut packet);
    let expected = NotKeepalive::Addresses { source_address: LOCAL, destination: victim };
    assert_eq!(refused(packet), expected);
    let mut packet = sound;
    packet[12..16].copy_from_slice(&victim.octets());
    sum(&mut packet);
    let expected = NotKeepalive::Addresses { source_address: victim, destination: REMOTE };
    assert_eq!(refused(packet), expected);
}

#[test]
fn damaged_and_expired_ones_are_dropped() {
    let mut packet = inner(Header::new(Protocol::KEEPALIVE), &[], 64);
    packet[4] ^= 1;
    assert_eq!(refused(packet), NotKeepalive::IpChecksum);
    for ttl in [0, 1] {
        assert_eq!(refused(inner(Header::new(Protocol::KEEPALIVE), &[], ttl)), NotKeepalive::Expired);
    }
}
