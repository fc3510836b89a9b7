//! OSPF packets on tunnels: larger than the MTU, and in the name of others.
#![cfg(feature = "sim")]

mod common;

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use common::{LAN1, config, has_route, log, start};
use dmvpn::DropReason;
use dmvpn::sim::{Network, RouterSpec};
use internet_checksum::checksum;
use ospf_p2mp::AreaId;
use ospf_p2mp::wire::{AuthField, Hello, Options, Packet, PacketBody};

const UNPROTECTED: (&str, &str) = (" tunnel protection ipsec profile DMVPN-IPSEC-PROFILE\n", "");

/// A hub and spokes 11, 12, and so on, with plain GRE and an MTU.
fn unprotected(spokes: u8, mtu: u16) -> Network {
    let mut network = Network::new(start(), 1);
    let mut add = |config: dmvpn::Config| {
        let name = config.hostname.clone();
        network.add_router(&name, RouterSpec::with_config(config).unprotected()).expect("sound");
    };
    let mtu = format!(" ip mtu {mtu}\n tunnel key 100\n");
    let small = (" tunnel key 100\n", mtu.as_str());
    add(config("hub1.cfg", &[UNPROTECTED, small]));
    for number in 11..11 + spokes {
        let edits = [
            ("SPOKE1".to_owned(), format!("SPOKE{number}")),
            ("10.0.0.11 ".to_owned(), format!("10.0.0.{number} ")),
            ("198.51.100.1 ".to_owned(), format!("198.51.100.{number} ")),
            ("192.168.11.".to_owned(), format!("192.168.{number}.")),
        ];
        let mut edits: Vec<_> = edits.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        edits.extend([UNPROTECTED, small]);
        add(config("spoke1.cfg", &edits));
    }
    network
}

fn drops(network: &Network, router: &str, reason: DropReason) -> u64 {
    let places = network.engine(router).drops();
    let counts = places.iter().filter(|(place, _)| place == "Forwarding").flat_map(|(_, counts)| counts);
    counts.filter(|(text, _)| text == reason.as_str()).map(|(_, count)| count).sum()
}

/// The hub's Router-LSA needs two packets of 576 bytes: without IP's help no spoke would ever have a route.
#[test]
fn a_router_lsa_that_outgrows_the_mtu_reaches_everybody() {
    let mut network = unprotected(55, 576);
    // An IP header and GRE with a key around the tunnel's MTU.
    network.observe_with(|packet| {
        (packet.bytes.len() > 576 + 28).then(|| format!("{} octets on the wire", packet.bytes.len()))
    });
    network.run_for(Duration::from_secs(40));
    assert!(network.violations().is_empty(), "{:?}", network.violations());
    let hub = network.engine("HUB1").ospf_neighbors(network.instant());
    assert_eq!(hub.neighbors.len(), 55);
    for spoke in [11, 30, 65] {
        for lan in (11..66).filter(|lan| *lan != spoke) {
            let to = Ipv4Addr::new(192, 168, lan, 1);
            assert!(has_route(&network, &format!("SPOKE{spoke}"), to), "{spoke} to {to}: {}", log(&network));
        }
    }
    for (_, router) in network.routers() {
        for reason in [DropReason::Fragment, DropReason::OspfSource, DropReason::TooBig] {
            assert_eq!(drops(&network, router, reason), 0, "{router}: {reason:?}");
        }
    }
}

/// The second spoke, through its own tunnel, says in the first one's name that it hears nobody any more: the hub would end the
/// first one's adjacency, and with it every route to it.
#[test]
fn no_spoke_speaks_for_another() {
    let mut network = unprotected(2, 1400);
    network.run_for(Duration::from_secs(20));
    let (victim, hub) = (Ipv4Addr::new(10, 0, 0, 11), Ipv4Addr::new(10, 0, 0, 1));
    assert!(has_route(&network, "SPOKE12", LAN1), "{}", log(&network));
    let hello = Hello {
        mask: Ipv4Addr::new(255, 255, 255, 0),
        hello_interval: 30,
        options: Options::E,
        priority: 1,
        dead_interval: 120,
        designated_router: Ipv4Addr::UNSPECIFIED,
        backup_designated_router: Ipv4Addr::UNSPECIFIED,
        neighbors: Vec::new(),
    };
    // The guide's routers take their router ids from their LANs.
    let router_id = network.engine("SPOKE11").ospf_process(network.instant()).expect("OSPF").router_id;
    let packet = Packet {
        router_id,
        area: AreaId::BACKBONE,
        auth: AuthField::Null([0; 8]),
        body: PacketBody::Hello(hello),
        trailer: Bytes::new(),
    };
    let ospf = packet.encode().expect("small");
    let inner = ipv4(89, victim, hub, &ospf);
    let gre = [&[0x20, 0, 0x08, 0, 0, 0, 0, 100][..], &inner].concat();
    let (from, to) = (Ipv4Addr::new(198, 51, 100, 12), Ipv4Addr::new(203, 0, 113, 1));
    let outer = ipv4(47, from, to, &gre);
    let node = network.find("SPOKE12").expect("a spoke");
    network.inject(node, &outer);
    network.run_for(Duration::from_millis(200));
    assert_eq!(drops(&network, "HUB1", DropReason::OspfSource), 1);
    assert!(has_route(&network, "SPOKE12", LAN1));
    // The same by the victim itself is believed: the adjacency begins again.
    let outer = ipv4(47, Ipv4Addr::new(198, 51, 100, 11), to, &gre);
    let node = network.find("SPOKE11").expect("a spoke");
    let before = log(&network).len();
    network.inject(node, &outer);
    network.run_for(Duration::from_millis(200));
    assert!(log(&network)[before..].contains("1-way Hello"), "{}", log(&network));
}

fn ipv4(protocol: u8, source: Ipv4Addr, destination: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).expect("a small packet");
    let mut header = [0; 20];
    header[0] = 0x45;
    header[2..4].copy_from_slice(&length.to_be_bytes());
    header[8] = 64;
    header[9] = protocol;
    header[12..16].copy_from_slice(&source.octets());
    header[16..20].copy_from_slice(&destination.octets());
    let sum = checksum(&header);
    header[10..12].copy_from_slice(&sum);
    [&header[..], payload].concat()
}
