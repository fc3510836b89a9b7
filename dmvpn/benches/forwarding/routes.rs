//! The forwarding table: what finding a route costs among few and many.

use std::fmt::Write as _;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Duration;

use dmvpn::Engine;
use dmvpn::config::ios;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::clock;

const LOOKUPS: usize = 10_000;

/// Routes as a provider has them: half of them /24, some longer, some shorter, and a default.
fn engine(routes: usize, random: &mut ChaCha20Rng) -> (Engine, Vec<u32>) {
    let mut text = String::from(
        "hostname ROUTES\ninterface GigabitEthernet0/0/0\n ip address 203.0.113.1 255.255.255.0\n!\n",
    );
    text += "interface Tunnel0\n ip address 10.0.0.1 255.255.255.0\n ip nhrp network-id 1\n";
    text += " tunnel source GigabitEthernet0/0/0\n tunnel mode gre multipoint\n tunnel key 1\n!\n";
    text += "ip route 0.0.0.0 0.0.0.0 10.0.0.2\n";
    let mut inside = Vec::new();
    for _ in 0..routes {
        let length = match random.next_u32() % 100 {
            0..=54 => 24,
            55..=64 => 23,
            65..=74 => 22,
            75..=82 => 20,
            83..=87 => 16,
            88..=93 => 28,
            _ => 32,
        };
        let mask = u32::MAX << (32 - length);
        // Unicast, and none of the addresses above.
        let address = 0x1400_0000 + random.next_u32() % 0x7000_0000;
        inside.push((address & mask) | (random.next_u32() & !mask));
        let (network, mask) = (Ipv4Addr::from_bits(address & mask), Ipv4Addr::from_bits(mask));
        writeln!(text, "ip route {network} {mask} 10.0.0.{}", 2 + random.next_u32() % 200).expect("memory");
    }
    let parsed = ios::parse("routes.cfg", &text);
    let mut engine =
        Engine::new(parsed.config, ChaCha20Rng::seed_from_u64(1), clock()).expect("a configuration");
    while engine.poll_timeout().is_some_and(|at| at <= clock()) {
        engine.handle_timeout(clock());
    }
    (engine, inside)
}

pub(crate) fn print(sizes: &[usize]) {
    println!(
        "\n## Finding a route (Engine::source_towards, which is a look-up and little else). Goal: below 60 ns at 100,000\n"
    );
    println!("| routes | ns |\n| ---: | ---: |");
    for &routes in sizes {
        let mut random = ChaCha20Rng::seed_from_u64(7);
        let (engine, inside) = engine(routes, &mut random);
        // Three of four addresses have a route of their own, the others the default.
        let addresses: Vec<Ipv4Addr> = (0..LOOKUPS)
            .map(|index| {
                let any = random.next_u32();
                let own = inside[any as usize % inside.len()];
                Ipv4Addr::from_bits(if index % 4 == 0 { 0x1400_0000 + any % 0x7000_0000 } else { own })
            })
            .collect();
        let mut best = Duration::MAX;
        for _ in 0..100 {
            let start = clock();
            for address in &addresses {
                black_box(engine.source_towards(*address));
            }
            best = start.elapsed().min(best);
        }
        println!("| {routes} | {:.1} |", best.as_nanos() as f64 / LOOKUPS as f64);
    }
}
