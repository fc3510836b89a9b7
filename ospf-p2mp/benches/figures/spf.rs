//! A spoke of a large star: SPF when the topology changes, and the prefixes alone when it does not.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ospf_p2mp::wire::{
    AuthField, DatabaseDescription, DdFlags, Hello, INITIAL_SEQUENCE, LsUpdate, Lsa, LsaBody, LsaKey,
    Options, Packet, PacketBody, RouterFlags, RouterLink, RouterLsa,
};
use ospf_p2mp::{AreaId, Config, Input, InterfaceConfig, InterfaceId, NeighborState, Output, Router};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::clock;
use crate::join::TUNNEL;
use crate::light::{address, lan, router_lsa};

/// The spoke under test: the highest number, so that it leads the exchange.
pub(crate) struct Spoke {
    router: Router,
    number: u32,
    now: Instant,
    sequence: i32,
    prefix_sequence: i32,
}

impl Spoke {
    /// A spoke that is Full with a hub of so many spokes, and has all their LSAs and routes.
    pub(crate) fn new(spokes: u32) -> Self {
        let number = spokes;
        let mut config = Config::new(address(number));
        // The hub acknowledges nothing here.
        config.limits.retransmissions = u8::MAX;
        let mut tunnel = InterfaceConfig::tunnel(TUNNEL, "Tunnel0", address(number), 16);
        tunnel.cost = 10;
        config.interfaces.push(tunnel);
        let lan = lan(number);
        config.interfaces.push(InterfaceConfig::lan(InterfaceId(1), "Gi2", lan.addr(), lan.prefix_len()));
        let now = clock();
        let router = Router::new(config, ChaCha20Rng::seed_from_u64(1), now).expect("a valid configuration");
        let (sequence, prefix_sequence) = (INITIAL_SEQUENCE, INITIAL_SEQUENCE);
        let mut spoke = Self { router, number, now, sequence, prefix_sequence };
        spoke.exchange();
        for first in (1..spokes).step_by(20) {
            let some = first..(first + 20).min(spokes);
            let lsas = some.map(|spoke| router_lsa(spoke, hub_of(spoke, number), INITIAL_SEQUENCE, true, 1));
            spoke.receive(PacketBody::LinkStateUpdate(LsUpdate { lsas: lsas.collect() }));
        }
        spoke.change_hub(10);
        spoke.rest();
        assert_eq!(spoke.router.routes().count(), 2 * spokes as usize, "two for each other router");
        spoke
    }

    fn receive(&mut self, body: PacketBody) {
        let packet = Packet {
            router_id: address(0),
            area: AreaId::BACKBONE,
            auth: AuthField::Null([0; 8]),
            body,
            trailer: Bytes::new(),
        };
        let payload = packet.encode().expect("below 64 KiB");
        let (source, destination) = (address(0), address(self.number));
        let packet = Input::Packet { interface: TUNNEL, source, destination, ttl: 1, payload: &payload };
        self.router.handle_input(self.now, packet);
        while self.router.poll_output().is_some() {}
    }

    /// Becomes Full, as slave of an exchange in which the hub has nothing to describe.
    fn exchange(&mut self) {
        self.router.handle_input(self.now, Input::PeerUp { interface: TUNNEL, address: address(0) });
        self.receive(hello(self.number));
        // The spoke's number is the one that it opened with: it is guessed from what it repeats.
        let opening = loop {
            self.now = self.router.poll_timeout().expect("it repeats itself").max(self.now);
            self.router.handle_timeout(self.now);
            let sent = std::iter::from_fn(|| self.router.poll_output()).find_map(|output| match output {
                Output::Transmit { payload, .. } => match Packet::decode(&payload).ok()?.body {
                    PacketBody::DatabaseDescription(description) => Some(description),
                    _ => None,
                },
                _ => None,
            });
            if let Some(description) = sent {
                break description.sequence;
            }
        };
        for sequence in [opening, opening.wrapping_add(1)] {
            let (flags, headers) = (DdFlags::default(), Vec::new());
            self.receive(PacketBody::DatabaseDescription(DatabaseDescription {
                mtu: 1400,
                options: Options::E,
                flags,
                sequence,
                headers,
            }));
        }
        let state = self.router.neighbors().next().expect("the hub").state;
        assert_eq!(state, NeighborState::Full);
    }

