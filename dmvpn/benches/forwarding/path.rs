//! The whole path through a hub's engine.

use std::cell::RefCell;
use std::rc::Rc;

use dmvpn::{Arrival, Packet, Path, Verdict, Wire};

use crate::cloud::{Cloud, HUB_HOST, datagram, spoke_host};
use crate::{Contender, PACKETS};

/// Where packets come from and go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the hub's LAN to spokes.
    LanToWan,
    /// From spokes to the hub's LAN.
    WanToLan,
    /// From spokes to spokes.
    Hairpin,
}

pub(crate) struct Forward {
    cloud: Rc<RefCell<Cloud>>,
    way: Way,
    len: usize,
    batched: bool,
    random: u64,
    arrivals: Vec<Arrival>,
    packets: Vec<Packet>,
    verdicts: Vec<Verdict>,
}

impl Forward {
    pub(crate) fn new(cloud: &Rc<RefCell<Cloud>>, way: Way, len: usize, batched: bool) -> Self {
        let path = Path::new(HUB_HOST.into(), HUB_HOST.into(), Wire::Esp);
        Self {
            cloud: Rc::clone(cloud),
            way,
            len,
            batched,
            random: 0x2545_f491_4f6c_dd1d,
            arrivals: vec![Arrival { path, packet: Packet::with_capacity(1600) }; PACKETS],
            packets: vec![Packet::with_capacity(1600); PACKETS],
            verdicts: Vec::with_capacity(PACKETS),
        }
    }

    fn random_below(&mut self, bound: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 24) as usize % bound
    }
}

impl Contender for Forward {
    fn prepare(&mut self) {
        let cloud = Rc::clone(&self.cloud);
        let mut cloud = cloud.borrow_mut();
        let (now, spokes) = (cloud.now, cloud.spokes.len());
        for index in 0..PACKETS {
            let from = self.random_below(spokes);
            let mut to = self.random_below(spokes);
            if to == from {
                // What a spoke sends to its own LAN does not come to the hub.
                to = (to + 1) % spokes;
            }
            let to = to as u32;
            match self.way {
                Way::LanToWan => {
                    self.packets[index].fill(&datagram(HUB_HOST, spoke_host(to), self.len));
                }
                Way::WanToLan | Way::Hairpin => {
                    let destination = if self.way == Way::WanToLan { HUB_HOST } else { spoke_host(to) };
                    let arrival = &mut self.arrivals[index];
                    arrival.packet.fill(&datagram(spoke_host(from as u32), destination, self.len));
                    let spoke = &mut cloud.spokes[from];
                    let Verdict::Transmit(path) = spoke.handle_lan(now, &mut arrival.packet) else {
                        panic!("the spoke does not send");
                    };
                    arrival.path = path.reversed();
                }
            }
        }
    }

    fn run(&mut self) {
        let mut cloud = self.cloud.borrow_mut();
        let now = cloud.now;
        let hub = &mut cloud.hub;
        match (self.way, self.batched) {
            (Way::LanToWan, true) => hub.handle_lan_batch(now, &mut self.packets, &mut self.verdicts),
            (_, true) => hub.handle_wan_batch(now, &mut self.arrivals, &mut self.verdicts),
            (Way::LanToWan, false) => {
                self.verdicts.clear();
                for packet in &mut self.packets {
                    self.verdicts.push(hub.handle_lan(now, packet));
                }
            }
            (_, false) => {
                self.verdicts.clear();
                for Arrival { path, packet } in &mut self.arrivals {
                    self.verdicts.push(hub.handle_wan(now, *path, packet));
                }
            }
        }
        let is_fine = |verdict: &Verdict| match self.way {
            Way::WanToLan => matches!(verdict, Verdict::Deliver(_)),
            _ => matches!(verdict, Verdict::Transmit(_)),
        };
        assert!(self.verdicts.iter().all(is_fine), "{:?}", self.verdicts.iter().find(|v| !is_fine(v)));
    }
}
