//! Who gets copies of multicast: registered clients (`map multicast dynamic`) and configured addresses.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Instant;

use crate::config::MulticastMap;
use crate::io::{Action, Output, PathId};
use crate::node::Node;

/// A path that gets copies: once, however many clients are behind it.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) nbma: IpAddr,
    pub(super) clients: BTreeSet<IpAddr>,
    pub(super) is_static: bool,
    pub(super) since: Instant,
}

impl Member {
    pub(super) fn map(&self) -> MulticastMap {
        if self.is_static { MulticastMap::Static(self.nbma) } else { MulticastMap::Dynamic }
    }
}

impl Node {
    /// A path to a configured multicast address is up.
    pub(super) fn join_static(&mut self, now: Instant, path: PathId, nbma: IpAddr) {
        if !self.config.multicast.contains(&MulticastMap::Static(nbma)) {
            return;
        }
        let known =
            self.servers.iter().find(|server| server.nbma == nbma).and_then(|server| server.tunnel_address);
        let mapped = || self.config.maps.iter().find(|map| map.nbma == nbma).map(|map| map.tunnel_address);
        let tunnel_address = known.or_else(mapped);
        self.join(now, path, nbma, tunnel_address, true);
    }

    /// A registered client has a path.
    pub(super) fn join_dynamic(&mut self, now: Instant, path: PathId, nbma: IpAddr, client: IpAddr) {
        if self.config.multicast.contains(&MulticastMap::Dynamic) {
            self.join(now, path, nbma, Some(client), false);
        }
    }

    fn join(&mut self, now: Instant, path: PathId, nbma: IpAddr, client: Option<IpAddr>, is_static: bool) {
        let is_new = !self.members.contains_key(&path);
        let member = self.members.entry(path).or_insert(Member {
            nbma,
            clients: BTreeSet::new(),
            is_static,
            since: now,
        });
        member.clients.extend(client);
        member.is_static |= is_static;
        if is_new {
            self.outputs.push_back(Output::Action(Action::MulticastJoin {
                path,
                nbma,
                tunnel_address: client,
            }));
        }
    }

    /// A client does not use a path any more.
    pub(super) fn leave_client(&mut self, path: PathId, client: IpAddr) {
        if let Some(member) = self.members.get_mut(&path) {
            member.clients.remove(&client);
            if member.clients.is_empty() && !member.is_static {
                self.leave_path(path);
            }
        }
    }

    /// A path is gone.
    pub(super) fn leave_path(&mut self, path: PathId) {
        if self.members.remove(&path).is_some() {
            self.outputs.push_back(Output::Action(Action::MulticastLeave { path }));
        }
    }

    pub(super) fn leave_all(&mut self) {
        while let Some((path, _)) = self.members.pop_first() {
            self.outputs.push_back(Output::Action(Action::MulticastLeave { path }));
        }
    }

    /// The peer of a path has another underlay address.
    pub(super) fn move_member(&mut self, path: PathId, nbma: IpAddr) {
        if let Some(member) = self.members.get_mut(&path) {
            member.nbma = nbma;
            let tunnel_address = member.clients.first().copied();
            self.outputs.push_back(Output::Action(Action::MulticastJoin { path, nbma, tunnel_address }));
        }
    }
}
