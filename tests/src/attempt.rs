//! Attempts to get out, each made twice by the same program: in the bottle, where it must
//! fail for a reason that is named, and outside, where it must succeed.

use crate::process::Finished;
use serde_json::Value;

/// The program; see there for what it can try.
pub const PROGRAM: &str = include_str!("attempt/attempt.py");

/// A host outside, to be tried at; it takes more addresses for itself as arguments.
pub const PEER: &str = include_str!("attempt/peer.py");

/// An agent that does what it is told.
pub const SERVANT: &str = include_str!("attempt/serve.py");

/// What the host runs or obeys in a bound work directory: what is tried, the error it ends
/// with, the attempt, and its paths below the directory.
pub const HOST_OBEYS: [(&str, &str, &str, &[&str]); 6] = [
    ("a hook", "EROFS", "write", &["/.git/hooks/pre-commit"]),
    ("an agent", "EROFS", "write", &["/.bottle/agents.json"]),
    (
        "other hooks",
        "EBUSY",
        "rename",
        &["/.git/hooks", "/.git/old"],
    ),
    ("another .git", "EBUSY", "rename", &["/.git", "/.git.old"]),
    ("another .bottle", "EBUSY", "rename", &["/.bottle", "/old"]),
    ("another directory", "EBUSY", "rename", &["", ".old"]),
];

/// Somewhere where a command can be run.
pub type Place<'a> = &'a dyn Fn(&[&str]) -> Finished;

/// What came of an attempt.
#[derive(Debug)]
pub struct Outcome {
    /// Whether it succeeded.
    pub done: bool,
    /// The error's name, or what was done.
    pub why: String,
}

/// Makes an attempt somewhere.
///
/// # Panics
/// When the program says nothing of it.
pub fn attempt(place: Place<'_>, arguments: &[&str]) -> Outcome {
    let said = place(&[&["python3", "-c", PROGRAM], arguments].concat());
    let line = said.stdout.lines().last().unwrap_or_default();
    let object: Option<Value> = serde_json::from_str(line).ok();
    let object = object.unwrap_or_else(|| panic!("{arguments:?} says nothing: {said:#?}"));
    Outcome {
        done: object["done"] == true,
        why: object["why"].as_str().unwrap_or_default().to_owned(),
    }
}

/// The table of one suite: what held, and what did not.
#[derive(Default)]
pub struct Table {
    rows: Vec<String>,
    breaches: Vec<String>,
}

impl Table {
    /// Makes `inside` in the bottle, where it must fail for one of the reasons `why`, and
    /// `outside` in the control's place, where it must succeed.
    ///
    /// # Panics
    /// When the program says nothing of it.
    pub fn row(
        &mut self,
        what: &str,
        (bottle, inside): (Place<'_>, &[&str]),
        why: &[&str],
        (control, outside): (Place<'_>, &[&str]),
    ) {
        let failed = attempt(bottle, inside);
        let succeeded = attempt(control, outside);
        let row = format!(
            "{what}: in the bottle {}, outside {}",
            failed.why, succeeded.why
        );
        let named = why.iter().any(|why| failed.why.starts_with(why));
        if failed.done || !named || !succeeded.done {
            self.breaches.push(format!("{row} (expected {why:?})"));
        }
        self.rows.push(row);
    }

    /// Makes every attempt of [`HOST_OBEYS`] in the bottle at `work`, and at `free`, which is
    /// like it and nobody guards.
    ///
    /// # Panics
    /// When what was renamed there cannot be renamed back.
    pub fn host_obeys(
        &mut self,
        (bottle, work): (Place<'_>, &str),
        (control, free): (Place<'_>, &str),
    ) {
        for (what, why, name, paths) in HOST_OBEYS {
            let arguments = |root: &str| -> Vec<String> {
                let paths = paths.iter().map(|path| format!("{root}{path}"));
                [name.to_owned()].into_iter().chain(paths).collect()
            };
            let (here, there) = (arguments(work), arguments(free));
            let here: Vec<&str> = here.iter().map(String::as_str).collect();
            let there: Vec<&str> = there.iter().map(String::as_str).collect();
            self.row(what, (bottle, &here), &[why], (control, &there));
            if let [rename, old, new] = there[..] {
                // Back again, for the next row's sake.
                let back = attempt(control, &[rename, new, old]);
                assert!(back.done, "{back:?}");
            }
        }
    }

    /// Fails unless every row held, and tells them all.
    ///
    /// # Panics
    /// When one did not, or there are not so many.
    pub fn assert_sealed(&self, rows: usize) {
        eprintln!("{}", self.rows.join("\n"));
        assert_eq!(self.rows.len(), rows, "{:#?}", self.rows);
        assert!(self.breaches.is_empty(), "{:#?}", self.breaches);
    }
}
