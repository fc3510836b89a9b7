//! Multicast of a hub with thousands of spokes: copies are built batch by batch, never one for each spoke at once.
//!
//! The hub is driven by hand: registrations are packets of plain GRE, so that 5,000 spokes need no key exchanges.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use dmvpn::{Engine, Output, Packet, Path, Wire, config::ios};
use nhrp::{Config, Input, Nhs, Node, PathId};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

const SPOKES: u32 = 5000;
const HUB: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));

fn hub(lines: &str) -> String {
    format!(
        "hostname HUB\n\
         interface Tunnel0\n ip address 10.0.0.1 255.255.0.0\n no ip redirects\n ip nhrp network-id 1\n \
         ip nhrp map multicast dynamic\n{lines} ip ospf network point-to-multipoint\n \
         tunnel source GigabitEthernet0\n tunnel mode gre multipoint\n\
         interface GigabitEthernet0\n ip address 203.0.113.1 255.255.255.0\n\
         router ospf 1\n network 10.0.0.0 0.0.255.255 area 0\n"
    )
}

/// The engine with all spokes registered, some seconds after its start.
fn cloud(lines: &str) -> (Engine, Instant) {
    #[allow(clippy::disallowed_methods, reason = "virtual time begins somewhere")]
    let start = Instant::now();
    let parsed = ios::parse("hub.cfg", &hub(lines));
    let errors: Vec<_> = parsed.diagnostics.iter().filter(|one| one.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let mut engine = Engine::new(parsed.config, ChaCha20Rng::seed_from_u64(1), start).expect("sound");
    let (tunnel, mut payload) = (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), Vec::new());
    for index in 0..SPOKES {
        let nbma = IpAddr::V4(Ipv4Addr::from_bits(0xc612_0000 + index));
        let address = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0100 + index));
        let mut config = Config::new(address, "10.0.0.0/16".parse().expect("a prefix"), nbma, 1);
        config.nhs = vec![Nhs::new(Some(tunnel), Some(HUB))];
        let mut node = Node::new(config, ChaCha20Rng::seed_from_u64(u64::from(index)), start).expect("sound");
        let (path, identity) = (PathId(1), None);
        node.handle_input(start, Input::PathUp { nbma: HUB, path, proven: true, identity });
        while let Some(output) = node.poll_output() {
            if let nhrp::Output::Transmit { payload: request, .. } = output {
                payload = [&[0, 0, 0x20, 0x01][..], &request].concat();
            }
        }
        let path = Path::new(HUB, nbma, Wire::Gre);
        let _ = engine.handle_wan(start, path, &mut Packet::new(&payload));
        while engine.poll_output().is_some() {}
    }
    (engine, start)
}

/// Lets time pass until `end`; for each time at which packets of OSPF came out, how many.
fn copies(engine: &mut Engine, start: Instant, end: Duration) -> Vec<(Duration, usize)> {
    let mut batches = Vec::new();
    while let Some(at) = engine.poll_timeout().filter(|at| at.duration_since(start) <= end) {
        engine.handle_timeout(at);
        let mut count = 0;
        while let Some(output) = engine.poll_output() {
            // GRE with IPv4 inside: OSPF.
            count += usize::from(matches!(&output, Output::Transmit { payload, .. }
                if payload.get(2..4) == Some(&[0x08, 0x00])));
        }
        if count > 0 {
            batches.push((at.duration_since(start), count));
        }
    }
    batches
}

#[test]
fn hellos_to_5000_spokes_leave_in_batches() {
    for (lines, size, interval) in [
        ("", 1000, Duration::from_millis(10)),
        (
            " ip nhrp multicast batch-size 400\n ip nhrp multicast batch-interval 25\n",
            400,
            Duration::from_millis(25),
        ),
    ] {
        let (mut engine, start) = cloud(lines);
        let batches = copies(&mut engine, start, Duration::from_secs(2));
        eprintln!("{} batches of at most {size}: {batches:?}", batches.len());
        // For each spoke a Hello to the group and one to its address, when it came and a second later; the first batch left
        // while they came.
        let total: usize = batches.iter().map(|(_, count)| count).sum();
        assert_eq!(total + size, 4 * SPOKES as usize);
        assert!(batches.iter().all(|(_, count)| *count <= size), "{batches:?}");
        assert!(batches.windows(2).all(|pair| pair[1].0 - pair[0].0 >= interval), "{batches:?}");
        let members = engine.multicast().members;
        assert_eq!((members.len(), members.iter().map(|one| one.dropped).sum::<u64>()), (SPOKES as usize, 0));
    }
}
