use std::collections::BTreeMap;

/// What to do with a request, by its message id alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Not seen yet and within the window.
    New,
    /// Answered already: the same answer is due.
    Repeated,
    /// Outside of the window.
    Outside,
}

/// The requests of the other side: which were answered, and how (RFC 7296 sections 2.1 to 2.3).
#[derive(Debug)]
pub(crate) struct ReceiveWindow {
    size: u32,
    /// The lowest id that was not seen yet.
    base: u32,
    /// Answers; the datagrams of each. At most `size` ids below `base`, plus those within the window.
    answers: BTreeMap<u32, Vec<Vec<u8>>>,
}

impl ReceiveWindow {
    /// A window that starts at `base`.
    pub(crate) fn new(base: u32, size: u8) -> Self {
        Self { size: u32::from(size.max(1)), base, answers: BTreeMap::new() }
    }

    pub(crate) const fn base(&self) -> u32 {
        self.base
    }

    pub(crate) fn admit(&self, message_id: u32) -> Admission {
        if self.answers.contains_key(&message_id) {
            Admission::Repeated
        } else if message_id >= self.base && message_id - self.base < self.size {
            Admission::New
        } else {
            Admission::Outside
        }
    }

    pub(crate) fn answer(&self, message_id: u32) -> Option<&Vec<Vec<u8>>> {
        self.answers.get(&message_id)
    }

    /// Notes the answer to a request that was admitted as new. False when ids are used up: an id never wraps.
    pub(crate) fn record(&mut self, message_id: u32, answer: Vec<Vec<u8>>) -> bool {
        self.answers.insert(message_id, answer);
        while self.answers.contains_key(&self.base) {
            let Some(next) = self.base.checked_add(1) else { return false };
            self.base = next;
        }
        // An answer is of use until the peer can have no request with that id outstanding any more.
        let oldest = self.base.saturating_sub(self.size);
        self.answers = self.answers.split_off(&oldest);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_of_one_is_strictly_sequential() {
        let mut window = ReceiveWindow::new(0, 1);
        assert_eq!(window.admit(1), Admission::Outside);
        assert_eq!(window.admit(0), Admission::New);
        assert!(window.record(0, vec![vec![1]]));
        assert_eq!(window.admit(0), Admission::Repeated);
        assert_eq!(window.admit(1), Admission::New);
        assert!(window.record(1, vec![vec![2]]));
        assert_eq!(window.admit(0), Admission::Outside);
    }

    #[test]
    fn wider_window_takes_requests_out_of_order_and_keeps_the_answers() {
        let mut window = ReceiveWindow::new(2, 3);
        assert_eq!(window.admit(4), Admission::New);
        assert!(window.record(4, vec![vec![4]]));
        assert_eq!(window.base(), 2);
        assert_eq!(window.admit(5), Admission::Outside);
        assert!(window.record(2, vec![vec![2]]));
        assert!(window.record(3, vec![vec![3]]));
        assert_eq!(window.base(), 5);
        for id in 2..5 {
            assert_eq!(window.admit(id), Admission::Repeated);
        }
        assert_eq!(window.admit(7), Admission::New);
        assert_eq!(window.admit(8), Admission::Outside);
    }

    #[test]
    fn ids_never_wrap() {
        let mut window = ReceiveWindow::new(u32::MAX, 1);
        assert_eq!(window.admit(u32::MAX), Admission::New);
        assert!(!window.record(u32::MAX, Vec::new()));
    }
}
