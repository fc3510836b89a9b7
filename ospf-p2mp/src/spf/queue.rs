//! The candidates of Dijkstra's algorithm, nearest first.

use std::collections::{BTreeMap, VecDeque};

use super::graph::Vertex;

/// Candidates by cost. Behind a hub thousands of routers have the same cost, so a queue per cost is much cheaper than a
/// heap of all.
#[derive(Debug, Default)]
pub(super) struct Candidates(BTreeMap<u32, Bucket>);

#[derive(Debug, Default)]
struct Bucket {
    networks: VecDeque<usize>,
    routers: VecDeque<usize>,
}

impl Candidates {
    pub(super) fn push(&mut self, cost: u32, vertex: Vertex) {
        let bucket = self.0.entry(cost).or_default();
        match vertex {
            Vertex::Network(index) => bucket.networks.push_back(index),
            Vertex::Router(index) => bucket.routers.push_back(index),
        }
    }

    /// The nearest candidate; of equally near ones a network before a router (section 16.1 (3)), then the one that came
    /// first.
    pub(super) fn pop(&mut self) -> Option<(u32, Vertex)> {
        loop {
            let mut nearest = self.0.first_entry()?;
            let cost = *nearest.key();
            let bucket = nearest.get_mut();
            let network = bucket.networks.pop_front().map(Vertex::Network);
            match network.or_else(|| bucket.routers.pop_front().map(Vertex::Router)) {
                Some(vertex) => return Some((cost, vertex)),
                None => nearest.remove(),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_first_and_networks_before_routers() {
        let mut candidates = Candidates::default();
        let (router, network) = (Vertex::Router, Vertex::Network);
        for (cost, vertex) in
            [(20, router(1)), (10, router(7)), (10, router(2)), (10, network(9)), (u32::MAX, network(0))]
        {
            candidates.push(cost, vertex);
        }
        assert_eq!(candidates.pop(), Some((10, network(9))));
        assert_eq!(candidates.pop(), Some((10, router(7))));
        candidates.push(10, network(3));
        let rest: Vec<_> = std::iter::from_fn(|| candidates.pop()).collect();
        let expected = [(10, network(3)), (10, router(2)), (20, router(1)), (u32::MAX, network(0))];
        assert_eq!(rest, expected);
    }
}
