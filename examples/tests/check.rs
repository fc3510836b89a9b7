//! `check` as a person or a CI job runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn guide(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dmvpn/tests/data/guide").join(file)
}

fn check(arguments: &[&str], files: &[PathBuf]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_check"))
        .args(arguments)
        .args(files)
        .output()
        .expect("the binary runs");
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    (output, text)
}

#[test]
fn the_guides_cloud_has_warnings_and_no_errors() {
    let files = ["hub1.cfg", "spoke1.cfg", "spoke2.cfg"].map(guide);
    let (output, text) = check(&[], &files);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.ends_with("3 files: 0 errors, 4 warnings\n"), "{text}");
    assert_eq!(check(&["--strict"], &files).0.status.code(), Some(1));
}

#[test]
fn a_cloud_with_an_error_fails_and_says_where() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let spoke = std::fs::read_to_string(guide("spoke1.cfg")).expect("the guide's spoke");
    let file = folder.join("other-key.cfg");
    std::fs::write(&file, spoke.replace("tunnel key 100", "tunnel key 101")).expect("a file");
    let files = [guide("hub1.cfg"), file];
    let (output, text) = check(&[], &files);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("other-key.cfg:44: error: Tunnel0 has the tunnel key 101"), "{text}");

    let (output, text) = check(&["--json"], &files);
    assert_eq!(output.status.code(), Some(1));
    let data: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let findings = data["findings"].as_array().expect("a list");
    let key = findings.iter().find(|one| one["rule"] == "tunnel-key").expect("the finding");
    assert_eq!((key["severity"].as_str(), key["line"].as_u64()), (Some("error"), Some(44)));
    assert_eq!(data["errors"], 1);
}

#[test]
fn a_file_that_is_not_there_is_an_error_of_its_own() {
    let (output, _) = check(&[], &[PathBuf::from("/nowhere/hub.cfg")]);
    assert_eq!(output.status.code(), Some(2));
}
