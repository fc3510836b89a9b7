//! A whole router, built from a configuration of the guide, on a hostile underlay.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use dmvpn::config::ios;
use dmvpn::{Command, Engine, Output, Packet, Path, ShowCommand, Verdict, Wire};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::clock;
use crate::input::{Input, Step};
use crate::mend;

const HUB: &str = include_str!("../../dmvpn/tests/data/guide/hub1.cfg");
const SPOKE: &str = include_str!("../../dmvpn/tests/data/guide/spoke1.cfg");
const PROTECTION: &str = "tunnel protection";

/// Steps of one input.
const STEPS: usize = 60;
/// Outputs of one call; no packet is worth more.
const OUTPUTS: usize = 2000;

/// Every view: whatever happened, it can be shown.
const SHOW: &[&str] = &[
    "show ip nhrp detail",
    "show ip nhrp brief",
    "show ip nhrp nhs detail",
    "show ip nhrp multicast",
    "show ip nhrp traffic",
    "show dmvpn detail",
    "show crypto session detail",
    "show crypto ikev2 sa detail",
    "show crypto ipsec sa",
    "show ip ospf",
    "show ip ospf neighbor detail",
    "show ip ospf interface",
    "show ip ospf database",
    "show ip ospf database router",
    "show ip route",
    "show interfaces",
    "show ip interface brief",
    "show drops",
];

/// `options (1)`, then steps. Bit 0 of the options: the guide's hub or its first spoke; bit 1: without tunnel
/// protection, so that what is inside is reached without keys.
///
/// | kind | step |
/// |---|---|
/// | 0, 1, 2, 3 | the payload as ESP, on UDP port 500, on UDP port 4500, as GRE |
/// | 4 | the payload as an IKE message of the right length on port 500, behind a marker on 4500 (upper bit) |
/// | 5 | GRE with the tunnel's key around an NHRP packet of the right size and checksum |
/// | 6 | GRE with the tunnel's key around an OSPF packet of the right length and checksum, in IP |
/// | 7 | GRE with the tunnel's key around an IP packet of the right length and checksum |
/// | 8, 9 | an IP packet from the LAN, and from the router itself |
/// | 10 | the underlay reports an MTU |
/// | 11 | a command |
/// | others | time passes: 2^(`argument` % 18) ms |
///
/// The lower bits of the argument name the sender.
pub fn engine_wan(data: &[u8]) {
    let mut input = Input::new(data);
    let options = input.byte();
    let mut driver = Driver::new(options);
    driver.drain();
    for _ in 0..STEPS {
        let Some(step) = input.step() else { break };
        driver.step(step);
        driver.drain();
    }
    driver.pass(Duration::from_secs(60));
    for line in SHOW {
        let command = ShowCommand::parse(line).expect("a command of the list");
        drop(driver.engine.show(driver.now, &command).to_string());
    }
}

struct Driver {
    engine: Engine,
    now: Instant,
    local: IpAddr,
    protected: bool,
}

impl Driver {
    fn new(options: u8) -> Self {
        let text = if options & 1 == 0 { HUB } else { SPOKE };
        let protected = options & 2 == 0;
        let text: String = text
            .lines()
            .filter(|line| protected || !line.trim_start().starts_with(PROTECTION))
            .flat_map(|line| [line, "\n"])
            .collect();
        let config = ios::parse("guide.cfg", &text).config;
        let now = clock::start();
        let engine = Engine::new(config, ChaCha20Rng::seed_from_u64(1), now)
            .expect("the guide's configuration is good");
        let local = engine.underlay_addresses().next().expect("the tunnel has a source");
        Self { engine, now, local, protected }
    }

