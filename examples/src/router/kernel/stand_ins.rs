//! Peers that share an underlay address: several spokes behind one NAT.
//!
//! The kernel finds the SA for a packet by the peer's address, without ports. Where a second peer comes from an address,
//! it gets one that stands in for it, out of the reserved 240.0.0.0/4 and never on the wire: its neighbour entries and
//! outbound SAs have that one. Netfilter puts the true address into the ESP packets as they leave, and the other way
//! round the stand-in into the GRE packets that come out of the peer's SAs (told by their mark), so that who sent a
//! packet is known everywhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use dmvpn::PathId;
use dmvpn::forward::Action;

/// A peer's stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StandIn {
    number: u16,
    /// Where the peer really is.
    real: Ipv4Addr,
}

impl StandIn {
    /// The address that stands in for the peer's.
    pub(super) fn address(self) -> Ipv4Addr {
        let [high, low] = self.number.to_be_bytes();
        Ipv4Addr::new(240, 68, high, low)
    }

    /// The mark of packets from it.
    pub(super) fn mark(self) -> u32 {
        u32::from(self.number) << 16
    }
}

/// Where peers are, and which have a stand-in.
#[derive(Debug, Default)]
pub(super) struct StandIns {
    remotes: BTreeMap<PathId, SocketAddr>,
    assigned: BTreeMap<PathId, StandIn>,
}

impl StandIns {
    /// Follows an action; whether [`StandIns::rules`] changed by it.
    pub(super) fn follow(&mut self, action: &Action) -> bool {
        let before = self.assigned.clone();
        match action {
            Action::AddPath { path, remote, protected: true, .. } | Action::MovePath { path, remote } => {
                self.place(*path, *remote);
            }
            Action::RemovePath { path } => {
                self.remotes.remove(path);
                self.assigned.remove(path);
            }
            _ => {}
        }
        before != self.assigned
    }

    /// The action with the address that stands in for the peer's; none if it is as it was.
    pub(super) fn translated(&self, action: &Action) -> Option<Action> {
        let (Action::AddPath { path, .. } | Action::MovePath { path, .. }) = action else { return None };
        let address = IpAddr::V4(self.of(*path)?.address());
        let mut action = action.clone();
        if let Action::AddPath { remote, .. } | Action::MovePath { remote, .. } = &mut action {
            remote.set_ip(address);
        }
        Some(action)
    }

    /// The stand-in of a path's peer.
    pub(super) fn of(&self, path: PathId) -> Option<StandIn> {
        self.assigned.get(&path).copied()
    }

    /// Whose address it is: the true one, and the path if it is known. Of several peers with one address and port all
    /// but the youngest are dead.
    pub(super) fn identify(&self, address: Ipv4Addr) -> (Ipv4Addr, Option<PathId>) {
        if let Some((path, stand_in)) = self.assigned.iter().find(|(_, known)| known.address() == address) {
            return (stand_in.real, Some(*path));
        }
        let of_address = |(path, remote): &(&PathId, &SocketAddr)| {
            remote.ip() == IpAddr::V4(address) && !self.assigned.contains_key(path)
        };
        let found = self.remotes.iter().filter(of_address).map(|(path, _)| *path).max();
        (address, found)
    }

    /// What netfilter does for them: the chains of a table.
    pub(super) fn rules(&self) -> String {
        let (mut out, mut back) = (String::new(), String::new());
        for stand_in in self.assigned.values() {
            let (address, mark, real) = (stand_in.address(), stand_in.mark(), stand_in.real);
            let _ = writeln!(out, "ip daddr {address} udp sport 4500 ip daddr set {real}");
            let _ = writeln!(back, "meta mark {mark:#x} meta l4proto gre ip saddr set {address}");
        }
        if self.assigned.is_empty() {
            return out;
        }
        format!(
            "chain out {{\ntype route hook output priority mangle; policy accept;\n{out}}}\n\
             chain back {{\ntype filter hook prerouting priority raw; policy accept;\n{back}}}\n"
        )
    }

    fn place(&mut self, path: PathId, remote: SocketAddr) {
        self.remotes.insert(path, remote);
        let IpAddr::V4(real) = remote.ip() else { return };
        if let Some(assigned) = self.assigned.get_mut(&path) {
            assigned.real = real;
            return;
        }
        let is_shared = self.remotes.iter().any(|(other, known)| {
            *other != path
                && known.ip() == remote.ip()
                && known.port() != remote.port()
                && !self.assigned.contains_key(other)
        });
        let free = (1..=u16::MAX).find(|number| self.assigned.values().all(|known| known.number != *number));
        if let (true, Some(number)) = (is_shared, free) {
            self.assigned.insert(path, StandIn { number, real });
        }
    }
}

#[cfg(test)]
mod tests {
    use dmvpn::UnderlayId;

    use super::*;

    const NAT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);

    fn path(path: u32, port: u16) -> Action {
        let remote = SocketAddr::from((NAT, port));
        Action::AddPath { path: PathId(path), underlay: UnderlayId(0), remote, protected: true }
    }

    #[test]
    fn the_second_peer_of_an_address_gets_a_stand_in() {
        let mut stand_ins = StandIns::default();
        assert!(!stand_ins.follow(&path(1, 4500)));
        assert!(stand_ins.follow(&path(2, 1024)));
        assert_eq!(stand_ins.of(PathId(1)), None);
        let second = stand_ins.of(PathId(2)).expect("a stand-in");
        assert_eq!(second.address(), Ipv4Addr::new(240, 68, 0, 1));
        assert_eq!(stand_ins.identify(second.address()), (NAT, Some(PathId(2))));
        assert_eq!(stand_ins.identify(NAT), (NAT, Some(PathId(1))));
        assert!(stand_ins.follow(&path(3, 1025)));
        assert_ne!(stand_ins.of(PathId(3)).expect("another").address(), second.address());
        let rules = stand_ins.rules();
        assert!(rules.contains("ip daddr 240.68.0.1 udp sport 4500 ip daddr set 192.0.2.9"), "{rules}");
        assert!(rules.contains("meta mark 0x10000 meta l4proto gre ip saddr set 240.68.0.1"), "{rules}");
        assert!(stand_ins.follow(&Action::RemovePath { path: PathId(2) }));
        assert_eq!(stand_ins.identify(NAT), (NAT, Some(PathId(1))));
    }

    #[test]
    fn a_peer_that_comes_again_from_the_same_port_takes_the_place_of_the_old_one() {
        let mut stand_ins = StandIns::default();
        stand_ins.follow(&path(1, 500));
        assert!(!stand_ins.follow(&path(2, 500)));
        assert_eq!(stand_ins.identify(NAT), (NAT, Some(PathId(2))));
        assert_eq!(stand_ins.rules(), "");
    }

    #[test]
    fn a_peer_that_moves_keeps_its_stand_in() {
        let mut stand_ins = StandIns::default();
        stand_ins.follow(&path(1, 4500));
        stand_ins.follow(&path(2, 1024));
        let before = stand_ins.of(PathId(2)).expect("a stand-in").address();
        let elsewhere = Ipv4Addr::new(192, 0, 2, 77);
        let remote = SocketAddr::from((elsewhere, 2000));
        assert!(stand_ins.follow(&Action::MovePath { path: PathId(2), remote }));
        assert_eq!(stand_ins.of(PathId(2)).map(StandIn::address), Some(before));
        assert_eq!(stand_ins.identify(before), (elsewhere, Some(PathId(2))));
    }
}
