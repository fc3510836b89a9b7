//! Lines into words.

/// A word and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    /// In octets from the start of the line.
    pub(super) offset: usize,
    /// In characters from the start of the line, counted from 1.
    pub(super) column: u32,
}

/// A line in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words<'a> {
    /// The whole line, without white space at its end.
    pub(super) line: &'a str,
    /// How many characters of white space are in front.
    pub(super) indent: usize,
    pub(super) words: Vec<Word<'a>>,
}

impl<'a> Words<'a> {
    /// Takes a line apart. White space is everything that Unicode calls so: text out of a web page has no-break spaces.
    pub(super) fn new(line: &'a str) -> Self {
        let line = line.trim_end();
        let mut words = Vec::new();
        let mut open: Option<(usize, u32)> = None;
        let mut column = 0;
        for (offset, character) in line.char_indices() {
            column += 1;
            match (character.is_whitespace(), open) {
                (true, Some((start, at))) => {
                    words.extend(word(line, start, offset, at));
                    open = None;
                }
                (false, None) => open = Some((offset, column)),
                _ => {}
            }
        }
        if let Some((start, at)) = open {
            words.extend(word(line, start, line.len(), at));
        }
        Self { line, indent: line.chars().take_while(|character| character.is_whitespace()).count(), words }
    }

    /// The text of a word; empty past the end.
    pub(super) fn text(&self, index: usize) -> &'a str {
        self.words.get(index).map_or("", |word| word.text)
    }

    /// Everything from a word to the end of the line, as it is written.
    pub(super) fn rest(&self, index: usize) -> &'a str {
        self.words.get(index).and_then(|word| self.line.get(word.offset..)).unwrap_or("")
    }

    /// The column of a word; past the end, the column after the line.
    pub(super) fn column(&self, index: usize) -> u32 {
        match self.words.get(index) {
            Some(word) => word.column,
            None => u32::try_from(self.line.chars().count()).unwrap_or(u32::MAX).saturating_add(1),
        }
    }

    /// Whether two lines have the same words.
    pub(super) fn says_the_same(&self, other: &Words<'_>) -> bool {
        self.words.len() == other.words.len()
            && self.words.iter().zip(&other.words).all(|(one, two)| one.text == two.text)
    }
}

fn word(line: &str, start: usize, end: usize, column: u32) -> Option<Word<'_>> {
    line.get(start..end).map(|text| Word { text, offset: start, column })
}
