//! What a test stands in: an upstream `app` with one commit, a gate before it, an agent.

use harness::Finished;
use harness::bare_repository::{BareRepository, ObjectFormat};
use harness::gate::{Gate, GateFiles};
use harness::git_agent::GitAgent;
use harness::sshd::Sshd;

/// What a message that comes before anything of the network must not speak of.
const OF_THE_NETWORK: [&str; 8] = [
    "ssh",
    "upstream",
    "unreachable",
    "onnection",
    "etwork",
    "ould not read from remote",
    "timed out",
    "resolve",
];

/// All of it. The gate ends first.
pub(crate) struct Setting {
    pub(crate) gate: Gate,
    pub(crate) agent: GitAgent,
    pub(crate) upstream: BareRepository,
    pub(crate) sshd: Sshd,
}

impl Setting {
    /// As a manifest that says nothing has it, but with a scanner that finds nothing: for what
    /// is not asked of the scan. Or a skip told under the name of `test`.
    pub(crate) fn new(test: &str) -> Option<Setting> {
        Setting::with(test, GateFiles::scan_for_nothing)
    }

    /// The same with the real scanner.
    pub(crate) fn scanning(test: &str) -> Option<Setting> {
        Setting::with(test, |_| {})
    }

    /// The same, with changes to what the gate is told.
    pub(crate) fn with(test: &str, change: impl FnOnce(&mut GateFiles)) -> Option<Setting> {
        let (sshd, upstream, mut files) = Setting::parts(test)?;
        change(&mut files);
        let gate = Gate::start(files);
        let agent = GitAgent::of(&gate);
        Some(Setting {
            gate,
            agent,
            upstream,
            sshd,
        })
    }

    /// The same, before the gate is started.
    pub(crate) fn parts(test: &str) -> Option<(Sshd, BareRepository, GateFiles)> {
        let sshd = Sshd::start(test)?;
        let upstream = sshd.repository("app", ObjectFormat::Sha1);
        upstream.commit("main", "First", &[("README", b"one\n")]);
        let mut files = GateFiles::new(test)?;
        files.add("app", &sshd, &upstream);
        Some((sshd, upstream, files))
    }

    /// The address of `app` as the agent knows it.
    pub(crate) fn url(&self) -> String {
        self.sshd.url(&self.upstream)
    }

    /// Has the agent clone `app` into the folder of this name, on a new branch of that name.
    #[track_caller]
    pub(crate) fn clone(&self, folder: &str) {
        self.agent.clone(&self.url(), folder);
        self.agent
            .must(folder, &["switch", "--quiet", "--create", folder]);
    }

    /// Has the agent push these refs from that clone.
    pub(crate) fn push(&self, folder: &str, refs: &[&str]) -> Finished {
        let arguments = [&["push", "origin"], refs].concat();
        self.agent.run(folder, &arguments)
    }

    /// The same; it must land.
    #[track_caller]
    pub(crate) fn must_push(&self, folder: &str, refs: &[&str]) {
        let pushed = self.push(folder, refs);
        let log = self.gate.log();
        assert!(pushed.status.success(), "{}\n{log}", pushed.stderr);
    }

    /// The same; it must be refused with these words, and leave upstream and mirror as they
    /// were.
    #[track_caller]
    pub(crate) fn must_refuse(&self, folder: &str, refs: &[&str], words: &[&str]) -> String {
        let before = (self.upstream.refs(), self.mirror());
        let pushed = self.push(folder, refs);
        let said = pushed.stderr;
        assert!(!pushed.status.success(), "{refs:?} landed: {said}");
        for word in words {
            assert!(said.contains(word), "no {word:?} in {said}");
        }
        assert_eq!((self.upstream.refs(), self.mirror()), before, "{said}");
        said
    }

    /// The mirror's refs.
    pub(crate) fn mirror(&self) -> String {
        self.gate.files().mirror_refs("app")
    }

    /// Fails where the gate's mirror and the upstream differ in a branch or tag.
    #[track_caller]
    pub(crate) fn assert_equal(&self) {
        let line = |(name, value): (String, String)| format!("{name} {value}\n");
        let upstream: String = self.upstream.refs().into_iter().map(line).collect();
        assert_eq!(self.mirror(), upstream);
    }
}

/// What the other side has said of a push: the lines that are not the client's own.
pub(crate) fn told(stderr: &str) -> String {
    let lines = stderr.lines();
    let of_remote = lines.filter(|line| line.contains("remote"));
    of_remote.map(|line| format!("{line}\n")).collect()
}

/// Fails where a refusal speaks of the network.
#[track_caller]
pub(crate) fn assert_nothing_of_the_network(stderr: &str) {
    let told = told(stderr);
    for word in OF_THE_NETWORK {
        assert!(!told.contains(word), "{word:?} in {told}");
    }
}
