//! Routers as processes, without privileges: `hub --local` and `spoke --local`.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The guide's configuration.
pub fn guide(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dmvpn/tests/data/guide").join(file)
}

/// A folder for one test, empty.
pub fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A running router; it ends with this value.
pub struct Router {
    child: Child,
    socket: PathBuf,
    pub log: PathBuf,
}

impl Router {
    /// Starts a router. `port` belongs to one test alone.
    pub fn start(folder: &Path, port: u16, name: &str, config: &Path, more: &[&str]) -> Self {
        let binary = match name.starts_with("hub") {
            true => env!("CARGO_BIN_EXE_hub"),
            false => env!("CARGO_BIN_EXE_spoke"),
        };
        // A socket's path is short, a folder for tests may be long.
        let socket = std::env::temp_dir().join(format!("dmvpn-test-{port}-{name}.sock"));
        let log = folder.join(format!("{name}.log"));
        let file = std::fs::File::options().create(true).append(true).open(&log).expect("a log");
        let child = Command::new(binary)
            .arg(format!("--local={port}"))
            .arg("--config")
            .arg(config)
            .arg("--control")
            .arg(&socket)
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .expect("the binary runs");
        Self { child, socket, log }
    }

    /// What `show` prints.
    pub fn ask(&self, command: &str) -> String {
        let output = self.show(&[command]);
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// Runs `show`.
    pub fn show(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_show"))
            .arg("--control")
            .arg(&self.socket)
            .args(arguments)
            .output()
            .expect("the binary runs")
    }

    /// Waits until an answer has these words; panics if that takes too long.
    #[track_caller]
    pub fn wait(&self, command: &str, words: &str) -> String {
        self.wait_until(command, |answer| answer.contains(words), words)
    }

    /// Waits until an answer has these words no more.
    #[track_caller]
    pub fn wait_without(&self, command: &str, words: &str) -> String {
        self.wait_until(command, |answer| !answer.contains(words) && !answer.starts_with("show:"), words)
    }

    #[track_caller]
    fn wait_until(&self, command: &str, wanted: impl Fn(&str) -> bool, words: &str) -> String {
        let end = now() + PATIENCE;
        loop {
            let answer = self.ask(command);
            if wanted(&answer) {
                return answer;
            }
            assert!(now() < end, "{command}: '{words}': {answer}\nlog:\n{}", self.log());
            pause();
        }
    }

    /// What the router logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(status.expect("kill").success());
    }

    /// Waits for the end of the process; its exit code.
    #[track_caller]
    pub fn end(&mut self) -> Option<i32> {
        let end = now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            assert!(now() < end, "the router does not end");
            pause();
        }
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// The guide's hub and spokes, with routes and a direct path that is there when it is used.
pub fn guide_cloud(test: &str, port: u16) -> [Router; 3] {
    let folder = folder(test);
    let start = |name: &str| Router::start(&folder, port, name, &guide(&format!("{name}.cfg")), &[]);
    let routers = ["hub1", "spoke1", "spoke2"].map(start);
    routers[1].wait("show ip route", "192.168.12.0/24");
    routers[2].wait("show ip route", "192.168.11.0/24");
    // The hub's turn to calculate may come last.
    routers[0].wait("show ip route", "192.168.11.0/24");
    routers[0].wait("show ip route", "192.168.12.0/24");
    routers
}

#[allow(clippy::disallowed_methods, reason = "processes live in real time")]
pub fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods, reason = "processes live in real time")]
pub fn pause() {
    std::thread::sleep(Duration::from_millis(50));
}
