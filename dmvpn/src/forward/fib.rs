//! The forwarding table: longest-prefix match.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use prefix_trie::PrefixMap;

/// A table of routes by prefix: a trie with several bits to a node, so that a look-up visits few of them. An update touches
/// the nodes on the way to one prefix.
#[derive(Debug, Clone)]
pub(crate) struct Fib<T> {
    routes: PrefixMap<Ipv4Net, T>,
}

impl<T> Default for Fib<T> {
    fn default() -> Self {
        Self { routes: PrefixMap::new() }
    }
}

impl<T> Fib<T> {
    /// Puts a route in; the one it replaces comes back.
    pub(crate) fn insert(&mut self, prefix: Ipv4Net, route: T) -> Option<T> {
        self.routes.insert(prefix.trunc(), route)
    }

    /// Takes a route out.
    pub(crate) fn remove(&mut self, prefix: Ipv4Net) -> Option<T> {
        self.routes.remove(&prefix.trunc())
    }

    /// The most specific route for an address.
    pub(crate) fn lookup(&self, address: Ipv4Addr) -> Option<&T> {
        self.routes.get_lpm(&Ipv4Net::from(address)).map(|(_, route)| route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_wins() {
        let mut fib = Fib::default();
        for (prefix, route) in
            [("0.0.0.0/0", 0), ("10.0.0.0/8", 8), ("10.0.0.0/24", 24), ("10.0.0.12/32", 32)]
        {
            assert_eq!(fib.insert(prefix.parse().expect("prefix"), route), None);
        }
        let lookup = |fib: &Fib<i32>, a: [u8; 4]| fib.lookup(a.into()).copied();
        assert_eq!(lookup(&fib, [10, 0, 0, 12]), Some(32));
        assert_eq!(lookup(&fib, [10, 0, 0, 13]), Some(24));
        assert_eq!(lookup(&fib, [10, 0, 1, 13]), Some(8));
        assert_eq!(lookup(&fib, [11, 0, 0, 1]), Some(0));
        assert_eq!(fib.remove("0.0.0.0/0".parse().expect("prefix")), Some(0));
        assert_eq!(lookup(&fib, [11, 0, 0, 1]), None);
        assert_eq!(fib.insert("10.0.0.0/24".parse().expect("prefix"), 25), Some(24));
        assert_eq!(lookup(&fib, [10, 0, 0, 13]), Some(25));
    }

    /// Random tables with random changes against a search through all routes.
    #[test]
    fn the_table_agrees_with_a_list() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 16) as u32
        };
        let (mut fib, mut list) = (Fib::default(), std::collections::BTreeMap::new());
        for round in 0..4000 {
            // Few different bits, so that prefixes lie within each other.
            let address = Ipv4Addr::from(random() & 0x8181_8181);
            let length = (random() % 33) as u8;
            let prefix = Ipv4Net::new(address, length).expect("a length of IPv4").trunc();
            if random() % 3 == 0 {
                assert_eq!(fib.remove(prefix), list.remove(&prefix));
            } else {
                assert_eq!(fib.insert(prefix, round), list.insert(prefix, round));
            }
            let address = Ipv4Addr::from(random() & 0x8181_8181);
            let containing = list.iter().filter(|(prefix, _)| prefix.contains(&address));
            let best = containing.max_by_key(|(prefix, _)| prefix.prefix_len()).map(|(_, route)| route);
            assert_eq!(fib.lookup(address), best, "{address} in round {round}");
        }
        assert!(list.len() > 500, "{}", list.len());
    }
}
