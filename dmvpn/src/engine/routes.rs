//! From the routing table to the forwarding table.

use super::Engine;
use crate::forward::Action;

impl Engine {
    pub(super) fn program_routes(&mut self, budget: &mut usize) {
        while *budget > 0 {
            let Some(prefix) = self.rib.take_changed() else { return };
            *budget -= 1;
            let action = match self.rib.best(prefix) {
                Some((route, _)) => Action::AddRoute { prefix, route: route.forwarding() },
                None => Action::RemoveRoute { prefix },
            };
            self.act(action);
        }
    }
}
