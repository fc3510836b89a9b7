//! The configurations of a cloud, in IOS-XE's words.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use dmvpn::Config;
use dmvpn::config::ios;

use super::topology::{Intruder, Member, Phase, Topology};

/// The cloud's pre-shared key.
pub const KEY: &str = "a-key-for-the-cloud";
/// Its NHRP authentication string.
pub const AUTHENTICATION: &str = "overlay1";
/// `ip nhrp holdtime`, in seconds.
pub const HOLD: u64 = 120;
/// The intruder's name, its tunnel address and its LAN.
pub const INTRUDER: &str = "MALLORY";
pub const INTRUDER_HOST: u8 = 200;
pub const INTRUDER_LAN: Ipv4Addr = Ipv4Addr::new(192, 168, 250, 1);

/// A hub's underlay address.
pub fn hub_nbma(hub: usize) -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, 1 + hub as u8)
}

pub fn hub(topology: &Topology, hub: usize) -> Config {
    let cloud = topology.cloud_of_hub(hub);
    let me = Member::Hub(hub);
    let redirect = match topology.clouds[cloud] {
        Phase::Three => " ip nhrp redirect\n",
        Phase::One | Phase::Two { .. } => "",
    };
    let lines = format!(" ip nhrp map multicast dynamic\n{redirect}");
    let tunnel =
        interface(topology, cloud, 0, me.tunnel_address(cloud), &lines, "gre multipoint", &Wrong::NOTHING);
    read(&me.to_string(), &router(topology, hub_nbma(hub), me.lan(), &[tunnel], &Wrong::NOTHING))
}

pub fn spoke(topology: &Topology, spoke: usize, nbma: Ipv4Addr) -> Config {
    let me = Member::Spoke(spoke);
    let tunnels: Vec<String> = (0..topology.clouds.len())
        .map(|cloud| {
            let address = me.tunnel_address(cloud);
            client(topology, cloud, address, topology.spokes[spoke].unique, &Wrong::NOTHING)
        })
        .collect();
    read(&me.to_string(), &router(topology, nbma, me.lan(), &tunnels, &Wrong::NOTHING))
}

pub fn intruder(topology: &Topology, kind: Intruder, nbma: Ipv4Addr) -> Config {
    let wrong = match kind {
        Intruder::PreSharedKey => Wrong { key: "another-key-altogether", ..Wrong::NOTHING },
        Intruder::NhrpAuthentication => Wrong { authentication: "overlay2", ..Wrong::NOTHING },
        Intruder::GreKey => Wrong { gre_key: 999, ..Wrong::NOTHING },
    };
    let address = Ipv4Addr::new(10, 0, 0, INTRUDER_HOST);
    let tunnel = client(topology, 0, address, true, &wrong);
    read(INTRUDER, &router(topology, nbma, INTRUDER_LAN, &[tunnel], &wrong))
}

/// What a member of the cloud has to know, or the intruder's idea of it.
struct Wrong {
    key: &'static str,
    authentication: &'static str,
    /// Added to the GRE key.
    gre_key: usize,
}

impl Wrong {
    const NOTHING: Self = Self { key: KEY, authentication: AUTHENTICATION, gre_key: 0 };
}

/// A tunnel that registers.
fn client(topology: &Topology, cloud: usize, address: Ipv4Addr, unique: bool, wrong: &Wrong) -> String {
    let mut lines = String::from(" ip nhrp registration timeout 20\n");
    if !unique {
        lines.push_str(" ip nhrp registration no-unique\n");
    }
    for hub in topology.hubs_of(cloud) {
        let (nhs, nbma) = (Member::Hub(hub).tunnel_address(cloud), hub_nbma(hub));
        let _ =
            write!(lines, " ip nhrp map {nhs} {nbma}\n ip nhrp map multicast {nbma}\n ip nhrp nhs {nhs}\n");
    }
    let mut mode = "gre multipoint".to_owned();
    match topology.clouds[cloud] {
        Phase::One => {
            let hub = topology.hubs_of(cloud).next().unwrap_or_default();
            mode = format!("gre ip\n tunnel destination {}", hub_nbma(hub));
        }
        Phase::Two { originator: true } => lines.push_str(" ip ospf next-hop originator\n"),
        Phase::Two { originator: false } => lines.push_str(" ip ospf next-hop rfc2328\n"),
        Phase::Three => lines.push_str(" ip nhrp shortcut\n"),
    }
    interface(topology, cloud, cloud, address, &lines, &mode, wrong)
}

fn interface(
    topology: &Topology,
    cloud: usize,
    number: usize,
    address: Ipv4Addr,
    lines: &str,
    mode: &str,
    wrong: &Wrong,
) -> String {
    let protection = match topology.protected {
        true => " tunnel protection ipsec profile PROFILE\n",
        false => "",
    };
    format!(
        "interface Tunnel{number}
 ip address {address} 255.255.255.0
 no ip redirects
 ip mtu 1400
 ip tcp adjust-mss 1360
 ip nhrp authentication {}
 ip nhrp network-id {}
 ip nhrp holdtime {HOLD}
{lines} ip ospf network point-to-multipoint
 ip ospf hello-interval 5
 ip ospf dead-interval 20
 ip ospf cost {}
 tunnel source GigabitEthernet1
 tunnel mode {mode}
 tunnel key {}
{protection}!
",
        wrong.authentication,
        100 * (cloud + 1),
        10 * (cloud + 1),
        100 * (cloud + 1) + wrong.gre_key,
    )
}

fn router(topology: &Topology, nbma: Ipv4Addr, lan: Ipv4Addr, tunnels: &[String], wrong: &Wrong) -> String {
    let mut text = String::new();
    if topology.protected {
        let key = wrong.key;
        let _ = write!(
            text,
            "crypto ikev2 keyring KEYS
 peer ANY
  address 0.0.0.0 0.0.0.0
  pre-shared-key {key}
!
crypto ikev2 proposal PROPOSAL
 encryption aes-cbc-256
 integrity sha256
 group 19
!
crypto ikev2 policy POLICY
 proposal PROPOSAL
!
crypto ikev2 profile IKE
 match identity remote address 0.0.0.0
 authentication remote pre-share
 authentication local pre-share
 keyring local KEYS
!
crypto ipsec transform-set TRANSFORM esp-aes 256 esp-sha256-hmac
 mode transport
!
crypto ipsec profile PROFILE
 set transform-set TRANSFORM
 set ikev2-profile IKE
!
"
        );
    }
    tunnels.iter().for_each(|tunnel| text.push_str(tunnel));
    let _ = write!(
        text,
        "interface GigabitEthernet1
 ip address {nbma} 255.255.255.0
!
interface GigabitEthernet2
 ip address {lan} 255.255.255.0
!
router ospf 1
 network 10.0.0.0 0.0.255.255 area 0
 network 192.168.0.0 0.0.255.255 area 0
!
ip route 0.0.0.0 0.0.0.0 GigabitEthernet1
!
end
"
    );
    text
}

fn read(name: &str, text: &str) -> Config {
    let parsed = ios::parse(name, &format!("hostname {name}\n{text}"));
    let errors: Vec<String> =
        parsed.diagnostics.iter().filter(|found| found.is_error()).map(ToString::to_string).collect();
    assert!(errors.is_empty(), "{name}: {errors:?}\n{text}");
    parsed.config
}
