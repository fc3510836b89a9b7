//! The guide's hub and its two spokes without a network between them: packets are handed over by the test.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use dmvpn::config::ios;
use dmvpn::{Arrival, Backend, Engine, Options, Output, Packet, Verdict};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

/// How the routers protect what they send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protection {
    /// AES-CBC-256 with HMAC-SHA2-256: the guide's.
    Guide,
    /// AES-GCM-256, by this library.
    Gcm(Backend),
    /// None: GRE in the clear.
    Plain,
}

/// Every kind of protection that this build has.
pub(crate) fn protections() -> Vec<Protection> {
    let gcm = Backend::ALL.iter().map(|backend| Protection::Gcm(*backend));
    [Protection::Guide, Protection::Plain].into_iter().chain(gcm).collect()
}

pub(crate) const HUB: usize = 0;
pub(crate) const SPOKE1: usize = 1;
pub(crate) const SPOKE2: usize = 2;

/// The NBMA addresses, in the order of the routers.
const NBMA: [Ipv4Addr; 3] =
    [Ipv4Addr::new(203, 0, 113, 1), Ipv4Addr::new(198, 51, 100, 1), Ipv4Addr::new(198, 51, 100, 2)];
/// A host on each router's LAN.
pub(crate) const HOSTS: [Ipv4Addr; 3] =
    [Ipv4Addr::new(192, 168, 1, 5), Ipv4Addr::new(192, 168, 11, 5), Ipv4Addr::new(192, 168, 12, 5)];

pub(crate) struct Cloud {
    pub(crate) now: Instant,
    pub(crate) routers: [Engine; 3],
}

impl Cloud {
    /// A cloud in which everybody reaches everybody: phase 1, so that spokes meet at the hub. The same protection gives
    /// the same bytes.
    pub(crate) fn new(protection: Protection) -> Self {
        #[expect(clippy::disallowed_methods, reason = "virtual time begins somewhere")]
        let now = Instant::now();
        let lan = "interface GigabitEthernet0/0/1\n ip address 192.168.1.1 255.255.255.0\n!\nrouter ospf 1\n";
        let hub_edits =
            [("router ospf 1\n", lan), (" ip ospf network", " ip ospf hello-interval 1\n ip ospf network")];
        let spoke_edits =
            [(" ip ospf network", " ip ospf next-hop rfc2328\n ip ospf hello-interval 1\n ip ospf network")];
        let routers = [
            router("hub1.cfg", protection, &hub_edits, 1, now),
            router("spoke1.cfg", protection, &spoke_edits, 2, now),
            router("spoke2.cfg", protection, &spoke_edits, 3, now),
        ];
        let mut cloud = Self { now, routers };
        // Until OSPF is quiet: the dead interval and the delays of SPF are seconds.
        for _ in 0..400 {
            cloud.settle();
            cloud.now += Duration::from_millis(50);
        }
        cloud
    }

    /// Carries everything that the routers have to say to each other, until they are quiet.
    pub(crate) fn settle(&mut self) {
        for router in &mut self.routers {
            router.handle_timeout(self.now);
        }
        while self.carry() {}
    }

    fn carry(&mut self) -> bool {
        let mut busy = false;
        for from in 0..self.routers.len() {
            while let Some(output) = self.routers[from].poll_output() {
                let Output::Transmit { path, payload } = output else { continue };
                busy = true;
                let mut packet = Packet::new(&payload);
                if let Some(to) = router_of(path.remote) {
                    let _verdict = self.routers[to].handle_wan(self.now, path.reversed(), &mut packet);
                }
            }
        }
        busy
    }

    /// Seals a packet of a router's LAN: what arrives at the hub.
    pub(crate) fn leave(&mut self, from: usize, packet: &[u8]) -> Arrival {
        let mut packet = Packet::new(packet);
        match self.routers[from].handle_lan(self.now, &mut packet) {
            Verdict::Transmit(path) => Arrival { path: path.reversed(), packet },
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn router_of(nbma: IpAddr) -> Option<usize> {
    NBMA.iter().position(|own| IpAddr::V4(*own) == nbma)
}

fn router(file: &str, protection: Protection, edits: &[(&str, &str)], seed: u64, now: Instant) -> Engine {
    let path = format!("{}/tests/data/guide/{file}", env!("CARGO_MANIFEST_DIR"));
    let mut text = std::fs::read_to_string(&path).expect("the guide's configuration");
    let suite: &[(&str, &str)] = match protection {
        Protection::Guide => &[],
        Protection::Gcm(_) => &[("esp-aes 256 esp-sha256-hmac", "esp-gcm 256")],
        Protection::Plain => &[(" tunnel protection ipsec profile DMVPN-IPSEC-PROFILE\n", "")],
    };
    for (from, to) in suite.iter().chain(edits) {
        assert!(text.contains(from), "{file} has no '{from}'");
        text = text.replace(from, to);
    }
    let parsed = ios::parse(file, &text);
    let mut options = Options::default();
    if let Protection::Gcm(backend) = protection {
        options.backend = backend;
    }
    Engine::with_options(parsed.config, options, ChaCha20Rng::seed_from_u64(seed), now)
        .unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// A UDP datagram over IPv4.
pub(crate) fn datagram(source: Ipv4Addr, destination: Ipv4Addr, ttl: u8, len: usize) -> Vec<u8> {
    let mut packet = vec![0x5a; len.max(28)];
    packet[..20].copy_from_slice(&[0x45, 0, 0, 0, 0, 1, 0, 0, ttl, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let total = packet.len() as u16;
    packet[2..4].copy_from_slice(&total.to_be_bytes());
    packet[12..16].copy_from_slice(&source.octets());
    packet[16..20].copy_from_slice(&destination.octets());
    let sum =
        packet[..20].chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum::<u32>();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}
