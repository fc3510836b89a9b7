use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand_core::CryptoRng;

use super::child::Child;
use crate::ids::ChildId;

/// Names an IKE SA within an endpoint. Never leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SaKey(u64);

impl SaKey {
    pub(crate) const MIN: Self = Self(u64::MIN);
    pub(crate) const MAX: Self = Self(u64::MAX);
}

/// A source of names that are never used twice.
#[derive(Debug, Default)]
pub(crate) struct SaKeys(u64);

impl SaKeys {
    pub(crate) fn next(&mut self) -> SaKey {
        self.0 += 1;
        SaKey(self.0)
    }
}

/// A freed slot rests at least this long before its next use, as long as there are others: packets of the old SA that
/// are still under way then meet no SA instead of a wrong one.
const REST: Duration = Duration::from_secs(60);

/// Child SAs by slot. The slot is the low half of the inbound SPI, so that the data lane finds an SA by an index.
#[derive(Debug, Default)]
pub(crate) struct ChildSlots {
    slots: Vec<Slot>,
    resting: VecDeque<(u16, Instant)>,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u16,
    /// Upper half of the last SPI: the next one differs.
    last_upper: u16,
    child: Option<Box<Child>>,
}

impl ChildSlots {
    /// A slot and an SPI for a new child SA. The upper half of the SPI is random and not zero, so the SPI is never one
    /// of the reserved ones (below 256). `None` when all 65 536 slots are taken.
    pub(crate) fn reserve(&mut self, rng: &mut dyn CryptoRng, now: Instant) -> Option<(ChildId, u32)> {
        let rested = self.resting.front().is_some_and(|(_, at)| now.saturating_duration_since(*at) >= REST);
        let index = if rested || self.slots.len() > usize::from(u16::MAX) {
            self.resting.pop_front()?.0
        } else {
            let index = u16::try_from(self.slots.len()).ok()?;
            self.slots.push(Slot::default());
            index
        };
        let slot = self.slots.get_mut(usize::from(index))?;
        let mut upper = (rng.next_u32() >> 16) as u16;
        while upper == 0 || upper == slot.last_upper {
            upper = upper.wrapping_add(1);
        }
        slot.last_upper = upper;
        slot.generation = slot.generation.wrapping_add(1);
        let spi = (u32::from(upper) << 16) | u32::from(index);
        Some((ChildId::new(index, slot.generation), spi))
    }

    pub(crate) fn put(&mut self, id: ChildId, child: Box<Child>) {
        if let Some(slot) = self.slots.get_mut(usize::from(id.slot()))
            && slot.generation == id.generation()
        {
            slot.child = Some(child);
        }
    }

    pub(crate) fn get(&self, id: ChildId) -> Option<&Child> {
        let slot = self.slots.get(usize::from(id.slot()))?;
        slot.child.as_deref().filter(|_| slot.generation == id.generation())
    }

    pub(crate) fn get_mut(&mut self, id: ChildId) -> Option<&mut Child> {
        let slot = self.slots.get_mut(usize::from(id.slot()))?;
        let generation = slot.generation;
        slot.child.as_deref_mut().filter(|_| generation == id.generation())
    }

    /// Gives a slot back, whether or not a child SA was ever put there.
    pub(crate) fn release(&mut self, id: ChildId, now: Instant) -> Option<Box<Child>> {
        let slot = self.slots.get_mut(usize::from(id.slot()))?;
        if slot.generation != id.generation() {
            return None;
        }
        let child = slot.child.take();
        // Another release with the same id must not free the slot a second time.
        slot.generation = slot.generation.wrapping_add(1);
        self.resting.push_back((id.slot(), now));
        child
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    use super::*;

    #[test]
    fn slots_rest_and_stale_ids_reach_nothing() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        #[allow(clippy::disallowed_methods, reason = "only differences count")]
        let now = Instant::now();
        let mut slots = ChildSlots::default();
        let (first, spi) = slots.reserve(&mut rng, now).unwrap();
        assert_eq!(spi & 0xffff, u32::from(first.slot()));
        assert!(spi >= 0x1_0000);
        slots.release(first, now);
        slots.release(first, now);
        let (second, _) = slots.reserve(&mut rng, now + REST / 2).unwrap();
        assert_ne!(second.slot(), first.slot(), "the freed slot still rests");
        let (third, again) = slots.reserve(&mut rng, now + REST).unwrap();
        assert_eq!(third.slot(), first.slot());
        assert_ne!(third, first);
        assert_ne!(again, spi);
        let (fourth, _) = slots.reserve(&mut rng, now + REST).unwrap();
        assert_ne!(fourth.slot(), third.slot(), "a double release frees once");
        assert!(slots.get(first).is_none());
    }

    #[test]
    fn all_slots_can_be_taken_and_no_more() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        #[allow(clippy::disallowed_methods, reason = "only differences count")]
        let now = Instant::now();
        let mut slots = ChildSlots::default();
        let ids: Vec<_> = (0..65_536).map(|_| slots.reserve(&mut rng, now).unwrap().0).collect();
        assert_eq!(slots.reserve(&mut rng, now), None);
        slots.release(ids[7], now);
        assert_eq!(slots.reserve(&mut rng, now).unwrap().0.slot(), 7, "under pressure a slot does not rest");
    }
}
