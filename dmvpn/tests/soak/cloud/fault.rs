//! What can go wrong, and how it is done to the network.

use std::fmt;
use std::time::Duration;

use dmvpn::sim::{LinkConfig, Probability};

use super::dice::Dice;
use super::topology::{Member, Topology};

/// One thing that goes wrong. Those that last end with the step, or, by chance, with a later one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// All links, in thousandths.
    Links { loss: u64, duplicate: u64, reorder: u64, corrupt: u64 },
    /// Between two routers, both ways.
    Mtu { a: Member, b: Member, mtu: u16 },
    /// Between two routers; in one direction only, or in both.
    Partition { a: Member, b: Member, one_way: bool },
    /// From all others: long enough, and NAT mappings expire.
    Isolation { of: Member },
    /// The box forgets its mappings, and may get another address.
    Rebinding { nat: usize, moves: bool },
    /// Dead until the end of the step.
    Crash { of: Member },
    /// Dead, and at once alive again with an empty memory.
    Restart { of: Member },
    /// As a restart, with another underlay address.
    Move { spoke: usize },
    /// Its clock goes forward.
    ClockJump { of: Member, by: Duration },
}

impl Fault {
    pub fn random(dice: &mut Dice, topology: &Topology) -> Self {
        let members: Vec<Member> = topology.members().collect();
        let of = dice.pick(&members);
        let a = of;
        let b = loop {
            let b = dice.pick(&members);
            if b != a {
                break b;
            }
        };
        match dice.number(0..=13) {
            0..=2 => Self::Links {
                loss: dice.number(0..=200),
                duplicate: dice.number(0..=100),
                reorder: dice.number(0..=200),
                corrupt: dice.number(0..=50),
            },
            3 => Self::Mtu { a, b, mtu: dice.number(1000..=1450) as u16 },
            4 | 5 => Self::Partition { a, b, one_way: dice.chance(30) },
            6 => Self::Isolation { of },
            7 | 8 if !topology.nats.is_empty() => {
                Self::Rebinding { nat: dice.index(topology.nats.len()), moves: dice.chance(50) }
            }
            9 | 10 => Self::Crash { of },
            11 => Self::Restart { of },
            12 => Self::Move { spoke: dice.index(topology.spokes.len()) },
            _ => Self::ClockJump { of, by: Duration::from_secs(dice.number(1..=90)) },
        }
    }

    /// Faultless links again, but for these.
    pub fn change_link(&self, link: &mut LinkConfig) {
        let thousandths = |number: u64| Probability::percent(number as f64 / 10.0);
        if let Self::Links { loss, duplicate, reorder, corrupt } = *self {
            link.loss = thousandths(loss);
            link.duplicate = thousandths(duplicate);
            link.reorder = thousandths(reorder);
            link.corrupt = thousandths(corrupt);
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Links { loss, duplicate, reorder, corrupt } => write!(
                f,
                "links lose {loss}, double {duplicate}, hold back {reorder} and change {corrupt} in a thousand"
            ),
            Self::Mtu { a, b, mtu } => write!(f, "{a} - {b} carries {mtu} bytes"),
            Self::Partition { a, b, one_way: true } => write!(f, "{a} does not reach {b}"),
            Self::Partition { a, b, one_way: false } => write!(f, "{a} and {b} do not reach each other"),
            Self::Isolation { of } => write!(f, "{of} is cut off"),
            Self::Rebinding { nat, moves: false } => write!(f, "NAT{} forgets its mappings", nat + 1),
            Self::Rebinding { nat, moves: true } => write!(f, "NAT{} gets another address", nat + 1),
            Self::Crash { of } => write!(f, "{of} crashes"),
            Self::Restart { of } => write!(f, "{of} restarts"),
            Self::Move { spoke } => write!(f, "{} restarts with another address", Member::Spoke(*spoke)),
            Self::ClockJump { of, by } => write!(f, "the clock of {of} jumps by {} s", by.as_secs()),
        }
    }
}
