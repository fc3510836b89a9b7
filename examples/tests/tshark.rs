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

/// What tshark says of the capture; none if there is no tshark here.
fn tshark(folder: &Path, arguments: &[&str]) -> Option<String> {
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
    let Ok(output) = command.args(arguments).output() else {
        eprintln!("skipped: tshark is not here");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The frames that a filter finds, a line each.
fn frames(folder: &Path, filter: &str) -> Option<Vec<String>> {
    let text = tshark(folder, &["-Y", filter])?;
    Some(text.lines().map(str::to_owned).collect())
}

fn everything_decrypts(folder: &Path) {
    let Some(all) = frames(folder, "frame") else { return };
    assert!(all.len() > 100, "a cloud that talks: {} frames", all.len());
    let count = |filter: &str| frames(folder, filter).unwrap_or_default().len();
    let none = |what: &str, filter: &str| {
        let found = frames(folder, filter).unwrap_or_default();
        assert!(found.is_empty(), "{what}: {} frames, the first: {:?}", found.len(), found.first());
    };
    none("malformed", "_ws.malformed");
    none("reported as errors", "_ws.expert.severity == error");
    none("ESP that does not decrypt to GRE", "esp && !gre");
    none("ESP with a wrong integrity value", "esp && !(esp.icv_good == 1)");
    none("GRE outside ESP", "gre && !esp");
    none("GRE with another key", "gre && !(gre.key == 100)");
    // tshark reads the string as the RFC has it, whose first four bytes are an address: "DMVP", then "N2026".
    let authentication = "nhrp.auth_ext.src_addr == 68.77.86.80 && nhrp.auth_ext.data == 4e:32:30:32:36";
    none("NHRP without all nine characters of the authentication", &format!("nhrp && !({authentication})"));
    none(
        "IKE_AUTH that does not decrypt to AUTH by pre-shared key",
        "isakmp.exchangetype == 35 && !(isakmp.auth.method == 2)",
    );
    none("IKE that is encrypted and stays so", "isakmp.exchangetype > 34 && !isakmp.enc.decrypted");
    for (what, filter) in [
        ("IKE_AUTH", "isakmp.exchangetype == 35"),
        ("NHRP registrations", "nhrp.hdr.op.type == 3"),
        ("NHRP resolutions", "nhrp.hdr.op.type == 1"),
        ("OSPF hellos", "ospf.msg.hello"),
        ("OSPF updates", "ospf.msg.lsupdate"),
        ("pings", "icmp.type == 8"),
    ] {
        assert!(count(filter) > 0, "no {what}");
    }
    every_checksum_is_right(folder, count("nhrp") + count("ospf"));
}

/// Some dissectors tell a wrong checksum in words only.
fn every_checksum_is_right(folder: &Path, control_packets: usize) {
    let text = tshark(folder, &["-V"]).unwrap_or_default();
    let wrong = text.lines().find(|line| line.contains("incorrect") || line.contains("Status: Bad"));
    assert_eq!(wrong, None);
    let right = |line: &&str| {
        line.contains("[correct]")
            && (line.contains("NHRP Packet Checksum") || line.contains("  Checksum: 0x"))
    };
    let right = text.lines().filter(right).count();
    assert!(right >= control_packets, "{right} checksums of {control_packets} packets");
}

#[test]
fn tshark_decrypts_the_guides_cloud_down_to_gre_nhrp_and_ospf() {
    everything_decrypts(&capture("guide", &["--json"]));
}

#[test]
fn tshark_decrypts_a_spoke_behind_nat() {
    everything_decrypts(&capture("nat", &["--json", "--nat", "SPOKE2"]));
}