    /// The hub's Router-LSA, with this cost of its links. One holds 5,000 links; of more spokes the first ones have a second
    /// hub next to it.
    fn change_hub(&mut self, cost: u16) {
        self.sequence += 1;
        let number = self.number;
        let hubs = [hub_of(number, number), hub_of(1, number)];
        for (index, hub) in hubs.into_iter().enumerate() {
            if index == 1 && hub == hubs[0] {
                break;
            }
            let spokes = (1..=number).filter(|spoke| hub_of(*spoke, number) == hub);
            let mut links: Vec<_> =
                spokes.map(|spoke| RouterLink::point_to_point(address(spoke), hub, cost)).collect();
            if hubs[0] != hubs[1] {
                links.push(RouterLink::point_to_point(hubs[1 - index], hub, 1));
            }
            if index == 0 {
                links.extend([RouterLink::stub(hub.into(), 0), RouterLink::stub(lan(0), 1)]);
            }
            let body = LsaBody::Router(RouterLsa { flags: RouterFlags::default(), links, tos: Vec::new() });
            let key = LsaKey::new(1, hub, hub);
            let lsa = Lsa::new(key, Options::E, self.sequence, body.encode()).expect("below 64 KiB");
            self.receive(PacketBody::LinkStateUpdate(LsUpdate { lsas: vec![lsa] }));
        }
    }

    /// A change of topology: how long the calculation takes, routes handed out included.
    pub(crate) fn time_topology(&mut self, round: u16) -> Duration {
        self.change_hub(10 + round % 7);
        self.time_calculation()
    }

    /// Another cost of one spoke's LAN: how long it takes from the LSA's arrival to the route.
    pub(crate) fn time_prefix(&mut self, round: u16) -> (Duration, Duration) {
        self.prefix_sequence += 1;
        let hub = hub_of(7, self.number);
        let lsa = router_lsa(7, hub, self.prefix_sequence, true, 2 + round % 7);
        let start = clock();
        self.receive(PacketBody::LinkStateUpdate(LsUpdate { lsas: vec![lsa] }));
        let arrival = start.elapsed();
        let runs = self.router.stats().spf_runs;
        let calculation = self.time_calculation();
        assert_eq!(self.router.stats().spf_runs, runs, "no Dijkstra");
        (arrival, calculation)
    }

    fn time_calculation(&mut self) -> Duration {
        let (mut calculation, mut routes) = (Duration::ZERO, 0);
        let end = self.now + Duration::from_secs(10);
        while let Some(at) = self.router.poll_timeout().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            let runs = (self.router.stats().spf_runs, self.router.stats().partial_runs);
            let start = clock();
            self.router.handle_timeout(self.now);
            while let Some(output) = self.router.poll_output() {
                routes += usize::from(matches!(output, Output::Route(_)));
            }
            let took = start.elapsed();
            if (self.router.stats().spf_runs, self.router.stats().partial_runs) != runs {
                calculation += took;
            }
        }
        assert!(routes > 0, "a change that changes no route");
        self.now = end;
        self.stay_alive();
        calculation
    }

    /// The hub says Hello.
    fn stay_alive(&mut self) {
        self.receive(hello(self.number));
    }

    /// Lets what is pending happen.
    fn rest(&mut self) {
        let end = self.now + Duration::from_secs(10);
        while let Some(at) = self.router.poll_timeout().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.router.handle_timeout(self.now);
            while self.router.poll_output().is_some() {}
        }
        self.now = end;
        self.stay_alive();
    }
}

/// The hub that a spoke is at.
fn hub_of(spoke: u32, spokes: u32) -> Ipv4Addr {
    if spoke + 5_000 > spokes { address(0) } else { address(60_000) }
}

fn hello(to: u32) -> PacketBody {
    PacketBody::Hello(Hello {
        mask: Ipv4Addr::new(255, 255, 0, 0),
        hello_interval: 30,
        options: Options::E,
        priority: 1,
        dead_interval: 120,
        designated_router: Ipv4Addr::UNSPECIFIED,
        backup_designated_router: Ipv4Addr::UNSPECIFIED,
        neighbors: vec![address(to)],
    })
}
