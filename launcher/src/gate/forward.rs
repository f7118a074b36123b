//! What was permitted, on its way to upstream.

use std::collections::HashMap;
use std::io;
use std::slice;
use std::time::Instant;

use super::clean_room::toward_upstream;
use super::config::Repository;
use super::errand;
use super::limits::{FORWARD_TIME, LAST_LINES, LISTING_TIME, UPSTREAM_LINES};
use super::place::Place;
use super::porcelain;
use super::push::{Fate, RefCommand};
use super::tell;

/// A ref that may leave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Permitted<'a> {
    /// What it is to be.
    pub(super) command: &'a RefCommand,
    /// Whether history may go: then only as long as upstream has what the gate has seen.
    pub(super) leased: bool,
}

/// Upstream, and until when it may take a push.
pub(super) struct Upstream<'a> {
    place: &'a Place,
    repository: &'a Repository,
    latest: Instant,
}

/// Why a `git push` sent nothing.
enum Unsent {
    /// Upstream can't take all or none.
    NotAtomic,
    /// In git's and ssh's words.
    NotReached(String),
}

/// git's own words, as `LC_ALL=C` has them. It says the first before it sends anything, the second
/// if it never heard of a ref of upstream's. Should git change them, a push is refused that might
/// have passed, or upstream is asked once more: no ref is told wrong.
const NOT_ATOMIC: &str = "fatal: the receiving end does not support --atomic push";
const NOT_REACHED: &str = "fatal: Could not read from remote repository.";

