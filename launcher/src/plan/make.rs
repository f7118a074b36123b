//! From manifest and facts to the plan, or to everything that stands in its way.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::provision::Provisioner;
use super::{
    AgentImage, HostFacts, Plan, PlanError, PlannedRoute, Slot, Workdir, environment, forge, git,
    routes, slots, warnings, workdir,
};
use crate::manifest::{Agent, Bottle, GateKey, GitGate, Manifest, Template, TokenRef};

/// What makes the image of the template `claude`.
const CLAUDE_DOCKERFILE: &str = include_str!("../../images/bottle-claude.Dockerfile");

/// What runs without template and command: every image has it.
const SHELL: &str = "/bin/sh";

impl Plan {
    /// What a start of `agent` on this host will do. `command` is what stands behind `--`.
    pub fn make(
        manifest: &Manifest,
        agent: &str,
        facts: &HostFacts,
        command: Option<Vec<String>>,
    ) -> Result<Plan, Vec<PlanError>> {
        let name = agent;
        let (agent, bottle) = find(manifest, name).map_err(|error| vec![error])?;
        let place = format!("bottles.{}", agent.bottle);
        let gate = bottle.git_gate.as_ref();
        let mut errors = Vec::new();

        let slots = slots::slots(&bottle.routes);
        let registry = facts.npm_registry.as_ref();
        let planned = routes::planned(&bottle.routes, &slots, registry, &mut errors);
        let workdir = workdir::workdir(agent.workdir, facts, &mut errors);
        keys_in_reach(&place, bottle, &workdir, facts, &mut errors);
        let image = image(&place, bottle, &mut errors);
        if planned.len() < bottle.routes.len() {
            return Err(errors);
        }
        let provision = Provisioner {
            place: &place,
            bottle,
            planned: &planned,
            workdir: &workdir,
        }
        .provision(&mut errors);
        let environment =
            environment::environment(&place, bottle, provision.variables, &mut errors);
        let routes_json = match routes::file(&bottle.routes, &planned, gate) {
            Ok(text) if errors.is_empty() => text,
            Ok(_) => return Err(errors),
            Err(error) => {
                errors.push(error);
                return Err(errors);
            }
        };
        let mut plan = Plan {
            agent: name.to_owned(),
            origin: agent.origin.clone(),
            bottle: agent.bottle.clone(),
            prompt: agent.prompt.clone(),
            image,
            command: runs(bottle, agent, command),
            workdir,
            slots,
            routes_json,
            hosts: hosts(&planned, bottle),
            routes: planned,
            environment,
            files: provision.files,
            gate: git::gate(gate),
            scanner: bottle
                .egress
                .as_ref()
                .map(|egress| egress.scanner)
                .unwrap_or_default(),
            unserved: warnings::unserved(&place, bottle),
            warnings: Vec::new(),
        };
        plan.warnings = warnings::warnings(&plan, bottle, facts);
        Ok(plan)
    }
}

/// What no start in this bottle would take, whoever works there and on whatever host: what the
/// manifest's reader can't see, for it hangs on what roles write.
pub fn problems_of_bottle(name: &str, bottle: &Bottle) -> Vec<PlanError> {
    let place = format!("bottles.{name}");
    let mut errors = Vec::new();
    image(&place, bottle, &mut errors);
    // Any will do: nothing that is written from it is kept.
    let registry = Ok("https://registry.invalid".to_owned());
    let slots = slots::slots(&bottle.routes);
    let planned = routes::planned(&bottle.routes, &slots, Some(&registry), &mut errors);
    let provision = Provisioner {
        place: &place,
        bottle,
        planned: &planned,
        workdir: &workdir::none(),
    }
    .provision(&mut errors);
    environment::environment(&place, bottle, provision.variables, &mut errors);
    errors
}

fn find<'m>(manifest: &'m Manifest, name: &str) -> Result<(&'m Agent, &'m Bottle), PlanError> {
    let Some(agent) = manifest.agents.get(name) else {
        let there: Vec<&str> = manifest.agents.keys().map(String::as_str).collect();
        let text = match there.is_empty() {
            true => {
                "there is no such agent, nor any other; `bottle init` writes an example".to_owned()
            }
            false => format!("there is no such agent; there are {}", there.join(", ")),
        };
        return Err(PlanError::new(format_args!("agents.{name}"), text));
    };
    let bottle = manifest.bottles.get(&agent.bottle).ok_or_else(|| {
        let text = format_args!("there is no bottle {:?}", agent.bottle);
        PlanError::new(format_args!("agents.{name}.bottle"), text)
    })?;
    Ok((agent, bottle))
}

