//! A hub with spokes, made by real handshakes and registrations.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use dmvpn::config::ios;
use dmvpn::{Backend, Engine, Options, Output, Packet};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::clock;

/// How packets are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suite {
    /// AES-GCM-256.
    Gcm,
    /// AES-CBC-256 with HMAC-SHA2-256: the guide's.
    Guide,
}

/// A host on the hub's LAN.
pub(crate) const HUB_HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 5);
const HUB_NBMA: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);

/// The host on a spoke's LAN.
pub(crate) fn spoke_host(index: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x6440_0000 + index * 64 + 5)
}

fn spoke_tunnel(index: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a00_0100 + index)
}

fn spoke_nbma(index: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0xc612_0100 + index)
}

pub(crate) struct Cloud {
    pub(crate) now: Instant,
    pub(crate) hub: Engine,
    pub(crate) spokes: Vec<Engine>,
}

impl Cloud {
    pub(crate) fn new(suite: Suite, backend: Backend, spokes: u32) -> Self {
        let now = clock();
        let hub = router(&hub_text(suite, spokes), backend, 1, now);
        let mut cloud = Self { now, hub, spokes: Vec::new() };
        for index in 0..spokes {
            cloud.join(suite, backend, index);
        }
        cloud
    }

    fn join(&mut self, suite: Suite, backend: Backend, index: u32) {
        let mut spoke = router(&spoke_text(suite, index), backend, u64::from(index) + 2, self.now);
        for _ in 0..20 {
            spoke.handle_timeout(self.now);
            while carry(&mut spoke, &mut self.hub, self.now) | carry(&mut self.hub, &mut spoke, self.now) {}
            if self.reaches(index) {
                break;
            }
            self.now += Duration::from_millis(20);
        }
        assert!(self.reaches(index), "spoke {index} did not register");
        self.spokes.push(spoke);
    }

    fn reaches(&mut self, index: u32) -> bool {
        let mut probe = Packet::new(&datagram(HUB_HOST, spoke_host(index), 28));
        matches!(self.hub.handle_lan(self.now, &mut probe), dmvpn::Verdict::Transmit(_))
    }
}

fn carry(from: &mut Engine, to: &mut Engine, now: Instant) -> bool {
    let mut busy = false;
    while let Some(output) = from.poll_output() {
        if let Output::Transmit { path, payload } = output {
            busy = true;
            let _verdict = to.handle_wan(now, path.reversed(), &mut Packet::new(&payload));
        }
    }
    busy
}

fn router(text: &str, backend: Backend, seed: u64, now: Instant) -> Engine {
    let parsed = ios::parse("bench.cfg", text);
    let mut options = Options::default();
    options.backend = backend;
    let rng = ChaCha20Rng::seed_from_u64(seed);
    Engine::with_options(parsed.config, options, rng, now).expect("a sound configuration")
}

fn hub_text(suite: Suite, spokes: u32) -> String {
    let mut text = common_text("HUB", suite, HUB_NBMA, Ipv4Addr::new(10, 0, 0, 1), "");
    text += "interface GigabitEthernet0/0/1\n ip address 192.168.1.1 255.255.255.0\n!\n";
    for index in 0..spokes {
        let lan = Ipv4Addr::from_bits(spoke_host(index).to_bits() & !63);
        text += &format!("ip route {lan} 255.255.255.192 {}\n", spoke_tunnel(index));
    }
    text
}

fn spoke_text(suite: Suite, index: u32) -> String {
    let nhs = format!(" ip nhrp map 10.0.0.1 {HUB_NBMA}\n ip nhrp nhs 10.0.0.1\n");
    let mut text = common_text("SPOKE", suite, spoke_nbma(index), spoke_tunnel(index), &nhs);
    let lan = Ipv4Addr::from_bits((spoke_host(index).to_bits() & !63) + 1);
    text += &format!("interface GigabitEthernet0/0/1\n ip address {lan} 255.255.255.192\n!\n");
    text += "ip route 192.168.1.0 255.255.255.0 10.0.0.1\nip route 100.64.0.0 255.192.0.0 10.0.0.1\n";
    text
}

fn common_text(name: &str, suite: Suite, nbma: Ipv4Addr, tunnel: Ipv4Addr, nhs: &str) -> String {
    let transform = match suite {
        Suite::Gcm => "esp-gcm 256",
        Suite::Guide => "esp-aes 256 esp-sha256-hmac",
    };
    format!(
        "hostname {name}
crypto ikev2 keyring KEYS
 peer ANY
  address 0.0.0.0 0.0.0.0
  pre-shared-key a-secret-of-the-bench
!
crypto ikev2 proposal PROPOSAL
 encryption aes-cbc-256
 integrity sha256
 group 31
!
crypto ikev2 policy POLICY
 proposal PROPOSAL
!
crypto ikev2 profile PROFILE
 match identity remote address 0.0.0.0
 authentication remote pre-share
 authentication local pre-share
 keyring local KEYS
!
crypto ipsec transform-set SET {transform}
 mode transport
!
crypto ipsec profile IPSEC
 set transform-set SET
 set ikev2-profile PROFILE
!
interface Tunnel0
 ip address {tunnel} 255.255.0.0
 ip nhrp network-id 100
 ip nhrp holdtime 7200
{nhs} ip tcp adjust-mss 1360
 tunnel source GigabitEthernet0/0/0
 tunnel mode gre multipoint
 tunnel key 100
 tunnel protection ipsec profile IPSEC
!
interface GigabitEthernet0/0/0
 ip address {nbma} 255.255.0.0
!
"
    )
}

/// A UDP datagram over IPv4.
pub(crate) fn datagram(source: Ipv4Addr, destination: Ipv4Addr, len: usize) -> Vec<u8> {
    let mut packet = vec![0x5a; len];
    packet[..20].copy_from_slice(&[0x45, 0, 0, 0, 0, 1, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    packet[2..4].copy_from_slice(&u16::try_from(len).expect("short").to_be_bytes());
    packet[12..16].copy_from_slice(&source.octets());
    packet[16..20].copy_from_slice(&destination.octets());
    let words = packet[..20].chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
    let sum: u32 = words.sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}
