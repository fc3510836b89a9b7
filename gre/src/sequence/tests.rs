//! The order of packets, around the wrap too.

use super::*;

#[test]
fn a_sender_counts_from_zero_and_wraps() {
    let mut sender = SequenceSender::new();
    assert_eq!([sender.next(), sender.next(), sender.next()], [0, 1, 2]);
    let mut sender = SequenceSender { next: u32::MAX };
    assert_eq!([sender.next(), sender.next()], [u32::MAX, 0]);
}

#[test]
fn order_is_kept_across_the_wrap() {
    for first in [0, 5, u32::MAX - 2, u32::MAX, 1 << 31] {
        let at = |ahead: u32| first.wrapping_add(ahead);
        let mut receiver = SequenceReceiver::new();
        assert_eq!(receiver.accept(first), Order::InSequence);
        assert_eq!(receiver.accept(first), Order::OutOfSequence, "a duplicate");
        assert_eq!(receiver.accept(at(1)), Order::InSequence);
        assert_eq!(receiver.accept(at(4)), Order::Gap { missing: 2 });
        assert_eq!(receiver.accept(at(3)), Order::OutOfSequence, "late");
        assert_eq!(receiver.accept(at(5)), Order::InSequence);
        assert_eq!(receiver.last(), Some(at(5)), "what is dropped leaves no trace");
        // Half of the numbers lie ahead, the other half behind.
        let last = at(5);
        assert_eq!(receiver.clone().accept(last.wrapping_add(1 << 31)), Order::OutOfSequence);
        assert_eq!(
            receiver.clone().accept(last.wrapping_add((1 << 31) - 1)),
            Order::Gap { missing: (1 << 31) - 2 }
        );
    }
}

#[test]
fn a_restarted_sender_is_old_until_the_reset() {
    let mut receiver = SequenceReceiver::new();
    assert_eq!(receiver.accept(1000), Order::InSequence);
    assert_eq!(receiver.accept(0), Order::OutOfSequence);
    receiver.reset();
    assert_eq!(receiver.last(), None);
    assert_eq!(receiver.accept(0), Order::InSequence);
}
