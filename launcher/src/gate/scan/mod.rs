//! The scan of what a push brings, by a program that finds secrets in text.
//!
//! ```text
//! rev-list ─▶ cat-file ─▶ objects ─┬─▶ pieces ──────────────┐
//!  every new object                ├─▶ utf16 ─▶ pieces ─────┼─▶ feed ─▶ scanner ─▶ report
//!                                  └─▶ tree ─▶ entries' names┘    │                   │
//!                                                              ledger ─▶ findings ◀───┘
//! ```
//!
//! The scanner sees text alone: no path by which it would pass over some, no repository with a
//! word in it. It is believed only if it says to have read every octet that it was fed.

mod contents;
mod feed;
mod findings;
mod ledger;
mod locate;
mod objects;
mod pieces;
mod report;
mod scanner;
mod told;
mod tree;
mod update;
mod utf16;
mod watch;

use core::fmt;
use std::io;

use contents::Contents;
use feed::Feed;
use ledger::{Ledger, Source};
use objects::NewObjects;
use report::Report;
use scanner::{Input, Scanner};

use super::limits::SCAN_TIME;
use super::place::Place;

pub(super) use told::tell;
pub(super) use update::{Update, is_nothing};
pub(super) use watch::Watch;

/// One push, to the mirror of `name`.
pub(super) struct Push<'a> {
    pub(super) place: &'a Place,
    pub(super) name: &'a str,
    /// The scanner, a program and its first arguments.
    pub(super) scanner: &'a [String],
    pub(super) updates: &'a [Update],
}

/// Why there is no answer. Nothing passes then.
#[derive(Debug)]
pub(super) enum Failure {
    /// Which program scans is not told.
    NoScanner,
    /// The scanner's own directory can't be made.
    Room(io::Error),
    /// That program did not scan: why.
    Scanner(String, String),
    /// What the push brings can't be read.
    Objects(io::Error),
    /// It took too long.
    Lapsed,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NoScanner => f.write_str("no scanner is named in gate.json"),
            Failure::Room(error) => write!(f, "the scanner's directory: {error}"),
            Failure::Scanner(program, why) => {
                write!(f, "the scanner `{program}` (gitleaks 8.30 or later): {why}")
            }
            Failure::Objects(error) => write!(f, "what the push brings can't be read: {error}"),
            Failure::Lapsed => {
                let seconds = SCAN_TIME.as_secs();
                write!(f, "the scan took more than {seconds} s; push it in parts")
            }
        }
    }
}

/// What was found, and where it is from.
pub(super) struct Found {
    report: Report,
    ledger: Ledger,
}

/// Scans all of it. `None`: there is nothing that is new.
pub(super) fn scan(
    push: &Push<'_>,
    is_known: impl Fn(&[u8]) -> bool,
) -> Result<Option<Found>, Failure> {
    let additions = || push.updates.iter().filter(|update| !update.is_deletion());
    if additions().next().is_none() {
        return Ok(None);
    }
    // It takes some tenths of a second to start, as long as git to list what is new.
    let (mut scanner, input) = Scanner::start(push.place, push.scanner)?;
    let ids: Vec<&str> = additions().map(|update| update.new.as_str()).collect();
    let mut objects = NewObjects::of(push.place, push.name, &ids).map_err(Failure::Objects)?;
    let [list, read] = objects.children();
    let mut children = [scanner.child(), list, read];
    let watch = Watch::over(&mut children, SCAN_TIME).map_err(Failure::Objects)?;

    let fed = feed(push.updates, is_known, input, &mut objects);
    let outcome = conclude(fed, objects, scanner);
    if watch.has_lapsed() {
        Err(Failure::Lapsed)
    } else {
        outcome.map(Some)
    }
}

/// Gives the scanner all that is new. Names of refs that upstream has are not: whoever pushes
/// to one has not given it its name.
fn feed(
    updates: &[Update],
    is_known: impl Fn(&[u8]) -> bool,
    input: Input,
    objects: &mut NewObjects,
) -> io::Result<(u64, Ledger)> {
    let mut feed = Feed::to(input)?;
    for (number, update) in (0..).zip(updates) {
        if !is_known(&update.name) {
            feed.name(&update.name, Source::Ref(number))?;
        }
    }
    feed.end_names()?;
    let mut contents = Contents::new();
    while let Some(header) = objects.header()? {
        contents.object(&header, objects, &mut feed)?;
    }
    feed.finish()
}

/// Who failed first is who is told of: the others fail because of it.
fn conclude(
    fed: io::Result<(u64, Ledger)>,
    objects: NewObjects,
    scanner: Scanner,
) -> Result<Found, Failure> {
    match fed {
        Ok((octets, ledger)) => {
            objects.finish().map_err(Failure::Objects)?;
            let report = scanner.finish(Some(octets))?;
            Ok(Found { report, ledger })
        }
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            scanner.finish(None)?;
            Err(Failure::Objects(error))
        }
        Err(error) => {
            let told = objects.finish().err();
            Err(Failure::Objects(told.unwrap_or(error)))
        }
    }
}
