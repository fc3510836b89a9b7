use std::time::Duration;

use super::Queue;

#[test]
fn events_come_out_by_time_and_within_one_instant_in_the_order_they_went_in() {
    let mut queue = Queue::new();
    for n in 0..100_u32 {
        queue.push(Duration::from_millis(u64::from(n % 3)), n);
    }
    assert_eq!(queue.len(), 100);
    let mut seen = Vec::new();
    while let Some((at, n)) = queue.pop() {
        seen.push((at, n));
    }
    let mut expected: Vec<_> = (0..100_u32).map(|n| (Duration::from_millis(u64::from(n % 3)), n)).collect();
    expected.sort_by_key(|(at, _)| *at);
    assert_eq!(seen, expected);
}

#[test]
fn an_event_scheduled_for_the_past_comes_first() {
    let mut queue = Queue::new();
    queue.push(Duration::from_secs(2), "late");
    queue.push(Duration::from_secs(1), "early");
    assert_eq!(queue.next_at(), Some(Duration::from_secs(1)));
    assert_eq!(queue.pop(), Some((Duration::from_secs(1), "early")));
    assert_eq!(queue.pop(), Some((Duration::from_secs(2), "late")));
    assert_eq!(queue.pop(), None);
}
