//! Batches: the packets of one that leave under the same SA are sealed side by side.
//!
//! Routing goes packet by packet, as without a batch. Where a packet's SA gains from company, its ESP waits until the batch
//! has been looked through; the others are sealed at once. Packets of one SA keep their order, and so do flows.

use std::time::Instant;

use super::Plane;
use crate::ids::{PathId, TunnelId};
use crate::{DropReason, Packet, Verdict};

/// How many packets are looked at together.
pub(crate) const CHUNK: usize = 64;

/// How far a packet has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// This is its fate.
    Done(Verdict),
    /// It is a GRE packet that has to be sealed.
    Seal(Departure),
}

/// How a packet leaves once it is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Departure {
    pub(super) tunnel: TunnelId,
    pub(super) path: PathId,
    pub(super) tos: u8,
    pub(super) dont_fragment: bool,
    /// The IP packet's length, for the counters.
    pub(super) len: u64,
}

/// The packets of a chunk that wait to be sealed, by their place in it.
pub(crate) struct Waiting {
    departures: [Option<Departure>; CHUNK],
    /// Whether there is one.
    any: bool,
}

impl Waiting {
    pub(crate) fn new() -> Self {
        Self { departures: [None; CHUNK], any: false }
    }
}

impl Plane {
    /// The same as [`Plane::handle_lan`] for each packet from a LAN in turn.
    pub(crate) fn handle_lan_batch(
        &mut self,
        now: Instant,
        packets: &mut [Packet],
        verdicts: &mut Vec<Verdict>,
    ) {
        for chunk in packets.chunks_mut(CHUNK) {
            let (mut waiting, first) = (Waiting::new(), verdicts.len());
            for (place, packet) in chunk.iter_mut().enumerate() {
                let step = self.route_lan(now, packet, true);
                verdicts.push(self.finish_later(step, packet, place, &mut waiting));
            }
            self.seal_waiting(chunk, &mut waiting, verdicts.get_mut(first..).unwrap_or_default());
        }
    }

    /// Finishes a packet now, or has it wait if its SA gains from company; its verdict comes with
    /// [`Plane::seal_waiting`] then.
    pub(crate) fn finish_later(
        &mut self,
        step: Step,
        packet: &mut Packet,
        place: usize,
        waiting: &mut Waiting,
    ) -> Verdict {
        if let Step::Seal(departure) = step
            && let Some(slot) = waiting.departures.get_mut(place)
            && self.outbound_mut(departure.path).is_some_and(|sa| sa.gains_from_batches())
        {
            *slot = Some(departure);
            waiting.any = true;
            return Verdict::Consumed;
        }
        self.finish(step, packet)
    }

    /// Seals all packets of a chunk that wait, and sets their verdicts.
    pub(crate) fn seal_waiting<P: AsMut<Packet>>(
        &mut self,
        packets: &mut [P],
        waiting: &mut Waiting,
        verdicts: &mut [Verdict],
    ) {
        if !std::mem::take(&mut waiting.any) {
            return;
        }
        for first in 0..packets.len().min(CHUNK) {
            let Some(path) = waiting.departures[first].map(|departure| departure.path) else { continue };
            let mut group = Group::default();
            for (place, departure) in waiting.departures.iter().enumerate().skip(first) {
                if departure.is_some_and(|departure| departure.path == path) && !group.add(place) {
                    break;
                }
            }
            self.seal_group(path, packets, &group, waiting, verdicts);
        }
    }

    fn seal_group<P: AsMut<Packet>>(
        &mut self,
        path: PathId,
        packets: &mut [P],
        group: &Group,
        waiting: &mut Waiting,
        verdicts: &mut [Verdict],
    ) {
        let sealed = self.outbound_mut(path).map(|sa| (sa.child(), sa.seal_group(packets, group)));
        for (index, place) in group.places().iter().copied().enumerate() {
            let Some(departure) = waiting.departures.get_mut(place).and_then(Option::take) else { continue };
            let outcome = match &sealed {
                Some((child, outcomes)) => {
                    let outcome = outcomes.get(index).copied().unwrap_or(Err(DropReason::NoRoom));
                    self.note_sealed(path, *child, outcome)
                }
                None => Err(DropReason::NoSa),
            };
            let verdict = self.depart(&departure, outcome);
            if let Some(slot) = verdicts.get_mut(place) {
                *slot = verdict;
            }
        }
    }
}

/// Places of packets in a chunk, in order: as many as are sealed side by side.
#[derive(Debug, Default)]
pub(super) struct Group {
    places: [usize; esp::BATCH],
    len: usize,
}

impl Group {
    /// `false` if the group was full.
    fn add(&mut self, place: usize) -> bool {
        let slot = self.places.get_mut(self.len);
        let has_room = slot.is_some();
        if let Some(slot) = slot {
            *slot = place;
            self.len += 1;
        }
        has_room
    }

    pub(super) fn places(&self) -> &[usize] {
        self.places.get(..self.len).unwrap_or_default()
    }

    /// The packets at these places.
    pub(super) fn pick<'a, P: AsMut<Packet>>(
        &self,
        packets: &'a mut [P],
    ) -> impl Iterator<Item = &'a mut Packet> {
        let (mut rest, mut next) = (packets, 0);
        let places = self.places;
        places.into_iter().take(self.len).map_while(move |place| {
            let (_, tail) = std::mem::take(&mut rest).split_at_mut_checked(place.checked_sub(next)?)?;
            let (packet, tail) = tail.split_first_mut()?;
            (rest, next) = (tail, place + 1);
            Some(packet.as_mut())
        })
    }
}
