//! What the git gate adds to a push of 1,000 commits, beside the time of the scanner alone.
//!
//! The same branch is pushed to one upstream through the gate and to another without it, by
//! the same git, over the same `sshd`; the scanner alone reads the contents of the same
//! objects. What counts is how the extra time compares with the scanner's in the same round,
//! since machines differ and are shared: at most one and a half times as much, and 300 ms.

mod content;

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use harness::bare_repository::{BareRepository, ObjectFormat};
use harness::gate::{Gate, GateFiles};
use harness::git_agent::GitAgent;
use harness::program::Program;
use harness::sshd::Sshd;
use serde_json::json;

use crate::peers::report::say;
use crate::peers::usage::{Neighbours, machine};

/// Commits of a push.
const COMMITS: usize = 1_000;

/// Rounds, of which the median counts.
const ROUNDS: usize = 7;

/// The goal: so many times the scanner's own time, and so much more.
const TIMES: f64 = 1.5;
const AND_MORE: Duration = Duration::from_millis(300);

/// One round's times.
struct Round {
    direct: Duration,
    gate: Duration,
    scanner: Duration,
    octets: usize,
}

impl Round {
    fn extra(&self) -> f64 {
        self.gate.as_secs_f64() - self.direct.as_secs_f64()
    }

    fn allowed(&self) -> f64 {
        TIMES * self.scanner.as_secs_f64() + AND_MORE.as_secs_f64()
    }
}

/// What is measured: two upstreams, one of them behind a gate.
struct Bench {
    /// Serves as long as it is here.
    _gate: Gate,
    agent: GitAgent,
    sshd: Sshd,
    direct: BareRepository,
    behind: BareRepository,
    scanner: String,
}

/// The bench: prints each round and the medians, and writes `target/bench/pushes.json`.
pub fn run() -> ExitCode {
    if !std::env::args().any(|arg| arg == "--bench") {
        say("pushes measures for a minute: cargo bench --bench pushes");
        return ExitCode::SUCCESS;
    }
    let Some(bench) = Bench::start() else {
        return ExitCode::FAILURE;
    };
    let neighbours = Neighbours::watch();
    say(&format!(
        "a clean push of {COMMITS} commits, {ROUNDS} rounds; {}",
        machine()
    ));
    say("round    octets    direct      gate   scanner     extra   allowed");
    let rounds: Vec<Round> = (0..ROUNDS)
        .map(|number| {
            let round = bench.round(number);
            let figures = [round.direct, round.gate, round.scanner].map(|time| time.as_secs_f64());
            let figures = [&figures[..], &[round.extra(), round.allowed()]].concat();
            let octets = round.octets;
            say(&format!("{number:>5}{octets:>10}{}", columns(&figures)));
            round
        })
        .collect();
    let medians = medians(&rounds);
    say(&format!("median{:>9}{}", "", columns(&medians)));
    let is_met = medians[3] <= medians[4];
    let verdict = if is_met { "met" } else { "missed" };
    let cores = neighbours.cores();
    say(&format!(
        "goal, extra at most {TIMES} times the scanner and {} ms: {verdict}; \
         others kept {cores:.2} cores busy meanwhile",
        AND_MORE.as_millis()
    ));
    let [direct, gate, scanner, extra, allowed] = medians;
    let text = json!({
        "machine": machine(), "commits": COMMITS, "rounds": ROUNDS,
        "cores_busy_by_others": cores, "unit": "s, medians",
        "direct": direct, "gate": gate, "scanner": scanner, "extra": extra, "allowed": allowed,
    });
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench");
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(format!("{folder}/pushes.json"), format!("{text:#}\n")));
    written.expect("a folder below target");
    ExitCode::SUCCESS
}

fn columns(seconds: &[f64]) -> String {
    let column = |seconds: &f64| format!("{:>7.0} ms", seconds * 1000.0);
    seconds.iter().map(column).collect()
}

/// Of direct, gate, scanner, extra and allowed.
fn medians(rounds: &[Round]) -> [f64; 5] {
    let of: [fn(&Round) -> f64; 5] = [
        |round| round.direct.as_secs_f64(),
        |round| round.gate.as_secs_f64(),
        |round| round.scanner.as_secs_f64(),
        Round::extra,
        Round::allowed,
    ];
    of.map(|figure| {
        let mut all: Vec<f64> = rounds.iter().map(figure).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    })
}

