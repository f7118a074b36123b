//! `agents`, of either file.

use crate::limits;
use crate::manifest::grammar;
use crate::manifest::key_names::AGENT;
use crate::manifest::keys::Keys;
use crate::manifest::nearest::did_you_mean;
use crate::manifest::{Agent, AgentOrigin, WorkdirMode};

/// The names of the modes, as they are written.
const MODES: [(&str, WorkdirMode); 3] = [
    ("bind", WorkdirMode::Bind),
    ("copy", WorkdirMode::Copy),
    ("none", WorkdirMode::None),
];

/// Reads the agents of a file. `bottles` are the names that they may work in, `taken` those
/// that they may not bear, each with the sentence that says why.
pub(in crate::manifest) fn read_agents(
    file: &mut Keys<'_, '_>,
    origin: &AgentOrigin,
    bottles: &[String],
    taken: &[(String, &str)],
) -> Vec<(String, Agent)> {
    let mut agents = Vec::new();
    let Some(mut names) = file.names("agents") else {
        return agents;
    };
    for (name, _) in names.entries(limits::ENTRIES) {
        if let Err(error) = grammar::name(name) {
            names.problem(name, error);
        }
        if let Some((_, why)) = taken.iter().find(|(taken, _)| taken == name) {
            names.problem(name, why);
        }
        let agent = names.object(name, AGENT);
        let agent = agent.and_then(|mut keys| read_agent(&mut keys, origin, bottles));
        agents.extend(agent.map(|agent| (name.to_owned(), agent)));
    }
    agents
}

fn read_agent(keys: &mut Keys<'_, '_>, origin: &AgentOrigin, bottles: &[String]) -> Option<Agent> {
    keys.require("bottle", "write the name of a bottle of the home manifest");
    let bottle = keys.string("bottle", |text| {
        if bottles.iter().any(|bottle| bottle == text) {
            return Ok(text.to_owned());
        }
        let meant = did_you_mean(text, bottles.iter().map(String::as_str));
        let there_are = match bottles.is_empty() {
            true => "it has none".to_owned(),
            false => format!("there are {}", bottles.join(", ")),
        };
        Err(format!(
            "is no bottle of the home manifest; {there_are}{meant}"
        ))
    });
    let prompt = keys.text("prompt", limits::PROMPT_OCTETS, grammar::prompt);
    let workdir = keys.string("workdir", |text| {
        let mode = MODES.iter().find(|(name, _)| *name == text);
        mode.map(|(_, mode)| *mode).ok_or_else(|| {
            let meant = did_you_mean(text, MODES.map(|(name, _)| name));
            format!("is no mode; write bind, copy or none{meant}")
        })
    });
    Some(Agent {
        bottle: bottle?,
        prompt,
        workdir: workdir.unwrap_or_default(),
        origin: origin.clone(),
    })
}
