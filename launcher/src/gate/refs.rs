//! The refs of a mirror: what the gate knows of upstream.

use std::collections::HashMap;
use std::io;
use std::process::Command;

use super::clean_room::git;
use super::errand::ask;
use super::place::Place;
use super::push::RefCommand;
use super::upstream;

/// The refs that a push names, and the default branch.
#[derive(Debug)]
pub(super) struct Refs<'a> {
    place: &'a Place,
    repository: &'a str,
    values: HashMap<String, String>,
    default_branch: Option<String>,
}

impl<'a> Refs<'a> {
    /// Reads what a push names; the lock is the caller's.
    ///
    /// # Errors
    ///
    /// git's.
    pub(super) fn read(
        place: &'a Place,
        repository: &'a str,
        commands: &[RefCommand],
    ) -> io::Result<Refs<'a>> {
        let mut listing = git(place, repository);
        listing.args(["for-each-ref", "--format=%(objectname) %(refname)", "--"]);
        // A pattern without a star is a ref, or what lies below it; what is below is passed over.
        listing.args(commands.iter().map(|command| &command.name));
        let parse = |line: &str| {
            let (value, name) = line.split_once(' ')?;
            Some((name.to_owned(), value.to_owned()))
        };
        let values = ask(&mut listing, "")?.lines().filter_map(parse).collect();
        let default_branch = default_branch(place, repository)?;
        Ok(Refs {
            place,
            repository,
            values,
            default_branch,
        })
    }

    /// What a ref is.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Is it upstream's default branch?
    pub(super) fn is_default(&self, name: &str) -> bool {
        self.default_branch.as_deref() == Some(name)
    }

    /// git in this mirror.
    pub(super) fn git(&self) -> Command {
        git(self.place, self.repository)
    }

    /// Would history be lost? A tag never moves; what is no commit has no history to keep.
    pub(super) fn is_rewritten(&self, command: &RefCommand) -> bool {
        if command.creates() || command.deletes() || command.old == command.new {
            return false;
        }
        let mut ancestry = self.git();
        ancestry.args(["merge-base", "--is-ancestor", &command.old, &command.new]);
        command.name.starts_with("refs/tags/") || ask(&mut ancestry, "").is_err()
    }

    /// Sets them as upstream has them now.
    ///
    /// # Errors
    ///
    /// git's; then none is changed.
    pub(super) fn update<'c>(
        &self,
        arrived: impl Iterator<Item = &'c RefCommand>,
    ) -> io::Result<()> {
        // What else was allowed is of no mirror: no fetch would ever bring it up to date.
        let mirrored = arrived.filter(|command| {
            ["refs/heads/", "refs/tags/"]
                .iter()
                .any(|prefix| command.name.starts_with(prefix))
        });
        let lines = mirrored.map(|command| {
            let RefCommand { old, new, name } = command;
            match command.deletes() {
                true => format!("delete {name} {old}\n"),
                false => format!("update {name} {new} {old}\n"),
            }
        });
        let lines: String = lines.collect();
        if lines.is_empty() {
            return Ok(());
        }
        let mut update = self.git();
        ask(update.args(["update-ref", "--stdin"]), &lines).map(drop)
    }
}

/// What the mirror's HEAD names, which follows upstream's. An upstream without branches has no
/// default to protect.
fn default_branch(place: &Place, repository: &str) -> io::Result<Option<String>> {
    let mut branches = git(place, repository);
    branches.args(["for-each-ref", "--count=1", "refs/heads/"]);
    match ask(&mut branches, "")?.is_empty() {
        true => Ok(None),
        // Also one that a refresh which was killed left on a pruned branch: that is the safe side.
        false => upstream::head(place, repository),
    }
}
