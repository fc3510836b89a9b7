//! What a random cloud is made of, before anything runs. Plain data: the engines are built from it, and the reference
//! model reads it.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use dmvpn::sim::{NatConfig, PortAllocation};

use super::dice::Dice;

/// A DMVPN phase, with the next hops of its routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Spokes have point-to-point tunnels to the only hub.
    One,
    /// Direct paths by next hops; with RFC 2328's next hops there is nothing to resolve, and all goes by way of a hub.
    Two { originator: bool },
    /// Direct paths by redirects and shortcuts.
    Three,
}

/// The kinds of RFC 4787 that differ in what they let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NatKind {
    FullCone,
    PortRestricted,
    Symmetric,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nat {
    pub kind: NatKind,
    pub timeout: Duration,
    pub ports: PortAllocation,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoke {
    /// Behind which box.
    pub nat: Option<usize>,
    /// Registers with the uniqueness bit.
    pub unique: bool,
}

/// A spoke that has one thing wrong, and therefore must stay outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intruder {
    PreSharedKey,
    NhrpAuthentication,
    GreKey,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    pub protected: bool,
    /// One, or two that exist side by side, the first with the better cost.
    pub clouds: Vec<Phase>,
    pub hubs: usize,
    pub spokes: Vec<Spoke>,
    pub nats: Vec<Nat>,
    pub intruder: Option<Intruder>,
    pub latency: Duration,
}

impl Topology {
    pub fn random(dice: &mut Dice) -> Self {
        let hubs = dice.number(1..=3) as usize;
        // Small clouds find most faults, and many of them run in the time of a large one.
        let most = dice.pick(&[3, 3, 3, 3, 5, 5, 5, 8, 8, 12, 20, 40]);
        let spokes = dice.number(2..=most) as usize;
        let protected = dice.chance(85);
        let clouds = if hubs > 1 && dice.chance(40) { 2 } else { 1 };
        let of_cloud = |cloud: usize| (0..hubs).filter(|hub| hub % clouds == cloud).count();
        let clouds = (0..clouds).map(|cloud| Phase::random(dice, of_cloud(cloud))).collect();
        let mut nats: Vec<Nat> = Vec::new();
        let spokes = (0..spokes)
            .map(|_| {
                // Without IPsec there are no ports that would tell two spokes behind one address apart.
                let nat = if !dice.chance(35) {
                    None
                } else if protected && !nats.is_empty() && dice.chance(30) {
                    Some(dice.index(nats.len()))
                } else {
                    nats.push(Nat::random(dice));
                    Some(nats.len() - 1)
                };
                Spoke { nat, unique: dice.chance(70) }
            })
            .collect();
        let intruder = dice.chance(40).then(|| {
            let choices = [Intruder::PreSharedKey, Intruder::NhrpAuthentication, Intruder::GreKey];
            if protected { dice.pick(&choices) } else { dice.pick(&choices[1..]) }
        });
        let latency = Duration::from_millis(dice.number(1..=150));
        Self { protected, clouds, hubs, spokes, nats, intruder, latency }
    }

    /// Which cloud a hub serves.
    pub fn cloud_of_hub(&self, hub: usize) -> usize {
        hub % self.clouds.len()
    }

    /// The hubs of a cloud.
    pub fn hubs_of(&self, cloud: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.hubs).filter(move |hub| self.cloud_of_hub(*hub) == cloud)
    }

    /// All routers but the intruder, hubs first.
    pub fn members(&self) -> impl Iterator<Item = Member> + '_ {
        (0..self.hubs).map(Member::Hub).chain((0..self.spokes.len()).map(Member::Spoke))
    }
}

impl Phase {
    fn random(dice: &mut Dice, hubs: usize) -> Self {
        match dice.number(0..=9) {
            0 if hubs == 1 => Self::One,
            1 => Self::Two { originator: false },
            2..=5 => Self::Two { originator: true },
            _ => Self::Three,
        }
    }
}

impl Nat {
    fn random(dice: &mut Dice) -> Self {
        Self {
            kind: dice.pick(&[NatKind::FullCone, NatKind::PortRestricted, NatKind::Symmetric]),
            timeout: Duration::from_secs(dice.pick(&[30, 60, 120])),
            ports: dice.pick(&[
                PortAllocation::Sequential(20_000),
                PortAllocation::Random,
                PortAllocation::Preserve,
            ]),
        }
    }

    pub fn config(&self, public: Ipv4Addr) -> NatConfig {
        let mut config = match self.kind {
            NatKind::FullCone => NatConfig::full_cone(public),
            NatKind::PortRestricted => NatConfig::port_restricted(public),
            NatKind::Symmetric => NatConfig::symmetric(public),
        };
        config.timeout = self.timeout;
        config.ports = self.ports;
        config
    }
}

/// A router that belongs to the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    Hub(usize),
    Spoke(usize),
}

impl Member {
    /// Its address in a cloud.
    pub fn tunnel_address(self, cloud: usize) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, cloud as u8, self.number())
    }

    /// The router's address on its LAN.
    pub fn lan(self) -> Ipv4Addr {
        Ipv4Addr::new(192, 168, self.number(), 1)
    }

    /// The host on its LAN.
    pub fn host(self) -> Ipv4Addr {
        Ipv4Addr::new(192, 168, self.number(), 100)
    }

    /// The name of that host.
    pub fn host_name(self) -> String {
        format!("LAN-{self}")
    }

    fn number(self) -> u8 {
        match self {
            Self::Hub(hub) => 1 + hub as u8,
            Self::Spoke(spoke) => 11 + spoke as u8,
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub(hub) => write!(f, "HUB{}", hub + 1),
            Self::Spoke(spoke) => write!(f, "SPOKE{}", spoke + 1),
        }
    }
}
