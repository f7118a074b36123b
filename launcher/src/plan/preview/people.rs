//! The preview for people.

use core::fmt::Write as _;

use super::Preview;
use crate::limits::{
    PREVIEW_HOSTS, PREVIEW_PROMPT_COLUMNS, PREVIEW_RULES, PREVIEW_WORD_CHARACTERS,
};
use crate::manifest::{AgentOrigin, GateKey, Scanner, TokenRef, WorkdirMode};
use crate::plan::{GatedRepository, GuardMount, Plan, PlannedRoute};
use crate::visible::visible;

/// Text in lines of so many columns, each behind `first` or, where it goes on, behind
/// `more`: a line that a terminal wraps could begin like one of ours.
fn folded(text: &str, first: &str, more: &str) -> String {
    let mut out = String::new();
    for line in text.split('\n') {
        let line = visible(&line.replace('\t', "    "));
        let mut mark = first;
        let mut rest = line.as_str();
        loop {
            let mut columns = 0;
            let fits = |(_, letter): &(usize, char)| {
                // Of others, some take two.
                columns += if letter.is_ascii() { 1 } else { 2 };
                columns > PREVIEW_PROMPT_COLUMNS
            };
            let end = rest.char_indices().find(fits).map(|(at, _)| at);
            let (now, later) = rest.split_at(end.unwrap_or(rest.len()));
            // Writing to a String fails never.
            let _ = writeln!(out, "{mark}{now}");
            if later.is_empty() {
                break;
            }
            (mark, rest) = (more, later);
        }
    }
    out
}

pub(super) fn text(preview: &Preview<'_>) -> String {
    let plan = preview.plan;
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a String fails never.
        let _ = writeln!(out, "{name:<11}{}", visible(value));
    };
    line(
        "Agent",
        &format!("{} ({})", plan.agent, origin(&plan.origin)),
    );
    line("Bottle", &plan.bottle);
    let remark = preview.remark.map(|remark| format!(" ({remark})"));
    line(
        "Backend",
        &format!("{}{}", preview.backend, remark.unwrap_or_default()),
    );
    line("Image", &image(preview));
    line("Command", &command(&plan.command));
    for (index, text) in work(plan).iter().enumerate() {
        line(if index == 0 { "Work" } else { "" }, text);
    }
    line("Variables", &or_none(&shown_variables(plan)));
    let files: Vec<String> = plan
        .files
        .iter()
        .map(|file| format!("~/{}", file.path.display()))
        .collect();
    line("Files", &or_none(&files));
    for (index, text) in or_none_lines(routes(plan)).iter().enumerate() {
        line(if index == 0 { "Routes" } else { "" }, text);
    }
    let git: Vec<String> = repositories(plan).iter().flat_map(repository).collect();
    for (index, text) in or_none_lines(git).iter().enumerate() {
        line(if index == 0 { "Git" } else { "" }, text);
    }
    if let Some(scanner) = preview.gate_scanner {
        line("Pushes", &scanned(scanner));
    }
    line("Hosts", &first_of(&plan.hosts, PREVIEW_HOSTS));
    line(
        "Scanner",
        match plan.scanner {
            Scanner::None => "none",
            Scanner::Pipelock => "pipelock",
        },
    );
    out.push_str(&prompt(plan));
    for sentence in plan.unserved.iter().chain(&plan.warnings) {
        let _ = writeln!(out, "Warning: {}", visible(sentence));
    }
    out
}

fn image(preview: &Preview<'_>) -> String {
    let image = &preview.plan.image;
    match (preview.backend, image.dockerfile) {
        ("local", _) => "none: this machine's own programs, read-only".to_owned(),
        (_, Some(_)) => format!("{} (built if it is missing)", image.name),
        (_, None) => image.name.clone(),
    }
}

fn origin(origin: &AgentOrigin) -> String {
    match origin {
        AgentOrigin::BuiltIn => "built in".to_owned(),
        AgentOrigin::Home(file) => file.display().to_string(),
        AgentOrigin::Repository(file) => format!("the repository's {}", file.display()),
    }
}

/// The words as a shell would take them, the long ones cut: the prompt stands elsewhere.
fn command(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| shown_word(word)).collect();
    words.join(" ")
}

fn shown_word(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@%+,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) && word.len() <= PREVIEW_WORD_CHARACTERS {
        return word.to_owned();
    }
    let cut: String = word.chars().take(PREVIEW_WORD_CHARACTERS).collect();
    let dots = if cut.len() < word.len() { "…" } else { "" };
    format!("'{}{dots}'", cut.replace('\'', r"'\''"))
}

