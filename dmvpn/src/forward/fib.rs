//! The forwarding table: longest-prefix match.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// A table of routes by prefix. A lookup probes only the prefix lengths that are in use, longest first; an update touches
/// one entry.
#[derive(Debug, Clone)]
pub(crate) struct Fib<T> {
    by_length: Vec<HashMap<u32, T>>,
    /// Bit n is set when there is a route of length n.
    lengths: u64,
}

impl<T> Default for Fib<T> {
    fn default() -> Self {
        Self { by_length: (0..=32).map(|_| HashMap::new()).collect(), lengths: 0 }
    }
}

impl<T> Fib<T> {
    /// Puts a route in; the one it replaces comes back.
    pub(crate) fn insert(&mut self, prefix: Ipv4Net, route: T) -> Option<T> {
        let length = prefix.prefix_len();
        self.lengths |= 1 << length;
        self.by_length[usize::from(length)].insert(prefix.network().to_bits(), route)
    }

    /// Takes a route out.
    pub(crate) fn remove(&mut self, prefix: Ipv4Net) -> Option<T> {
        let length = prefix.prefix_len();
        let table = &mut self.by_length[usize::from(length)];
        let removed = table.remove(&prefix.network().to_bits());
        if table.is_empty() {
            self.lengths &= !(1 << length);
        }
        removed
    }

    /// The most specific route for an address.
    pub(crate) fn lookup(&self, address: Ipv4Addr) -> Option<&T> {
        let mut lengths = self.lengths;
        while lengths != 0 {
            let length = 63 - lengths.leading_zeros();
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            if let Some(route) = self.by_length[length as usize].get(&(address.to_bits() & mask)) {
                return Some(route);
            }
            lengths &= !(1 << length);
        }
        None
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
}
