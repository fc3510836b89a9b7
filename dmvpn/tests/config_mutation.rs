//! Damaged configurations: reading and validating end, whatever the text; what can be said is said of the right line.

use dmvpn::config::ios;

const FILES: [(&str, &str); 4] = [
    ("hub1.cfg", include_str!("data/guide/hub1.cfg")),
    ("spoke1.cfg", include_str!("data/guide/spoke1.cfg")),
    ("spoke2-pasted.cfg", include_str!("data/guide/spoke2-pasted.cfg")),
    ("spoke1-dual-hub.cfg", include_str!("data/guide/spoke1-dual-hub.cfg")),
];

/// Reads and validates; answers how many errors there are. Every diagnostic is about a line that exists.
fn errors(text: &str) -> usize {
    let lines = u32::try_from(text.lines().count()).expect("a short text");
    let parsed = ios::parse("damaged.cfg", text);
    let validated = parsed.config.validate();
    for one in parsed.diagnostics.iter().chain(&validated) {
        assert!(one.line.number <= lines, "{one}");
        assert!(!one.to_string().contains('\n'), "{one}");
        assert!(!(one.message.is_empty() && one.expected.is_empty()), "{one}");
    }
    for one in &parsed.diagnostics {
        assert!(one.line.number > 0, "{one}");
    }
    parsed.diagnostics.iter().chain(&validated).filter(|one| one.is_error()).count()
}

fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|row| row.split(' ').collect()).collect()
}

fn join(rows: &[Vec<&str>]) -> String {
    rows.iter().map(|row| row.join(" ") + "\n").collect()
}

#[test]
fn every_word_deleted_doubled_or_exchanged() {
    let mut cases = 0_u32;
    let mut noticed = 0_u32;
    let mut seen = std::collections::BTreeSet::new();
    for (_, text) in FILES {
        let whole = rows(text);
        // One copy of a line is enough: the files share most of theirs.
        for row in (0..whole.len())
            .filter(|row| !seen.contains(&whole[*row].concat()) || row % 4 == 0)
            .collect::<Vec<_>>()
        {
            seen.insert(whole[row].concat());
            for word in 0..whole[row].len() {
                let mut deleted = whole.clone();
                deleted[row].remove(word);
                let mut doubled = whole.clone();
                doubled[row].insert(word, whole[row][word]);
                let mut exchanged = whole.clone();
                if word + 1 < whole[row].len() {
                    exchanged[row].swap(word, word + 1);
                }
                for mutant in [deleted, doubled, exchanged] {
                    cases += 1;
                    let mutant = join(&mutant);
                    let parsed = ios::parse("damaged.cfg", &mutant);
                    noticed += u32::from(errors(&mutant) > 0 || !parsed.diagnostics.is_empty());
                }
            }
        }
    }
    assert!(cases > 1000, "{cases}");
    // Words of descriptions and white space may change without harm.
    assert!(noticed * 10 > cases * 5, "{noticed} of {cases}");
}

#[test]
fn every_line_deleted_doubled_or_exchanged() {
    for (_, text) in FILES {
        let whole = rows(text);
        for row in 0..whole.len() {
            let mut deleted = whole.clone();
            deleted.remove(row);
            let mut doubled = whole.clone();
            doubled.insert(row, whole[row].clone());
            errors(&join(&deleted));
            errors(&join(&doubled));
            for other in [row + 1, row + 5] {
                if other < whole.len() {
                    let mut exchanged = whole.clone();
                    exchanged.swap(row, other);
                    errors(&join(&exchanged));
                }
            }
        }
    }
}

#[test]
fn every_line_negated_cut_or_lengthened() {
    for (_, text) in FILES {
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let with = |new: String| -> String {
                lines
                    .iter()
                    .enumerate()
                    .map(|(at, old)| if at == index { new.clone() + "\n" } else { format!("{old}\n") })
                    .collect()
            };
            let body = line.trim_start();
            let indent = &line[..line.len() - body.len()];
            errors(&with(format!("{indent}no {body}")));
            errors(&with(format!("{line} surplus words 4294967296 -1 \u{1f980}")));
            for (cut, _) in line.char_indices().step_by(6) {
                errors(&with(line[..cut].to_owned()));
            }
        }
        for (cut, _) in text.char_indices().step_by(7) {
            errors(&text[..cut]);
        }
    }
}

/// One flipped bit at a time, as far as the result is text.
#[test]
fn every_octet_changed() {
    let (_, text) = FILES[1];
    for index in (0..text.len()).step_by(3) {
        for mask in [0x01, 0x20] {
            let mut octets = text.as_bytes().to_vec();
            octets[index] ^= mask;
            if let Ok(text) = String::from_utf8(octets) {
                errors(&text);
            }
        }
    }
}

/// Lines put together at random from the words that the grammar knows, by a fixed generator.
#[test]
fn random_commands() {
    let mut words: Vec<&str> = ios::commands()
        .flat_map(|(_, syntax)| syntax.split([' ', '[', ']', '(', ')', '|', '<', '>']))
        .filter(|word| !word.is_empty())
        .collect();
    words.extend([
        "no",
        "exit",
        "end",
        "!",
        "10.0.0.1",
        "255.255.255.0",
        "0.0.0.255",
        "1",
        "0",
        "65536",
        "Tunnel0",
        "7",
        "::1",
    ]);
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(bound).expect("small")).expect("small")
    };
    for _ in 0..150 {
        let mut text = String::new();
        for _ in 0..40 {
            text.push_str(&" ".repeat(next(3)));
            for _ in 0..=next(7) {
                text.push_str(words[next(words.len())]);
                text.push(' ');
            }
            text.push('\n');
        }
        errors(&text);
    }
}

#[test]
fn the_same_text_gives_the_same_answer() {
    for (_, text) in FILES {
        let damaged = text.replace("ip ", "pi ");
        assert_eq!(ios::parse("damaged.cfg", &damaged), ios::parse("damaged.cfg", &damaged));
    }
}

#[test]
fn odd_texts() {
    for text in [
        "",
        "\n",
        "!",
        "no",
        "no no",
        "end",
        "exit\nexit\nend\nexit",
        "\u{feff}",
        "\0",
        "banner",
        "banner motd",
        "banner motd ^C",
        "^C",
        "crypto ikev2 keyring",
        "peer",
        "interface",
        "interface \u{1f980}",
        "interface Tunnel",
        "interface Tunnel 0",
        "no interface Tunnel9",
        "router ospf 1\nno router ospf 1\nnetwork 10.0.0.0 0.0.0.255 area 0",
        "interface Tunnel0\nno interface Tunnel0\ntunnel key 1",
        "crypto ikev2 keyring K\npeer A\nno peer A\naddress 1.1.1.1",
        "key chain K\nkey 1\nno key 1\nkey-string x",
    ] {
        errors(text);
    }
    errors(&"interface Tunnel0\n".repeat(2000));
    errors(&format!("interface Tunnel0\nip nhrp map {}\n", "10.0.0.1 ".repeat(5000)));
    errors(&"x".repeat(100_000));
    errors(&format!("hostname {}", "y".repeat(100_000)));
}
