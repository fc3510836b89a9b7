//! Reading steps from a fuzzer's bytes.
//!
//! A step is `kind (1) | argument (1) | length (2, big endian) | payload`. A length that reaches over the end means the
//! rest, so that every input is a list of steps and a fuzzer that inserts or removes bytes still gets somewhere.

/// Bytes that are used up from the front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input<'a> {
    rest: &'a [u8],
}

/// One step of a stateful target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// What to do; its meaning is the target's.
    pub kind: u8,
    /// With what; its meaning is the kind's.
    pub argument: u8,
    /// The packet, or whatever the kind needs.
    pub payload: &'a [u8],
}

impl<'a> Input<'a> {
    /// All of it.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next byte; 0 when there is none.
    pub fn byte(&mut self) -> u8 {
        let [byte] = self.array();
        byte
    }

    /// The next bytes; zeros for those that are not there.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        for (to, from) in array.iter_mut().zip(self.take(N)) {
            *to = *from;
        }
        array
    }

    /// At most this many bytes.
    pub fn take(&mut self, len: usize) -> &'a [u8] {
        let (head, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        head
    }

    /// What is left.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next step; `None` at the end.
    pub fn step(&mut self) -> Option<Step<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let [kind, argument] = self.array();
        let len = usize::from(u16::from_be_bytes(self.array()));
        Some(Step { kind, argument, payload: self.take(len) })
    }
}

impl Step<'_> {
    /// Appends the step to an input: the way back, for those who make corpora.
    pub fn write(&self, out: &mut Vec<u8>) {
        let len = u16::try_from(self.payload.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&[self.kind, self.argument]);
        out.extend_from_slice(&len.to_be_bytes());
        out.extend(self.payload.iter().take(usize::from(len)));
    }
}
