//! `cred-proxy` beside other proxies, over real sockets on the loopback.
//!
//! What counts is the CPU time of the proxy's own process for a unit of work, so load and
//! origin may live in this process; and the ratio to the others in the same round, since
//! machines differ and are shared. Peers: nginx and haproxy where they are installed, a raw
//! relay and a hyper proxy of this crate. [`settings`] says how each is set up.

pub mod growth;
pub mod launch;
pub mod load;
pub mod origin;
pub mod parts;
pub mod peer;
pub mod plot;
pub mod report;
pub mod row;
pub mod settings;
pub mod usage;

use std::path::Path;
use std::process::ExitCode;

use harness::Authority;

use launch::Programs;
use origin::Origin;
use parts::Bench;
use report::{Report, say};
use row::Row;

/// The names of the parts, as arguments.
const PARTS: [&str; 9] = [
    "small",
    "latency",
    "small-tls",
    "download",
    "download-tls",
    "events",
    "idle",
    "start",
    "growth",
];

/// A client and an upstream connection for each of 10,000, and both ends of both.
const DESCRIPTORS: u64 = 65_536;

/// The bench: measures the parts that the arguments name, or all; prints the table and writes
/// `peers.json`, `peers.svg` and `growth.svg` to `target/bench`. `scratch` is cargo's folder
/// for what tests write, somewhere in `target`.
pub fn run(relay: &str, hyper: &str, scratch: &str) -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.iter().any(|arg| arg == "--bench") {
        say("peers measures for minutes: cargo bench --bench peers");
        return ExitCode::SUCCESS;
    }
    let named: Vec<&String> = args.iter().filter(|arg| !arg.starts_with("--")).collect();
    let wanted = |part: &&str| named.is_empty() || named.iter().any(|name| name == part);
    let parts: Vec<&str> = PARTS.into_iter().filter(wanted).collect();
    if parts.is_empty() {
        say(&format!(
            "peers: no such part; there are {}",
            PARTS.join(", ")
        ));
        return ExitCode::SUCCESS;
    }
    let descriptors = usage::raise_descriptors(DESCRIPTORS);
    let programs = Programs::find(relay, hyper);
    let mut report = Report::new(&programs);
    let authority = Authority::new();
    let origin = Origin::start(&authority);
    let bench = Bench {
        programs,
        origin,
        authority,
        descriptors,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for part in parts {
        report.begin(part);
        report.add(runtime.block_on(measure(&bench, part)));
    }
    let folder = target(Path::new(scratch)).join("bench");
    match report.write(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{} can't be written: {error}", folder.display()));
            ExitCode::FAILURE
        }
    }
}

/// The whole of cargo's folder, above those of single targets, which are tagged as caches too.
fn target(inside: &Path) -> &Path {
    let tagged = |folder: &&Path| folder.join("CACHEDIR.TAG").is_file();
    inside.ancestors().filter(tagged).last().unwrap_or(inside)
}

async fn measure(bench: &Bench, part: &str) -> Vec<Row> {
    match part {
        "small" => bench.small().await,
        "latency" => bench.latency().await,
        "small-tls" => bench.small_tls().await,
        "download" => bench.download().await,
        "download-tls" => bench.download_tls().await,
        "events" => bench.events().await,
        "idle" => bench.idle().await,
        "start" => bench.start().await,
        _ => growth::measure(bench).await,
    }
}
