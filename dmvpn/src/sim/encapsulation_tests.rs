use std::net::Ipv4Addr;

use super::*;

const HUB: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));
const SPOKE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

#[test]
fn the_receiver_sees_the_path_mirrored() {
    let udp = Wire::Udp { local_port: 4500, remote_port: 31_000 };
    for (sent, seen) in [
        (Wire::Gre, Wire::Gre),
        (Wire::Esp, Wire::Esp),
        (udp, Wire::Udp { local_port: 31_000, remote_port: 4500 }),
    ] {
        let mut path = Path::new(SPOKE, HUB, sent);
        path.tos = 0xb8;
        path.dont_fragment = true;
        let bytes = encapsulate(&path, b"payload", 77).unwrap();
        let datagram = ipv4::parse(&bytes).unwrap();
        assert_eq!(datagram.header.id, 77);
        let (received, payload) = decapsulate(&datagram).unwrap();
        assert_eq!(payload, b"payload");
        assert_eq!(received, Path { local: HUB, remote: SPOKE, wire: seen, ..path });
    }
}

#[test]
fn udp_has_a_checksum_unless_it_carries_esp() {
    let checksum = |port, payload: &[u8]| {
        let path = Path::new(SPOKE, HUB, Wire::Udp { local_port: port, remote_port: port });
        let bytes = encapsulate(&path, payload, 0).unwrap();
        [bytes[26], bytes[27]]
    };
    assert_ne!(checksum(500, &[9; 28]), [0, 0], "IKE");
    assert_ne!(checksum(4500, &[0; 28]), [0, 0], "IKE behind its marker");
    assert_ne!(checksum(4500, &[0xff]), [0, 0], "NAT keepalive");
    assert_eq!(checksum(4500, &[9; 28]), [0, 0], "ESP");
}

#[test]
fn what_is_no_packet_for_an_engine_is_named() {
    let v6 = Path::new("2001:db8::1".parse().unwrap(), HUB, Wire::Gre);
    assert_eq!(encapsulate(&v6, b"", 0), Err(EncapsulationError::Ipv6));
    let big = encapsulate(&Path::new(SPOKE, HUB, Wire::Gre), &vec![0; 70_000], 0);
    assert!(matches!(big, Err(EncapsulationError::Ipv4(_))));
    let ospf = ipv4::build(&Header::new(Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST, 89), b"x").unwrap();
    let error = decapsulate(&ipv4::parse(&ospf).unwrap());
    assert_eq!(error, Err(EncapsulationError::Protocol(89)));
}
