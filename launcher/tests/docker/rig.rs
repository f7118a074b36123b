//! A launcher that is driven from outside, and a look at what Docker has.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use harness::binary::cred_proxy;
use harness::docker::{Engine, engine, small_engine};
use harness::require;
use launcher::docker::{Docker, ImageSpec, Labelled};

/// How long anything here may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An image with a shell and little else, made of Debian's static busybox.
pub(crate) const IMAGE: &str = "bottle-test/busybox:1";

/// What a skip is told under.
const TEST: &str = "the launcher on Docker";

/// What that image is made of.
const BUSYBOX: &str = "/bin/busybox";

/// A launcher's surroundings: a state directory of its own.
pub(crate) struct Rig {
    pub(crate) engine: &'static Engine,
    pub(crate) docker: Docker,
    pub(crate) place: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    _turn: Option<MutexGuard<'static, ()>>,
}

impl Rig {
    /// None where there is no engine and none can be started; the test is skipped then.
    pub(crate) fn new() -> Option<Self> {
        static BUILT: OnceLock<()> = OnceLock::new();
        Self::on(engine(TEST)?, &BUILT, None)
    }

    /// The same on an engine that nobody else has anything on, and that can be filled up.
    pub(crate) fn small() -> Option<Self> {
        static BUILT: OnceLock<()> = OnceLock::new();
        static TURN: Mutex<()> = Mutex::new(());
        // One that failed has been told, and the engine is as good as it was.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Self::on(small_engine(TEST)?, &BUILT, Some(turn))
    }

    fn on(
        engine: &'static Engine,
        built: &OnceLock<()>,
        turn: Option<MutexGuard<'static, ()>>,
    ) -> Option<Self> {
        let busybox = Path::new(BUSYBOX);
        if !busybox.exists() {
            require::skip(TEST, "/bin/busybox is not here (Debian: busybox-static)");
            return None;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let docker = runtime.block_on(Docker::connect(engine.host(), None));
        let docker = docker.expect("the engine that answered");
        let rig = Self {
            engine,
            docker,
            place: tempfile::tempdir().expect("a directory"),
            runtime,
            _turn: turn,
        };
        built.get_or_init(|| rig.build_image());
        Some(rig)
    }

    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    fn build_image(&self) {
        let mut root = tar::Builder::new(Vec::new());
        root.append_path_with_name(BUSYBOX, "bin/busybox")
            .expect("added");
        for name in [
            "sh", "cat", "env", "id", "sleep", "wget", "ls", "touch", "true", "nc", "dd",
        ] {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            let path = format!("bin/{name}");
            root.append_link(&mut header, path, "busybox")
                .expect("added");
        }
        let mut context = tar::Builder::new(Vec::new());
        let files = [
            ("Dockerfile", b"FROM scratch\nADD root.tar /\n".to_vec()),
            ("root.tar", root.into_inner().expect("an archive")),
        ];
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            context
                .append_data(&mut header, name, &content[..])
                .expect("added");
        }
        let image = ImageSpec {
            tag: IMAGE.to_owned(),
            labels: Vec::new(),
            context: context.into_inner().expect("an archive"),
        };
        let mut unread = |_line: &str| ();
        let built = self.docker.build_image(image, &mut unread);
        self.block_on(built).expect("the image");
    }

    /// `bottle` with `words`; standard streams are pipes.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        self.command_of(&program(), words)
    }

    /// The same of a launcher that stands beside the engine, as it does where it is installed.
    pub(crate) fn installed(&self, words: &[&str]) -> Command {
        let place = self.place.path().join("installed");
        if !place.exists() {
            std::fs::create_dir(&place).expect("a directory");
            std::fs::copy(program(), place.join("bottle")).expect("a copy");
            std::fs::copy(cred_proxy(), place.join("cred-proxy")).expect("a copy");
        }
        self.command_of(&place.join("bottle"), words)
    }

    fn command_of(&self, program: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(words)
            .env("XDG_STATE_HOME", self.place.path())
            .envs(self.engine.host().map(|host| ("DOCKER_HOST", host)))
            .env_remove("HTTPS_PROXY")
            .env_remove("https_proxy")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// A start of a bottle with an engine in it.
    pub(crate) fn start(&self, options: &[&str], command: &[&str]) -> Command {
        let engine = cred_proxy().display().to_string();
        let mut words = vec!["plan", "--engine", &engine];
        words.extend(["--image", IMAGE, "--upstream", "https://127.0.0.1:9"]);
        words.extend(options);
        words.push("--");
        words.extend(command);
        self.command(&words)
    }

    /// What bears the label of a launcher's process.
    pub(crate) fn objects_of(&self, launcher: u32) -> Vec<Labelled> {
        let all = self.block_on(self.docker.survey("bottle.launcher"));
        let pid = launcher.to_string();
        let of_it = |object: &Labelled| {
            let id = object.labels.get("bottle.launcher");
            id.is_some_and(|id| id.split('/').nth(3) == Some(&pid))
        };
        all.expect("a survey").into_iter().filter(of_it).collect()
    }

    /// Names of bottles that have state.
    pub(crate) fn states(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.place.path().join("bottle"));
        let names = entries.into_iter().flatten().flatten();
        names
            .map(|entry| entry.file_name().into_string().expect("a name"))
            .collect()
    }

    /// Asserts that nothing of a launcher is left, in Docker or on the disk.
    pub(crate) fn assert_nothing_left(&self, launcher: u32) {
        assert_eq!(self.objects_of(launcher), []);
        assert_eq!(self.states(), [""; 0]);
    }
}

/// The launcher whose plans are made by hand, as built now.
fn program() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        build(&["-p", "launcher", "--example", "carry_out"]);
        directory().join("examples/carry_out")
    });
    built.clone()
}

fn directory() -> PathBuf {
    let bottle = Path::new(env!("CARGO_BIN_EXE_bottle"));
    bottle.parent().expect("a directory").to_owned()
}

fn build(words: &[&str]) {
    let profile = directory();
    let release = profile.file_name().is_some_and(|name| name == "release");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet"])
        .args(words)
        .args(release.then_some("--release"))
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "cargo build {words:?}"
    );
}

/// Everything of a launcher's end.
pub(crate) fn finish(child: Child) -> (Output, Duration) {
    let began = Instant::now();
    let output = child.wait_with_output().expect("its end");
    (output, began.elapsed())
}

pub(crate) fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// Reads standard error until a line holds `words`; gives the reader back.
pub(crate) fn until_line(child: &mut Child, words: &str) -> BufReader<impl Read + use<>> {
    let mut error = BufReader::new(child.stderr.take().expect("standard error"));
    let mut all = String::new();
    while !all.lines().last().is_some_and(|line| line.contains(words)) {
        let read = error.read_line(&mut all).expect("a line");
        assert!(read > 0, "no line holds {words:?}:\n{all}");
    }
    error
}

/// Waits until `done` says so.
pub(crate) fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < until, "not within {PATIENCE:?}: {what}");
        std::thread::yield_now();
    }
}

/// Sends a signal to a process.
pub(crate) fn send(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, signal).expect("sent");
}
