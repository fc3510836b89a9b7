//! The views: state as data, for `show` commands.

use std::net::IpAddr;
use std::time::Instant;

use ipnet::IpNet;

use crate::config::MulticastMap;
use crate::node::Node;
use crate::node::cache::{Entry, Origin, Requester};
use crate::node::local::Local;
use crate::node::timers::Timer;
use crate::view::{CacheFlags, CacheKind, CacheView, MulticastView, NhsStatus, NhsView, RequesterView};

impl Node {
    /// The cache, ordered by prefix: `show ip nhrp [detail]`.
    ///
    /// `now` is not asked for: flags that depend on time (`used`) are as of the last call that brought one.
    pub fn cache(&self) -> impl Iterator<Item = CacheView> + '_ {
        let mut views: Vec<CacheView> = self.cache.iter().map(|entry| self.entry_view(entry)).collect();
        views.extend(self.shortcuts.iter().map(|(prefix, shortcut)| {
            let entry = self.cache.get(shortcut.next_hop);
            CacheView {
                prefix: *prefix,
                next_hop: shortcut.next_hop,
                nbma: entry.map(|entry| entry.nbma),
                claimed_nbma: entry.and_then(|entry| entry.claimed),
                kind: CacheKind::Dynamic,
                flags: CacheFlags {
                    router: true,
                    nat: entry.is_some_and(|entry| entry.claimed.is_some()),
                    no_socket: !shortcut.up,
                    rib: shortcut.up,
                    ..CacheFlags::default()
                },
                created: shortcut.created,
                expires: Some(shortcut.expires),
                last_used: entry.and_then(|entry| entry.extra().last_used),
                path: entry.filter(|_| shortcut.up).and_then(|entry| entry.path),
                changed: entry.map_or(shortcut.created, |entry| entry.changed),
                preference: 0,
                mtu: 0,
                requesters: Vec::new(),
                hits: 0,
                group: None,
            }
        }));
        views.extend(self.locals.iter().map(|(prefix, local)| self.local_view(*prefix, local)));
        let pending = self.resolutions.iter().filter(|(destination, _)| {
            // A refresh is shown by the entry that it refreshes.
            self.cache.get(**destination).is_none()
                && !self.shortcuts.values().any(|s| s.asked == **destination)
        });
        views.extend(pending.map(|(destination, resolution)| CacheView {
            hits: resolution.hits,
            ..self.incomplete_view(*destination, resolution.created, false, None)
        }));
        let negative = self.hold_downs.iter().filter(|(destination, record)| {
            record.negative && self.cache.get(**destination).is_none() && record.until > self.seen
        });
        views.extend(negative.map(|(destination, record)| {
            self.incomplete_view(*destination, record.until, true, Some(record.until))
        }));
        views.sort_by_key(|view| view.prefix);
        views.into_iter()
    }

    /// How much of `max_send` is used up, in per cent.
    #[must_use]
    pub fn max_send_usage(&self, now: Instant) -> u8 {
        self.send_bucket.usage(now)
    }

    /// The servers in configuration order: `show ip nhrp nhs [detail]`.
    pub fn nhs(&self) -> impl Iterator<Item = NhsView> + '_ {
        self.servers.iter().enumerate().map(|(index, server)| NhsView {
            tunnel_address: server.tunnel_address,
            nbma: server.nbma,
            name: server.config.name.clone(),
            priority: server.config.priority,
            cluster: server.config.cluster,
            status: server.status,
            changed: server.changed,
            down_reason: server.down_reason,
            path: server.path,
            requests_sent: server.requests_sent,
            replies_received: server.replies_received,
            requests_failed: server.requests_failed,
            request_id: server.requested_id,
            acknowledged_id: server.registered_id,
            retry: server.request.map(|request| request.retry),
            last_reply: server.last_reply,
            next_request: self.timers.deadline(Timer::Register(index)),
            round_trip: server.round_trip,
            public_nbma: server.public_nbma,
        })
    }

    /// Overlay address of the best live server: data for unresolved next hops goes there.
    #[must_use]
    pub fn live_nhs(&self) -> Option<IpAddr> {
        self.best_server(None).and_then(|index| self.servers.get(index)?.tunnel_address)
    }

    /// Whether this server has answered the last registration.
    #[must_use]
    pub fn is_nhs_up(&self, tunnel_address: IpAddr) -> bool {
        let mut at = self.servers.iter().filter(|server| server.tunnel_address == Some(tunnel_address));
        at.any(|server| server.status == NhsStatus::Up)
    }

    /// Where multicast is copied to, by path: `show ip nhrp multicast`.
    pub fn multicast(&self) -> impl Iterator<Item = MulticastView> + '_ {
        self.paths.iter().filter_map(|(id, path)| {
            let map =
                if path.is_static_member { MulticastMap::Static(path.nbma) } else { MulticastMap::Dynamic };
            Some(MulticastView {
                nbma: path.nbma,
                path: id,
                tunnel_address: self.member_client(path),
                map,
                since: path.member_since?,
            })
        })
    }

    fn entry_view(&self, entry: &Entry) -> CacheView {
        let window = self.config.timing.used_window;
        let recent = |used: Instant| self.seen.saturating_duration_since(used) <= window;
        let mut flags = CacheFlags {
            nat: entry.claimed.is_some(),
            no_socket: !entry.active,
            used: entry.extra().last_used.is_some_and(recent),
            nhop: self.config.is_overlay(entry.address),
            rib: false,
            ..CacheFlags::default()
        };
        match &entry.origin {
            Origin::Static => {}
            Origin::Registered { unique, .. } => {
                flags.registered = true;
                flags.unique = *unique;
                // The guide and IOS do not count traffic towards a registration's use.
                flags.used = false;
            }
            Origin::Dynamic { implicit, authoritative, router } => {
                flags.implicit = *implicit;
                flags.authoritative = *authoritative;
                flags.router = *router;
                flags.rib = entry.active;
            }
        }
        CacheView {
            prefix: entry.prefix(),
            next_hop: entry.address,
            nbma: Some(entry.nbma),
            claimed_nbma: entry.claimed,
            kind: if matches!(entry.origin, Origin::Static) { CacheKind::Static } else { CacheKind::Dynamic },
            flags,
            created: entry.created,
            expires: entry.expires,
            last_used: entry.extra().last_used,
            path: entry.path.filter(|_| entry.active),
            changed: entry.changed,
            preference: entry.preference,
            mtu: entry.mtu,
            requesters: self.requesters(&entry.extra().requesters),
            hits: 0,
            group: entry.extra().group.as_ref().map(|name| String::from_utf8_lossy(name).into_owned()),
        }
    }

    fn incomplete_view(
        &self,
        destination: IpAddr,
        created: Instant,
        negative: bool,
        expires: Option<Instant>,
    ) -> CacheView {
        CacheView {
            prefix: IpNet::from(destination),
            next_hop: destination,
            nbma: None,
            claimed_nbma: None,
            kind: CacheKind::Incomplete,
            flags: CacheFlags { negative, no_socket: true, ..CacheFlags::default() },
            created,
            expires,
            last_used: None,
            path: None,
            changed: created,
            preference: 0,
            mtu: 0,
            requesters: Vec::new(),
            hits: 0,
            group: None,
        }
    }

    /// As IOS shows them: without a session of their own.
    fn local_view(&self, prefix: IpNet, local: &Local) -> CacheView {
        CacheView {
            prefix,
            next_hop: self.config.tunnel_address,
            nbma: Some(self.config.nbma),
            claimed_nbma: None,
            kind: CacheKind::Dynamic,
            flags: CacheFlags {
                router: true,
                unique: true,
                local: true,
                no_socket: true,
                ..CacheFlags::default()
            },
            created: local.created,
            expires: Some(local.expires),
            last_used: None,
            path: None,
            changed: local.created,
            preference: 0,
            mtu: self.config.mtu,
            requesters: self.requesters(&local.requesters),
            hits: 0,
            group: None,
        }
    }

    /// Those who may still use what they were given.
    fn requesters(&self, list: &[Requester]) -> Vec<RequesterView> {
        let view = |one: &Requester| RequesterView { address: one.address, request_id: one.request_id };
        list.iter().filter(|one| one.until > self.seen).map(view).collect()
    }
}