impl Bench {
    fn start() -> Option<Bench> {
        let sshd = Sshd::start("pushes")?;
        let [direct, behind] = ["direct", "behind"].map(|name| {
            let upstream = sshd.repository(name, ObjectFormat::Sha1);
            upstream.commit("main", "First", &[("README", b"one\n")]);
            upstream
        });
        let mut files = GateFiles::new("pushes")?;
        files.add("behind", &sshd, &behind);
        let scanner = files.scanner()[0].clone();
        let gate = Gate::start(files);
        let agent = GitAgent::of(&gate);
        agent.clone(&sshd.url(&behind), "clone");
        let known = agent.path("known_hosts");
        fs::write(known, sshd.known_hosts(&sshd.host_key())).expect("known_hosts");
        Some(Bench {
            _gate: gate,
            agent,
            sshd,
            direct,
            behind,
            scanner,
        })
    }

    fn round(&self, number: usize) -> Round {
        let branch = format!("round-{number}");
        let script = content::branch(&branch, number, COMMITS);
        let import = ["fast-import", "--quiet", "--done"];
        let imported = self.agent.git("clone", &import).run_with(script.as_bytes());
        assert!(imported.status.success(), "{imported:?}");
        let read = self.contents(&branch);
        // Whoever comes first finds nothing warm, so they take turns.
        let (direct, gate);
        if number.is_multiple_of(2) {
            direct = self.push(&self.direct, &branch);
            gate = self.push(&self.behind, &branch);
        } else {
            gate = self.push(&self.behind, &branch);
            direct = self.push(&self.direct, &branch);
        }
        let scanner = self.scan(&read);
        Round {
            direct,
            gate,
            scanner,
            octets: read.len(),
        }
    }

    /// The contents of all that is new but trees, of which the gate scans the names alone.
    fn contents(&self, branch: &str) -> Vec<u8> {
        let range = format!("main..{branch}");
        let arguments = ["rev-list", "--objects", "--no-object-names", &range];
        let names = self.agent.must("clone", &arguments);
        let checked = self.objects("--batch-check=%(objectname) %(objecttype)", &names);
        let kept = checked.lines().filter_map(|line| {
            let (name, kind) = line.split_once(' ')?;
            (kind != "tree").then(|| format!("{name}\n"))
        });
        let kept: String = kept.collect();
        self.objects("--batch=%(objecttype)", &kept).into_bytes()
    }

    fn objects(&self, manner: &str, names: &str) -> String {
        let asked = self.agent.git("clone", &["cat-file", manner]);
        let read = asked.run_with(names.as_bytes());
        assert!(read.status.success(), "{}", read.stderr);
        read.stdout
    }

    fn push(&self, upstream: &BareRepository, branch: &str) -> Duration {
        // The address of the one behind the gate leads to the gate, the other's does not.
        let url = self.sshd.url(upstream);
        let ssh = format!(
            "ssh -F /dev/null -o IdentityAgent=none -o IdentitiesOnly=yes -o BatchMode=yes \
             -o StrictHostKeyChecking=yes -o UserKnownHostsFile={} -i {}",
            self.agent.path("known_hosts").display(),
            self.sshd.identity().display()
        );
        let push = self.agent.git("clone", &["push", "--quiet", &url, branch]);
        let push = push.env("GIT_SSH_COMMAND", ssh);
        let begun = Instant::now();
        let pushed = push.run();
        let taken = begun.elapsed();
        assert!(pushed.status.success(), "{}", pushed.stderr);
        let landed = upstream.value(&format!("refs/heads/{branch}"));
        assert!(landed.is_some(), "{}", pushed.stderr);
        taken
    }

    fn scan(&self, octets: &[u8]) -> Duration {
        let scan = Program::new(&self.scanner, self.agent.home())
            .args(["stdin", "--no-banner", "--no-color", "--redact"])
            .args(["--exit-code", "42", "--report-format", "json"])
            .args(["--report-path", "-"]);
        let begun = Instant::now();
        let scanned = scan.run_with(octets);
        let taken = begun.elapsed();
        assert_eq!(scanned.code(), 0, "{}", scanned.stderr);
        taken
    }
}
