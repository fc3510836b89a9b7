//! What the laboratory writes to a capture, read by a decoder that is not ours.
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the laboratory with a capture; the folder has the capture and the key tables.
fn capture(name: &str, arguments: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a folder for test output");
    let output = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(arguments)
        .arg("--pcap")
        .arg(folder.join("cloud.pcapng"))
        .output()
        .expect("the laboratory runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    folder
}

/// tshark's output, one line a frame; none if there is no tshark here.
fn tshark(folder: &Path, filter: &str, fields: &[&str]) -> Option<Vec<String>> {
    let mut command = Command::new("tshark");
    command.env("WIRESHARK_CONFIG_DIR", folder).arg("-n").arg("-r").arg(folder.join("cloud.pcapng"));
    for preference in [
        "esp.enable_encryption_decode:TRUE",
        "esp.enable_authentication_check:TRUE",
        "ip.check_checksum:TRUE",
        "udp.check_checksum:TRUE",
    ] {
        command.args(["-o", preference]);
    }
    command.args(["-Y", filter, "-T", "fields", "-e", "frame.number"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let Ok(output) = command.output() else {
        eprintln!("skipped: tshark is not here");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

fn everything_decrypts(folder: &Path) {
    let Some(all) = tshark(folder, "frame", &[]) else { return };
    assert!(all.len() > 100, "a cloud that talks: {} frames", all.len());
    let none = |what: &str, filter: &str| {
        let found = tshark(folder, filter, &["_ws.col.Info"]).unwrap_or_default();
        assert!(found.is_empty(), "{what}: {} frames, the first: {:?}", found.len(), found.first());
    };
    let some = |what: &str, filter: &str| {
        let found = tshark(folder, filter, &[]).unwrap_or_default();
        assert!(!found.is_empty(), "{what}: none");
        found.len()
    };
    none("malformed", "_ws.malformed");
    none("reported as errors", "_ws.expert.severity == error");
    none("with a wrong IP checksum", "ip.checksum.status == 0");
    none("with a wrong OSPF checksum", "ospf.checksum.status == 0");
    none("with a wrong NHRP checksum", "nhrp.hdr.chksum.status == 0");
    none("ESP that does not decrypt to GRE", "esp && !gre");
    none("ESP with a wrong integrity value", "esp.icv_good == 0");
    none("GRE outside ESP", "gre && !esp");
    let encrypted = some("IKE_AUTH", "isakmp.exchangetype == 35");
    let authentications = some("decrypted AUTH payloads", "isakmp.auth.method == 2");
    assert_eq!(encrypted, authentications, "every IKE_AUTH decrypts to an AUTH payload by pre-shared key");
    let with_key = some("GRE with key 100", "gre.key == 100");
    assert_eq!(with_key, some("GRE", "gre"), "all GRE carries the key");
    some("NHRP registrations with the authentication extension", "nhrp.hdr.op.type == 3");
    some("OSPF hellos", "ospf.msg.hello");
    some("OSPF updates", "ospf.msg.lsupdate");
    some("pings", "icmp.type == 8");
}

#[test]
fn tshark_decrypts_the_guides_cloud_down_to_gre_nhrp_and_ospf() {
    everything_decrypts(&capture("guide", &["--json"]));
}

#[test]
fn tshark_decrypts_a_spoke_behind_nat() {
    everything_decrypts(&capture("nat", &["--json", "--nat", "SPOKE2"]));
}
