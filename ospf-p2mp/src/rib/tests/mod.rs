//! Recorded databases, with the routes that other implementations computed from them.

mod holo;
mod lab;

use std::time::Instant;

use super::*;
use crate::spf::{Graph, Root, run};
use crate::wire::{Lsa, LsaBody, LsaKey};

#[allow(clippy::disallowed_methods)]
fn epoch() -> Instant {
    Instant::now()
}

/// A file of the recordings; `None`, with a message, where they are not.
fn read(path: &str) -> Option<String> {
    let folder = std::env::var("DMVPN_CAPTURES")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures").to_owned());
    let path = format!("{folder}/ospf/{path}");
    let text = std::fs::read_to_string(&path);
    if text.is_err() {
        eprintln!("skipped: {path} is not here");
    }
    text.ok()
}

/// A database and what is computed from it.
#[derive(Default)]
struct Recorded {
    lsdb: Lsdb,
    rib: Rib,
    areas: BTreeMap<AreaId, AreaKind>,
}

impl Recorded {
    fn add(&mut self, now: Instant, area: AreaId, lsa: Lsa) {
        let body = lsa.decode_body().expect("a body that was recorded");
        let header = lsa.header;
        let key = LsaKey::new(header.ls_type, header.link_state_id, header.advertising_router);
        let key = DbKey::new(Scope::Area(area), key);
        self.lsdb.insert(key, Entry::new(lsa, body, now));
        self.rib.reindex(key, None, self.lsdb.get(&key));
    }

    fn run_spf(&mut self, area: AreaId, root: &Root) {
        let of_area = || self.lsdb.scope(Scope::Area(area));
        let routers = of_area().filter_map(|(key, entry)| match &entry.body {
            LsaBody::Router(lsa) => Some((key.advertising_router, lsa)),
            _ => None,
        });
        let networks = of_area().filter_map(|(key, entry)| match &entry.body {
            LsaBody::Network(lsa) => Some((key.link_state_id, lsa)),
            _ => None,
        });
        let result = run(&Graph::new(routers, networks), root);
        self.rib.set_result(area, result);
    }

    fn evaluate(&mut self, now: Instant, router_id: Ipv4Addr) {
        let context = Context {
            lsdb: &self.lsdb,
            router_id,
            is_area_border: self.areas.len() > 1,
            rfc1583_compatible: true,
            areas: &self.areas,
            links: &[],
        };
        let prefixes = self.rib.all_prefixes();
        self.rib.evaluate(&context, now, &prefixes);
    }
}