impl<'a> Upstream<'a> {
    /// That of a repository.
    pub(super) fn of(place: &'a Place, repository: &'a Repository) -> Upstream<'a> {
        let latest = Instant::now() + FORWARD_TIME;
        Upstream {
            place,
            repository,
            latest,
        }
    }

    /// Brings it all of them or none if it can, or if they must be, and gives a fate each.
    pub(super) fn take(&self, refs: &[Permitted<'_>], atomic: bool) -> Vec<Fate> {
        let refused = |reason: String| vec![Fate::Refused(reason); refs.len()];
        match self.push(refs) {
            Ok(fates) => fates,
            Err(Unsent::NotReached(words)) => refused(format!("upstream was not reached: {words}")),
            Err(Unsent::NotAtomic) if atomic => {
                refused("upstream can't take all refs or none: push without --atomic".to_owned())
            }
            Err(Unsent::NotAtomic) => self.take_one_by_one(refs),
        }
    }

    /// In their order, each told for itself, until upstream is there no more.
    fn take_one_by_one(&self, refs: &[Permitted<'_>]) -> Vec<Fate> {
        tell("upstream can't take all refs or none: they are brought one by one");
        let mut fates = Vec::new();
        for one in refs {
            match self.push(slice::from_ref(one)) {
                Ok(fate) => fates.extend(fate),
                // A single one is never asked to be atomic.
                Err(Unsent::NotAtomic) => break,
                Err(Unsent::NotReached(words)) => {
                    fates.push(Fate::Refused(format!("upstream was not reached: {words}")));
                    break;
                }
            }
        }
        let untried = "upstream was gone before its turn came".to_owned();
        fates.resize(refs.len(), Fate::Refused(untried));
        fates
    }

    /// One `git push`.
    fn push(&self, refs: &[Permitted<'_>]) -> Result<Vec<Fate>, Unsent> {
        let mut push = toward_upstream(self.place, &self.repository.name);
        push.args([
            "push",
            "--porcelain",
            "--no-verify",
            "--recurse-submodules=no",
        ]);
        if refs.len() > 1 {
            push.arg("--atomic");
        }
        for Permitted { command, .. } in refs.iter().filter(|one| one.leased) {
            let RefCommand { name, old, .. } = command;
            push.arg(format!("--force-with-lease={name}:{old}"));
        }
        push.arg("--").arg(&self.repository.url);
        push.args(refs.iter().map(|one| one.command.refspec()));

        let mut ear = Ear::default();
        let within = self.latest.saturating_duration_since(Instant::now());
        let ended = errand::run(&mut push, "", within, &mut |line| ear.hear(line));
        let output = match ended {
            Ok(ended) => ended.output,
            Err(error) => {
                ear.words.push(error.to_string());
                String::new()
            }
        };
        let told = porcelain::fates(&output);
        if told.is_empty() {
            ear.unsent()?;
        }
        Ok(self.settle(refs, told, &last_words(&ear.words)))
    }

    /// A fate each. Where git tells none, the connection was lost when upstream may have taken the
    /// ref: upstream itself is asked what it has, and if it can't be, nobody knows. The mirror then
    /// stays as it was, and the next fetch brings it up to date.
    fn settle(
        &self,
        refs: &[Permitted<'_>],
        mut told: HashMap<&str, Fate>,
        words: &str,
    ) -> Vec<Fate> {
        let names = || refs.iter().map(|one| one.command.name.as_str());
        let listing = match names().all(|name| told.contains_key(name)) {
            true => Ok(String::new()),
            false => self.listing(names()),
        };
        let found = |command: &RefCommand| match &listing {
            Ok(listing) if command.is_so_in(listing) => Fate::Arrived,
            Ok(_) => Fate::Refused(format!("it did not arrive at upstream: {words}")),
            Err(error) => Fate::Refused(format!(
                "upstream was lost ({words}) and is not reached ({error}): it may have taken this; \
                 fetch to see"
            )),
        };
        let fate = |one: &Permitted<'_>| {
            told.remove(one.command.name.as_str())
                .unwrap_or_else(|| found(one.command))
        };
        refs.iter().map(fate).collect()
    }

    /// What upstream has of these, as git-ls-remote(1) tells it.
    fn listing<'n>(&self, names: impl Iterator<Item = &'n str>) -> io::Result<String> {
        let mut listing = toward_upstream(self.place, &self.repository.name);
        listing
            .args(["ls-remote", "--", &self.repository.url])
            .args(names);
        errand::answer(&mut listing, "", LISTING_TIME)
    }
}

/// Hears what `git push` says: upstream's own lines go to the agent as they come.
#[derive(Default)]
struct Ear {
    told: usize,
    words: Vec<String>,
}

impl Ear {
    fn hear(&mut self, line: &str) {
        let upstreams = line.strip_prefix("remote:").map(str::trim);
        match upstreams {
            Some(line) if self.told < UPSTREAM_LINES => tell(&format!("upstream: {line}")),
            Some(_) => {}
            // Advice for whoever typed `git push`.
            None if line.starts_with("hint:") || line.starts_with("error: failed to push") => {}
            None => {
                let surplus = (self.words.len() + 1).saturating_sub(UPSTREAM_LINES);
                self.words.drain(..surplus);
                self.words.push(line.to_owned());
            }
        }
        self.told += usize::from(upstreams.is_some());
    }

    /// Did git say that it sent nothing?
    fn unsent(&self) -> Result<(), Unsent> {
        if self.words.iter().any(|line| line == NOT_ATOMIC) {
            return Err(Unsent::NotAtomic);
        }
        match self.words.iter().position(|line| line == NOT_REACHED) {
            Some(at) => Err(Unsent::NotReached(last_words(&self.words[..at]))),
            None => Ok(()),
        }
    }
}

/// The end of what was said: a server may greet at length before it fails.
fn last_words(lines: &[String]) -> String {
    let from = lines.len().saturating_sub(LAST_LINES);
    lines[from..].join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_words_are_kept_and_the_last_are_told() {
        let mut ear = Ear::default();
        for number in 1..=UPSTREAM_LINES {
            ear.hear(&number.to_string());
        }
        assert_eq!(ear.words.len(), UPSTREAM_LINES);
        assert_eq!(ear.words[0], "1");
        ear.hear("one more");
        assert_eq!(ear.words.len(), UPSTREAM_LINES);
        assert_eq!(ear.words[0], "2");
        assert_eq!(last_words(&ear.words), "199; 200; one more");
        assert_eq!(last_words(&ear.words[..LAST_LINES]), "2; 3; 4");
        assert_eq!(last_words(&ear.words[..1]), "2");
    }

    #[test]
    fn what_is_no_word_of_ssh_or_git_on_the_push_is_passed_over() {
        let mut ear = Ear::default();
        for line in [
            "hint: Updates were rejected",
            "error: failed to push some refs to 'ssh://h/p'",
            "remote: upstream's own",
            "ssh: connect to host h: refused",
            NOT_REACHED,
        ] {
            ear.hear(line);
        }
        assert_eq!(ear.told, 1);
        match ear.unsent() {
            Err(Unsent::NotReached(words)) => {
                assert_eq!(words, "ssh: connect to host h: refused");
            }
            Err(Unsent::NotAtomic) | Ok(()) => panic!("{:?}", ear.words),
        }
        ear.hear(NOT_ATOMIC);
        assert!(matches!(ear.unsent(), Err(Unsent::NotAtomic)));
    }
}