fn work(plan: &Plan) -> Vec<String> {
    let workdir = &plan.workdir;
    let Some(host) = &workdir.host else {
        return vec![format!(
            "none; the agent begins in {}",
            workdir.inside.display()
        )];
    };
    let host = host.display();
    let mut lines = Vec::new();
    match (workdir.mode, workdir.owner) {
        (WorkdirMode::Bind, Some((user, group))) => {
            lines.push(format!("{host} itself, as {user}:{group}"));
        }
        (WorkdirMode::Bind | WorkdirMode::Copy | WorkdirMode::None, _) => {
            lines.push(format!("a copy of {host} at {}", workdir.inside.display()));
        }
    }
    lines.extend(workdir.mounts.iter().map(|mount| {
        let how = match mount {
            GuardMount::Itself(_) => "cannot be moved",
            GuardMount::ReadOnly(_) => "read-only",
            GuardMount::EmptyReadOnly(_) => "empty, read-only",
        };
        format!("  {} {how}", mount.path().display())
    }));
    lines
}

pub(super) fn shown_variables(plan: &Plan) -> Vec<String> {
    let shown = plan.environment.iter().filter(|variable| !variable.hidden);
    shown.map(|variable| variable.name.clone()).collect()
}

fn routes(plan: &Plan) -> Vec<String> {
    plan.routes.iter().flat_map(route).collect()
}

fn route(route: &PlannedRoute) -> Vec<String> {
    let token = match &route.token {
        TokenRef::Variable(name) => name.clone(),
        TokenRef::File(file) => format!("file {file}"),
        TokenRef::Command(words) => format!("command {}", command(words)),
    };
    let mut lines = vec![format!("{} → {} with {token}", route.path, route.upstream)];
    if !route.deny.is_empty() {
        lines.push(format!(
            "  refuses {}",
            first_of(&route.deny, PREVIEW_RULES)
        ));
    }
    lines
}

/// What scans pushes. A start without it is refused, so no push leaves then.
fn scanned(scanner: Result<&str, &str>) -> String {
    match scanner {
        Ok(scanner) => format!("scanned by {scanner}"),
        Err(sentence) => format!("none, for {sentence}"),
    }
}

/// The repositories of the gate.
pub(super) fn repositories(plan: &Plan) -> &[GatedRepository] {
    plan.gate.as_ref().map_or(&[], |gate| &gate.repositories)
}

fn repository(repository: &GatedRepository) -> Vec<String> {
    let key = match &repository.key {
        GateKey::Identity(file) => file.clone(),
        GateKey::Provisioned {
            provider,
            token_env,
            ..
        } => format!("a {provider} deploy key by {token_env}"),
    };
    let policy = &repository.policy;
    let allowed = match policy.allow.is_empty() {
        true => "nothing".to_owned(),
        false => first_of(&policy.allow, PREVIEW_RULES),
    };
    let but = [
        (policy.protect_default, "not the default branch"),
        (policy.force, "history rewritten"),
        (policy.delete, "refs deleted"),
        (policy.ci, "what CI runs changed"),
    ];
    let but = but.into_iter().filter(|(holds, _)| *holds);
    let words: Vec<&str> = [allowed.as_str()]
        .into_iter()
        .chain(but.map(|(_, words)| words))
        .collect();
    vec![
        format!("{} → {} with {key}", repository.remote, repository.upstream),
        format!("  takes {}", words.join("; ")),
    ]
}

/// How many there are, and the first of them.
fn first_of(words: &[String], shown: usize) -> String {
    let named = words[..words.len().min(shown)].join(", ");
    match (words.len(), words.len().saturating_sub(shown)) {
        (0, _) => "none".to_owned(),
        (count, 0) => format!("{count}: {named}"),
        (count, more) => format!("{count}: {named} and {more} more"),
    }
}

/// A repository's prompt is shown whole, whatever its length: it is what is trusted.
fn prompt(plan: &Plan) -> String {
    let Some(prompt) = &plan.prompt else {
        return String::new();
    };
    let mut out = match &plan.origin {
        AgentOrigin::Repository(file) => {
            format!("Prompt, from {}:\n", visible(&file.display().to_string()))
        }
        AgentOrigin::BuiltIn | AgentOrigin::Home(_) => "Prompt:\n".to_owned(),
    };
    out.push_str(&folded(prompt, "  | ", "  : "));
    out
}

fn or_none(words: &[String]) -> String {
    match words.is_empty() {
        true => "none".to_owned(),
        false => words.join(", "),
    }
}

fn or_none_lines(lines: Vec<String>) -> Vec<String> {
    match lines.is_empty() {
        true => vec!["none".to_owned()],
        false => lines,
    }
}
