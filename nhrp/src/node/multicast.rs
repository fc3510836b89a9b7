//! Who gets copies of multicast: registered clients (`map multicast dynamic`) and configured addresses. A path gets one
//! copy, however many clients are behind it.

use std::net::IpAddr;
use std::time::Instant;

use crate::config::MulticastMap;
use crate::io::{Action, Output, PathId};
use crate::node::Node;
use crate::node::cache::Entry;
use crate::node::paths::Path;

impl Node {
    /// A path to a configured multicast address is up, or the server there has answered a registration. Before that a
    /// server could not answer what it hears: it does not know yet where we are. (nhrpd of FRR 8.4 even forgets it for
    /// good if it has to answer a Hello in the moment of the registration.)
    pub(super) fn join_static(&mut self, now: Instant, path: PathId, nbma: IpAddr) {
        let server = self.servers.iter().find(|server| server.nbma == Some(nbma));
        let wanted = self.config.multicast.contains(&MulticastMap::Static(nbma))
            || server.is_some_and(|server| server.config.multicast);
        if !wanted || self.awaits_registration(nbma) {
            return;
        }
        let known = server.and_then(|server| server.tunnel_address);
        let mapped = || self.config.maps.iter().find(|map| map.nbma == nbma).map(|map| map.tunnel_address);
        let tunnel_address = known.or_else(mapped);
        self.join(now, path, nbma, tunnel_address);
        if let Some(path) = self.paths.any_mut(path) {
            path.is_static_member = true;
        }
    }

    /// A registered client has a path.
    pub(super) fn join_dynamic(&mut self, now: Instant, path: PathId, nbma: IpAddr, client: IpAddr) {
        if self.config.multicast.contains(&MulticastMap::Dynamic) {
            self.join(now, path, nbma, Some(client));
        }
    }

    fn join(&mut self, now: Instant, id: PathId, nbma: IpAddr, tunnel_address: Option<IpAddr>) {
        let Some(path) = self.paths.any_mut(id) else { return };
        if path.member_since.is_none() {
            path.member_since = Some(now);
            self.outputs.push_back(Output::Action(Action::MulticastJoin { path: id, nbma, tunnel_address }));
        }
    }

    /// A client does not use a path any more.
    pub(super) fn leave_client(&mut self, id: PathId) {
        let Some(path) = self.paths.any(id) else { return };
        if !path.is_static_member && self.member_client(path).is_none() {
            self.leave_path(id);
        }
    }

    /// A path is gone.
    pub(super) fn leave_path(&mut self, id: PathId) {
        let Some(path) = self.paths.any_mut(id) else { return };
        path.is_static_member = false;
        if path.member_since.take().is_some() {
            self.outputs.push_back(Output::Action(Action::MulticastLeave { path: id }));
            self.paths.drop_unused(id);
        }
    }

    pub(super) fn leave_all(&mut self) {
        let members: Vec<PathId> =
            self.paths.iter().filter(|(_, path)| path.member_since.is_some()).map(|(id, _)| id).collect();
        for path in members {
            self.leave_path(path);
        }
    }

    /// The peer of a path has another underlay address.
    pub(super) fn move_member(&mut self, id: PathId, nbma: IpAddr) {
        if let Some(path) = self.paths.any(id).filter(|path| path.member_since.is_some()) {
            let tunnel_address = self.member_client(path);
            self.outputs.push_back(Output::Action(Action::MulticastJoin { path: id, nbma, tunnel_address }));
        }
    }

    /// The first registered client behind a path.
    pub(super) fn member_client(&self, path: &Path) -> Option<IpAddr> {
        let is_client = |address: &IpAddr| self.cache.get(*address).is_some_and(Entry::is_registered);
        path.users().iter().copied().find(is_client)
    }
}