    fn step(&mut self, Step { kind, argument, payload }: Step<'_>) {
        let udp = |port| Wire::Udp { local_port: port, remote_port: port };
        match kind {
            0 => self.wan(argument, Wire::Esp, payload),
            1 => self.wan(argument, udp(500), payload),
            2 => self.wan(argument, udp(4500), payload),
            3 => self.wan(argument, Wire::Gre, payload),
            4 if argument & 0x80 == 0 => self.wan(argument, udp(500), &mend::ike(payload)),
            4 => {
                let marked: Vec<u8> = [0; 4].into_iter().chain(mend::ike(payload)).collect();
                self.wan(argument, udp(4500), &marked);
            }
            5 => self.gre(argument, 0x2001, &mend::nhrp(payload)),
            6 => {
                let packet = ip_packet(sender_inside(argument), ALL_SPF_ROUTERS, 89, &mend::ospf(payload));
                self.gre(argument, 0x0800, &packet);
            }
            7 => self.gre(argument, 0x0800, &mend::ipv4(payload)),
            8 | 9 => {
                let mut packet = Packet::new(&mend::ipv4(payload));
                let verdict = if kind == 8 {
                    self.engine.handle_lan(self.now, &mut packet)
                } else {
                    self.engine.handle_local(self.now, &mut packet)
                };
                self.judge(verdict, &packet);
            }
            10 => {
                let mtu = payload.first_chunk().map_or(0, |mtu| u16::from_be_bytes(*mtu));
                self.engine.handle_underlay_mtu(self.now, sender(argument), mtu);
            }
            11 => {
                let command = match argument % 4 {
                    0 => Command::Shutdown,
                    1 => Command::ClearNhrp,
                    2 => Command::ClearCrypto(None),
                    _ => Command::ClearCrypto(Some(sender(argument))),
                };
                self.engine.handle_command(self.now, command);
            }
            _ => self.pass(Duration::from_millis(1 << (argument % 18))),
        }
    }

    fn gre(&mut self, argument: u8, protocol: u16, payload: &[u8]) {
        let mut packet = vec![0x20, 0];
        packet.extend_from_slice(&protocol.to_be_bytes());
        packet.extend_from_slice(&100u32.to_be_bytes());
        packet.extend_from_slice(payload);
        self.wan(argument, Wire::Gre, &packet);
    }

    fn wan(&mut self, argument: u8, wire: Wire, payload: &[u8]) {
        let path = Path { tos: argument & 0xfc, ..Path::new(self.local, sender(argument), wire) };
        let mut packet = Packet::new(payload);
        let verdict = self.engine.handle_wan(self.now, path, &mut packet);
        if self.protected && wire == Wire::Gre {
            assert!(
                matches!(verdict, Verdict::Dropped(_)),
                "a protected tunnel accepts no clear text: {verdict:?}"
            );
        }
        self.judge(verdict, &packet);
    }

    fn judge(&self, verdict: Verdict, packet: &Packet) {
        if let Verdict::Transmit(path) = verdict {
            self.check_path(path, packet.bytes());
        }
    }

    fn check_path(&self, path: Path, payload: &[u8]) {
        assert!(!payload.is_empty(), "nothing to send on {path}");
        assert_eq!(path.local, self.local, "our own address as source");
        assert!(
            !(self.protected && path.wire == Wire::Gre),
            "a protected tunnel sends no clear text: {path}"
        );
    }

    /// Lets time pass, and lets the engine work whenever it wants to.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..20_000 {
            match self.engine.poll_timeout() {
                Some(at) if at <= until => {
                    self.now = self.now.max(at);
                    self.engine.handle_timeout(self.now);
                    self.drain();
                }
                _ => {
                    self.now = until;
                    return;
                }
            }
        }
        panic!("the engine's timers come too often");
    }

    fn drain(&mut self) {
        for _ in 0..OUTPUTS {
            match self.engine.poll_output() {
                None => return,
                Some(Output::Transmit { path, payload }) => self.check_path(path, &payload),
                Some(Output::Event(event)) => drop(event.to_string()),
                Some(other) => drop(format!("{other:?}")),
            }
        }
        panic!("more outputs than any packet is worth");
    }
}

const ALL_SPF_ROUTERS: [u8; 4] = [224, 0, 0, 5];

/// Who sent a packet on the underlay: hub, spokes, and strangers.
fn sender(argument: u8) -> IpAddr {
    let address = match argument & 3 {
        0 => Ipv4Addr::new(203, 0, 113, 1),
        1 => Ipv4Addr::new(198, 51, 100, 1),
        2 => Ipv4Addr::new(198, 51, 100, 2),
        _ => Ipv4Addr::new(192, 0, 2, 77),
    };
    address.into()
}

/// The tunnel address that goes with it.
fn sender_inside(argument: u8) -> [u8; 4] {
    [10, 0, 0, [1, 11, 12, 77][usize::from(argument & 3)]]
}

fn ip_packet(source: [u8; 4], destination: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0xc0, 0, 0, 0, 0, 0, 0, 1, protocol, 0, 0];
    packet.extend_from_slice(&source);
    packet.extend_from_slice(&destination);
    packet.extend_from_slice(payload);
    mend::ipv4(&packet)
}
