//! Every corpus file, and mutations of each, through its fuzz body: what a fuzzer found stays found, on any compiler.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use dmvpn_fuzz::mutate::Mutator;
use dmvpn_fuzz::{TARGETS, Target};

/// Mutations of each file. `DMVPN_FUZZ_MUTATIONS` asks for another number.
const MUTATIONS: usize = 300;
/// The stateful targets take a hundred times as long.
const MUTATIONS_OF_STATEFUL: usize = 25;

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// The files of a target, in the order of their names. What libFuzzer left on this machine (names of 40 digits) is not
/// among them.
fn files(target: &str) -> Vec<PathBuf> {
    let mut folders = vec![folder(target)];
    if target == "ios_config" {
        // The guide's configurations are the best corpus for the reader of configurations.
        folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("../dmvpn/tests/data/guide"));
    }
    let list = |folder: PathBuf| fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut files: Vec<PathBuf> =
        folders.into_iter().flat_map(list).map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.file_name().is_some_and(|name| name.len() != 40));
    files.sort();
    files
}

fn run(target: &Target, file: &Path, variant: &str, input: &[u8]) {
    let body = target.body;
    if catch_unwind(|| body(input)).is_err() {
        // The message of the panic is above. The input, so that it can become a corpus file:
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        panic!("{} fails with {} {variant}: {hex}", target.name, file.display());
    }
}

fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let stateful =
        matches!(name, "engine_wan" | "ikev2_endpoint" | "nhrp_node" | "ospf_router" | "ios_config");
    let asked = std::env::var("DMVPN_FUZZ_MUTATIONS").ok().map(|number| number.parse().unwrap());
    let mutations = asked.unwrap_or(if stateful { MUTATIONS_OF_STATEFUL } else { MUTATIONS });
    let files = files(name);
    assert!(files.len() >= 4, "{name} has a corpus");
    let mut bytes = 0;
    for (seed, file) in files.iter().enumerate() {
        let input = fs::read(file).unwrap();
        bytes += input.len();
        run(target, file, "itself", &input);
        let mut mutator = Mutator::new(seed as u64);
        for number in 0..mutations {
            run(target, file, &format!("mutation {number}"), &mutator.mutate(&input));
        }
    }
    assert!(bytes < 64 << 10, "a corpus is small: {bytes} bytes");
    run(target, Path::new("nothing"), "itself", &[]);
}

macro_rules! replays {
    ($($name:ident),+ $(,)?) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })+

        #[test]
        fn every_target_is_replayed_and_has_a_program() {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),+]);
            let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
            for name in names {
                let path = format!("path = \"fuzz_targets/{name}.rs\"");
                assert!(manifest.contains(&path), "{name} is declared");
                let program = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets").join(format!("{name}.rs")));
                assert!(program.unwrap().contains(&format!("dmvpn_fuzz::{name}(data)")), "{name} runs its own body");
            }
        }
    };
}

replays!(
    engine_wan,
    esp_open,
    gre,
    ikev2_endpoint,
    ikev2_message,
    ikev2_sealed,
    ios_config,
    nhrp_node,
    nhrp_packet,
    ospf_lsa,
    ospf_packet,
    ospf_router,
    show_command,
);

#[test]
fn mutations_repeat_with_their_seed() {
    let input = b"the same seed gives the same mutations";
    let all = |seed| -> Vec<Vec<u8>> {
        let mut mutator = Mutator::new(seed);
        (0..50).map(|_| mutator.mutate(input)).collect()
    };
    assert_eq!(all(1), all(1));
    assert_ne!(all(1), all(2));
    assert!(
        all(1).iter().filter(|one| one.as_slice() != input).count() > 40,
        "most of them differ from the input"
    );
}

#[test]
fn steps_are_read_as_they_were_written() {
    use dmvpn_fuzz::input::{Input, Step};
    let steps = [
        Step { kind: 1, argument: 2, payload: b"three" },
        Step { kind: 0, argument: 0, payload: b"" },
        Step { kind: 9, argument: 255, payload: &[7; 300] },
    ];
    let mut bytes = Vec::new();
    for step in steps {
        step.write(&mut bytes);
    }
    let mut input = Input::new(&bytes);
    assert_eq!(std::iter::from_fn(|| input.step()).collect::<Vec<_>>(), steps);
    // A length that reaches over the end means the rest.
    let mut input = Input::new(&[1, 2, 0xff, 0xff, 3]);
    assert_eq!(input.step(), Some(Step { kind: 1, argument: 2, payload: &[3] }));
    assert_eq!(input.step(), None);
}