fn image(place: &str, bottle: &Bottle, errors: &mut Vec<PlanError>) -> AgentImage {
    match (&bottle.provider.image, bottle.provider.template) {
        (Some(image), _) => AgentImage {
            name: image.clone(),
            dockerfile: None,
        },
        (None, Some(template)) => AgentImage::of(template),
        (None, None) => {
            let text =
                "is missing; write the image that the agent runs in, or \"template\": \"claude\"";
            errors.push(PlanError::new(
                format_args!("{place}.agent_provider.image"),
                text,
            ));
            AgentImage {
                name: String::new(),
                dockerfile: None,
            }
        }
    }
}

impl AgentImage {
    /// The image of a template. Its tag is what it is made of: another launcher's Dockerfile
    /// makes another image, and does not find the old one in its place.
    pub fn of(template: Template) -> Self {
        let (name, dockerfile) = match template {
            Template::Claude => ("bottle-claude", CLAUDE_DOCKERFILE),
        };
        Self {
            name: format!("{name}:{}", content(dockerfile)),
            dockerfile: Some(dockerfile),
        }
    }
}

/// A short name of what a text says.
fn content(text: &str) -> String {
    let hash = Sha256::digest(text);
    hash.iter().take(8).map(|o| format!("{o:02x}")).collect()
}

fn runs(bottle: &Bottle, agent: &Agent, command: Option<Vec<String>>) -> Vec<String> {
    if let Some(command) = command.filter(|command| !command.is_empty()) {
        return command;
    }
    match bottle.provider.template {
        Some(Template::Claude) => {
            let mut words = vec![
                "claude".to_owned(),
                "--dangerously-skip-permissions".to_owned(),
            ];
            if let Some(prompt) = &agent.prompt {
                // Or a prompt that begins with `-` would be an option.
                words.extend(prompt.starts_with('-').then(|| "--".to_owned()));
                words.push(prompt.clone());
            }
            words
        }
        None => vec![SHELL.to_owned()],
    }
}

/// Keys that lie in the work directory, where the agent would read them.
fn keys_in_reach(
    place: &str,
    bottle: &Bottle,
    workdir: &Workdir,
    facts: &HostFacts,
    errors: &mut Vec<PlanError>,
) {
    let Some(work) = &workdir.host else {
        return;
    };
    let mut check = |place: &str, file: &str| {
        if below_home(file, &facts.home).starts_with(work) {
            let text = format_args!(
                "the key {file:?} lies in the work directory, and the agent would read it; move it out"
            );
            errors.push(PlanError::new(place, text));
        }
    };
    for route in &bottle.routes {
        if let TokenRef::File(file) = &route.token_ref {
            check(&route.origin, file);
        }
    }
    for (name, repository) in bottle.git_gate.iter().flat_map(|gate| &gate.repos) {
        if let GateKey::Identity(file) = &repository.key {
            check(&format!("{place}.git_gate.repos.{name}.identity"), file);
        }
    }
}

/// The path with `~/` at its beginning replaced by the home.
pub fn below_home(file: &str, home: &Path) -> PathBuf {
    match file.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None => PathBuf::from(file),
    }
}

/// Every host that anything of the bottle may reach.
fn hosts(planned: &[PlannedRoute], bottle: &Bottle) -> Vec<String> {
    let of_routes = planned
        .iter()
        .filter_map(|route| forge::host_of(&route.upstream));
    let of_egress = bottle.egress.iter().flat_map(|egress| {
        let routes = egress.routes.iter().map(|route| route.host.clone());
        egress.allow.iter().cloned().chain(routes)
    });
    let of_gate = bottle.git_gate.iter().flat_map(GitGate::hosts);
    let mut hosts: Vec<String> = of_routes.chain(of_egress).chain(of_gate).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

/// A slot's routes as a sentence names them.
pub(super) fn named(slot: &Slot) -> String {
    let word = if slot.routes.len() == 1 {
        "route"
    } else {
        "routes"
    };
    format!("{word} {}", slot.routes.join(", "))
}

#[cfg(test)]
mod tests;
