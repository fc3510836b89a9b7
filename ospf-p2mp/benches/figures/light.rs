//! A spoke that speaks OSPF in full and remembers nothing but the number of each router's LSA, so that thousands fit into
//! one process and the hub's figures are not those of its peers.

use std::net::Ipv4Addr;

use bytes::Bytes;
use ospf_p2mp::AreaId;
use ospf_p2mp::wire::{
    AuthField, DatabaseDescription, DdFlags, Hello, INITIAL_SEQUENCE, LsAck, LsRequest, LsUpdate, Lsa,
    LsaBody, LsaHeader, LsaKey, Options, Packet, PacketBody, RequestEntry, RouterFlags, RouterLink,
    RouterLsa,
};

/// Requests and headers in one packet.
const BATCH: usize = 60;

/// The tunnel address, and router id, of a router by number. The hub is number 0.
pub(crate) fn address(number: u32) -> Ipv4Addr {
    (0x0a00_0001 + number).into()
}

fn number(address: Ipv4Addr) -> usize {
    (u32::from(address) - 0x0a00_0001) as usize
}

/// The LAN behind a router.
pub(crate) fn lan(number: u32) -> ipnet::Ipv4Net {
    ipnet::Ipv4Net::new((0xac10_0000 + number * 16).into(), 28).expect("a prefix")
}

/// The Router-LSA of a spoke: its address, its LAN, and the hub once they are neighbours.
pub(crate) fn router_lsa(spoke: u32, hub: Ipv4Addr, sequence: i32, linked: bool, lan_cost: u16) -> Lsa {
    let mut links = vec![RouterLink::stub(address(spoke).into(), 0), RouterLink::stub(lan(spoke), lan_cost)];
    if linked {
        links.push(RouterLink::point_to_point(hub, address(spoke), 10));
    }
    let body = LsaBody::Router(RouterLsa { flags: RouterFlags::default(), links, tos: Vec::new() });
    Lsa::new(LsaKey::new(1, address(spoke), address(spoke)), Options::E, sequence, body.encode())
        .expect("small")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Hello,
    Exchange,
    Full,
}

pub(crate) struct Light {
    spoke: u32,
    phase: Phase,
    sequence: u32,
    described: bool,
    /// The number of each router's LSA, by router.
    known: Vec<i32>,
    wanted: Vec<LsaHeader>,
    asked: usize,
}

impl Light {
    pub(crate) fn new(spoke: u32, routers: u32) -> Self {
        let known = vec![i32::MIN; routers as usize + 1];
        let (phase, described) = (Phase::Hello, false);
        Self { spoke, phase, sequence: 0, described, known, wanted: Vec::new(), asked: 0 }
    }

    pub(crate) fn packet(&self, body: PacketBody) -> Vec<u8> {
        let packet = Packet {
            router_id: address(self.spoke),
            area: AreaId::BACKBONE,
            auth: AuthField::Null([0; 8]),
            body,
            trailer: Bytes::new(),
        };
        packet.encode().expect("a small packet")
    }

    pub(crate) fn hello(&self) -> Vec<u8> {
        self.packet(PacketBody::Hello(Hello {
            mask: Ipv4Addr::new(255, 255, 0, 0),
            hello_interval: 30,
            options: Options::E,
            priority: 1,
            dead_interval: 120,
            designated_router: Ipv4Addr::UNSPECIFIED,
            backup_designated_router: Ipv4Addr::UNSPECIFIED,
            neighbors: vec![address(0)],
        }))
    }

    pub(crate) fn is_full(&self) -> bool {
        self.phase == Phase::Full
    }

    /// How many routers' LSAs it has.
    pub(crate) fn routers(&self) -> usize {
        self.known.iter().filter(|sequence| **sequence != i32::MIN).count()
    }

