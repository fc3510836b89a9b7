//! Sequence numbers (RFC 2890 section 2.2).

#[cfg(test)]
mod tests;

/// The sender's side: hands out the numbers of one tunnel, from 0, modulo 2^32.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SequenceSender {
    next: u32,
}

impl SequenceSender {
    /// A sender whose first packet gets number 0.
    #[must_use]
    pub const fn new() -> Self {
        Self { next: 0 }
    }

    /// The number for the next packet.
    #[expect(clippy::should_implement_trait, reason = "the numbers never end, so there is no iterator to be")]
    pub fn next(&mut self) -> u32 {
        let number = self.next;
        self.next = number.wrapping_add(1);
        number
    }
}

/// What a received sequence number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub enum Order {
    /// The packet follows the last one: deliver.
    InSequence,
    /// Packets between the last one and this are lost, or late: deliver. They are dropped if they still come.
    Gap {
        /// How many are missing.
        missing: u32,
    },
    /// The packet is as old as the last delivered one, or older: drop.
    OutOfSequence,
}

/// The receiver's side: delivers packets in order, without a reorder buffer (RFC 2890 leaves one optional).
///
/// The first packet is in sequence whatever its number: RFC 2890 has the sender start at 0, but a receiver that
/// restarts meets its peer in the middle. A sender that restarts looks old until its numbers catch up or the owner
/// calls [`SequenceReceiver::reset`]; RFC 2890 has no other cure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SequenceReceiver {
    last: Option<u32>,
}

impl SequenceReceiver {
    /// A receiver that has seen nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { last: None }
    }

    /// Judges a packet's number, and remembers it if the packet is to be delivered.
    ///
    /// Numbers are compared modulo 2^32: the half behind the last one is old, the half in front of it is new.
    pub fn accept(&mut self, sequence: u32) -> Order {
        let ahead = self.last.map_or(1, |last| sequence.wrapping_sub(last));
        if ahead == 0 || ahead > u32::MAX / 2 {
            return Order::OutOfSequence;
        }
        self.last = Some(sequence);
        match ahead - 1 {
            0 => Order::InSequence,
            missing => Order::Gap { missing },
        }
    }

    /// The last number that was delivered.
    #[must_use]
    pub const fn last(&self) -> Option<u32> {
        self.last
    }

    /// Forgets the last number: the peer is known to have started anew.
    pub fn reset(&mut self) {
        self.last = None;
    }
}
