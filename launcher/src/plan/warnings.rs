//! What people should know before they say yes.

use super::make::named;
use super::{HostFacts, Plan};
use crate::manifest::{
    AgentOrigin, Bottle, Egress, EnvValue, GateKey, Role, Template, TokenRef, Upstream, WorkdirMode,
};

/// What a manifest alone tells of a bottle's starts: what they refuse, and what of its routes
/// is to be known.
pub fn warnings_of_bottle(name: &str, bottle: &Bottle) -> Vec<String> {
    let mut sentences = unserved(&format!("bottles.{name}"), bottle);
    sentences.extend(bottle.routes.iter().filter_map(|route| {
        let Upstream::Url(upstream) = &route.upstream else {
            return None;
        };
        let sentence = in_the_clear(&route.path, upstream)?;
        Some(format!("{}: {sentence}", route.origin))
    }));
    sentences
}

/// What the bottle asks for and this version does not serve.
pub(super) fn unserved(place: &str, bottle: &Bottle) -> Vec<String> {
    let mut sentences = Vec::new();
    if bottle
        .egress
        .as_ref()
        .is_some_and(|egress| *egress != Egress::default())
    {
        sentences.push(format!(
            "{place}.egress: this version does not serve the forward-proxy face yet; take it out to start this bottle"
        ));
    }
    sentences
}

/// All others, a sentence each.
pub(super) fn warnings(plan: &Plan, bottle: &Bottle, facts: &HostFacts) -> Vec<String> {
    let mut sentences = Vec::new();
    unset_variables(plan, facts, &mut sentences);
    open_doors(bottle, &mut sentences);
    let routes = plan.routes.iter();
    sentences.extend(routes.filter_map(|route| in_the_clear(&route.path, &route.upstream)));
    agent(plan, bottle, &mut sentences);
    work(plan, facts, &mut sentences);
    sentences
}

fn unset_variables(plan: &Plan, facts: &HostFacts, sentences: &mut Vec<String>) {
    for slot in &plan.slots {
        if let TokenRef::Variable(name) = &slot.source
            && !facts.variables.contains(name)
        {
            let routes = named(slot);
            sentences.push(format!(
                "{name} is unset or empty: set it to the token, or take the {routes} out; the start stops without it"
            ));
        }
    }
    for variable in &plan.environment {
        if let EnvValue::FromHost(name) = &variable.value
            && !facts.variables.contains(name)
        {
            sentences.push(format!(
                "{name} is unset or empty on the host, and the agent's {} is copied from it",
                variable.name
            ));
        }
    }
    for repository in plan.gate.iter().flat_map(|gate| &gate.repositories) {
        if let GateKey::Provisioned { token_env, .. } = &repository.key
            && !facts.variables.contains(token_env)
        {
            sentences.push(format!(
                "{token_env} is unset or empty: set it to a token that may add a deploy key to the repository {}; the start stops without it",
                repository.name
            ));
        }
    }
}

fn open_doors(bottle: &Bottle, sentences: &mut Vec<String>) {
    let mut told: Vec<&str> = Vec::new();
    for route in bottle.routes.iter().filter(|route| route.allow_api_writes) {
        if !told.contains(&route.origin.as_str()) {
            told.push(&route.origin);
            sentences.push(format!(
                "{}: API writes are allowed, so content can be written round the git gate",
                route.origin
            ));
        }
    }
}

fn in_the_clear(path: &str, upstream: &str) -> Option<String> {
    let is_plain = upstream.to_ascii_lowercase().starts_with("http://");
    is_plain
        .then(|| format!("the upstream of {path} is plain http: the token travels in the clear"))
}

fn agent(plan: &Plan, bottle: &Bottle, sentences: &mut Vec<String>) {
    if let AgentOrigin::Repository(file) = &plan.origin {
        sentences.push(format!(
            "the repository brings this agent ({}): read its prompt, for it may be anybody's",
            file.display()
        ));
    }
    match bottle.provider.template {
        None if plan.prompt.is_some() => sentences
            .push("the bottle has no template, so nothing is told the agent's prompt".to_owned()),
        None => {}
        Some(Template::Claude) => {
            let has_role = |role| {
                bottle
                    .routes
                    .iter()
                    .any(|route| route.roles.contains(&role))
            };
            if !has_role(Role::AnthropicBaseUrl) {
                sentences.push(
                    "no route leads to Claude Code's service, so it can't answer: set CLAUDE_CODE_OAUTH_TOKEN or ANTHROPIC_API_KEY on the host for the built-in agent, or write \"auth_token\" beside the template".to_owned(),
                );
            }
        }
    }
}

fn work(plan: &Plan, facts: &HostFacts, sentences: &mut Vec<String>) {
    let is_worktree = facts.workdir.git.as_ref().is_some_and(|git| {
        let entry = facts.workdir.path.join(".git");
        git.common != entry
    });
    if plan.workdir.mode == WorkdirMode::Bind {
        sentences.extend(facts.workdir.redirections.iter().map(|redirection| {
            format!(
                "git of this host obeys {} ({} in {}), which the agent can write: read what has changed there before you use git",
                redirection.path.display(),
                redirection.setting,
                redirection.file.display()
            )
        }));
    }
    match plan.workdir.mode {
        WorkdirMode::Copy if is_worktree => sentences.push(
            "the work directory is a worktree or submodule, and its copy comes without the repository: git will not work in it".to_owned(),
        ),
        WorkdirMode::Bind if plan.workdir.owner.is_some_and(|(user, _)| user == 0) => {
            sentences.push("root owns the work directory, so the agent runs as root, without capabilities".to_owned());
        }
        WorkdirMode::Bind | WorkdirMode::Copy | WorkdirMode::None => {}
    }
}