    /// Answers a packet of the hub. Spokes have the larger ids, so they lead the exchange.
    pub(crate) fn receive(&mut self, payload: &[u8], answers: &mut Vec<Vec<u8>>) {
        let packet = Packet::decode(payload).expect("a packet of the hub");
        match packet.body {
            PacketBody::Hello(hello) => {
                let hears_us = hello.neighbors.contains(&address(self.spoke));
                if self.phase == Phase::Hello {
                    answers.push(self.hello());
                    if hears_us {
                        self.phase = Phase::Exchange;
                        self.sequence = 1;
                        let all = DdFlags::INIT.union(DdFlags::MORE).union(DdFlags::MASTER);
                        answers.push(self.describe(all, Vec::new()));
                    }
                }
            }
            PacketBody::DatabaseDescription(description) => self.described(&description, answers),
            PacketBody::LinkStateRequest(_) => {
                let lsas = vec![router_lsa(self.spoke, address(0), INITIAL_SEQUENCE, false, 1)];
                answers.push(self.packet(PacketBody::LinkStateUpdate(LsUpdate { lsas })));
            }
            PacketBody::LinkStateUpdate(update) => self.updated(&update, answers),
            PacketBody::LinkStateAck(_) => {}
        }
    }

    fn describe(&self, flags: DdFlags, headers: Vec<LsaHeader>) -> Vec<u8> {
        let (options, sequence) = (Options::E, self.sequence);
        self.packet(PacketBody::DatabaseDescription(DatabaseDescription {
            mtu: 1400,
            options,
            flags,
            sequence,
            headers,
        }))
    }

    fn described(&mut self, description: &DatabaseDescription, answers: &mut Vec<Vec<u8>>) {
        if self.phase != Phase::Exchange
            || description.flags.contains(DdFlags::MASTER)
            || description.sequence != self.sequence
        {
            return;
        }
        let new = |header: &&LsaHeader| self.known[number(header.advertising_router)] < header.sequence;
        self.wanted.extend(description.headers.iter().filter(new));
        if self.described && !description.flags.contains(DdFlags::MORE) {
            self.ask(answers);
            return;
        }
        self.sequence += 1;
        let headers = if self.described {
            Vec::new()
        } else {
            vec![router_lsa(self.spoke, address(0), INITIAL_SEQUENCE, false, 1).header]
        };
        self.described = true;
        answers.push(self.describe(DdFlags::MASTER, headers));
    }

    /// Asks for the next LSAs; without any left it is Full, and says so in its Router-LSA.
    fn ask(&mut self, answers: &mut Vec<Vec<u8>>) {
        self.wanted.retain(|header| self.known[number(header.advertising_router)] < header.sequence);
        self.asked = self.wanted.len().min(BATCH);
        if self.asked > 0 {
            let entries =
                self.wanted[..self.asked].iter().map(|header| RequestEntry::from(header.key())).collect();
            answers.push(self.packet(PacketBody::LinkStateRequest(LsRequest { entries })));
        } else if self.phase == Phase::Exchange {
            self.phase = Phase::Full;
            self.known[self.spoke as usize] = INITIAL_SEQUENCE + 1;
            let lsas = vec![router_lsa(self.spoke, address(0), INITIAL_SEQUENCE + 1, true, 1)];
            answers.push(self.packet(PacketBody::LinkStateUpdate(LsUpdate { lsas })));
        }
    }

    fn updated(&mut self, update: &LsUpdate, answers: &mut Vec<Vec<u8>>) {
        let mut headers = Vec::with_capacity(update.lsas.len());
        for lsa in &update.lsas {
            let known = &mut self.known[number(lsa.header.advertising_router)];
            *known = lsa.header.sequence.max(*known);
            headers.push(lsa.header);
        }
        answers.push(self.packet(PacketBody::LinkStateAck(LsAck { headers })));
        if self.asked > 0 {
            let open = self.wanted[..self.asked]
                .iter()
                .any(|header| self.known[number(header.advertising_router)] < header.sequence);
            if !open {
                self.asked = 0;
                self.ask(answers);
            }
        }
    }
}
