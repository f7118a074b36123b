//! What a person is told of findings: the ref, the rule, the place, the commit, and what to do.
//!
//! The secret is not in it, nor any name that has one in it: what is told is scanned as well.

use std::fmt::Write as _;

use super::findings::{Finding, findings};
use super::ledger::{Kind, Ledger, Source};
use super::locate::{Located, locate};
use super::scanner::Scanner;
use super::watch::Watch;
use super::{Failure, Feed, Found, Push};
use crate::gate::limits::{FINDINGS_TOLD, SHORT_ID_DIGITS, TELL_TIME};
use crate::visible::visible;

/// The sentences, if anything was found.
pub(in crate::gate) fn tell(push: &Push<'_>, found: &Found) -> Option<String> {
    let findings = findings(found);
    if findings.is_empty() {
        return None;
    }
    let told = &findings[..findings.len().min(FINDINGS_TOLD)];
    let mut located = locate(push, &found.ledger, told);
    redact(push, &mut located);
    let mut text = format!(
        "The scan refuses this push: {}.\n",
        match findings.len() {
            1 => "what looks like a secret is in it".to_owned(),
            count => format!("what look like {count} secrets are in it"),
        }
    );
    for (finding, located) in told.iter().zip(&located) {
        let _ = writeln!(text, "  {}", line(finding, located, &found.ledger));
    }
    if findings.len() > told.len() {
        let _ = writeln!(text, "  and {} more", findings.len() - told.len());
    }
    text.push_str(
        "Take it out of the commit that brings it, not only out of the last one (git commit --amend,\n\
         or git rebase -i with that commit's parent), and push again. If it is a real secret, have it\n\
         replaced. No comment and no file in the repository lets a secret pass.\n",
    );
    Some(text)
}

/// `refs/heads/main: aws-access-token in a/b.py:12, commit 0123456789`.
fn line(finding: &Finding, located: &Located, ledger: &Ledger) -> String {
    let mut line = String::new();
    if let Some(name) = &located.name {
        let _ = write!(line, "{}: ", shown(name));
    }
    let _ = write!(
        line,
        "{} in {}",
        visible(&finding.rule),
        place(finding, located, ledger)
    );
    if let Some(commit) = &located.commit {
        let _ = write!(line, ", commit {}", &commit[..SHORT_ID_DIGITS]);
    }
    line
}

fn place(finding: &Finding, located: &Located, ledger: &Ledger) -> String {
    let Source::Object(object, inner) = finding.source else {
        return "the name of a ref".to_owned();
    };
    let path = located.path.as_deref().map(shown);
    let id = || ledger.id(object)[..SHORT_ID_DIGITS].to_owned();
    match ledger.kind(object) {
        Kind::Blob => match path {
            Some(path) => format!("{path}:{inner}"),
            None => format!("blob {}:{inner}", id()),
        },
        Kind::Tree => match path.as_deref() {
            Some("") => "the name of a file".to_owned(),
            Some(path) => format!("the name of a file in {path}/"),
            None => format!("the name of a file in tree {}", id()),
        },
        Kind::Commit => located.part("commit message", inner),
        Kind::Tag => format!("{} of tag {}", located.part("text", inner), id()),
    }
}

/// A name or path, harmless. A name with a secret in it was taken away before.
fn shown(name: &[u8]) -> String {
    visible(&String::from_utf8_lossy(name))
}

/// Takes away every name that has a secret in it; all, if that can't be found out.
fn redact(push: &Push<'_>, located: &mut [Located]) {
    let mut names: Vec<&mut Option<Vec<u8>>> = Vec::new();
    for one in located {
        names.extend([&mut one.name, &mut one.path]);
    }
    let texts: Vec<&[u8]> = names
        .iter()
        .map(|name| name.as_deref().unwrap_or_default())
        .collect();
    let secret = secret(push, &texts).unwrap_or_else(|_| vec![true; texts.len()]);
    for (name, is_secret) in names.into_iter().zip(secret) {
        if is_secret && name.is_some() {
            *name = Some(b"(a name with a secret in it)".to_vec());
        }
    }
}

/// Which of the texts have a secret in them, as a whole or in a part of the path.
fn secret(push: &Push<'_>, texts: &[&[u8]]) -> Result<Vec<bool>, Failure> {
    let (mut scanner, input) = Scanner::start(push.place, push.scanner)?;
    let _watch = Watch::over(&mut [scanner.child()], TELL_TIME).map_err(Failure::Objects)?;
    let (octets, ledger) = fed(texts, input).map_err(Failure::Objects)?;
    let report = scanner.finish(Some(octets))?;
    let mut secret = vec![false; texts.len()];
    for (line, _) in report.found() {
        match ledger.source(line) {
            Some(Source::Ref(number)) => secret[number as usize] = true,
            Some(Source::Object(..)) | None => secret.fill(true),
        }
    }
    Ok(secret)
}

fn fed(texts: &[&[u8]], input: super::Input) -> std::io::Result<(u64, Ledger)> {
    let mut feed = Feed::to(input)?;
    for (number, text) in (0..).zip(texts) {
        feed.name(text, Source::Ref(number))?;
        for part in text.split(|octet| *octet == b'/') {
            feed.name(part, Source::Ref(number))?;
        }
    }
    feed.end_names()?;
    feed.finish()
}
