//! The preview for programs. Its keys are promised by docs/PLAN.md, which a test holds to
//! them.

use std::path::Path;

use serde_json::{Value, json};

use super::Preview;
use super::people::{repositories, shown_variables};
use crate::manifest::{AgentOrigin, EnvValue, GateKey, Scanner, TokenRef, WorkdirMode};
use crate::plan::{GuardMount, Plan, Variable};

/// The version of the keys: another one where a key goes or changes its meaning.
const VERSION: u32 = 1;

pub(super) fn text(preview: &Preview<'_>) -> String {
    let value = value(preview);
    format!("{value:#}\n")
}

pub(super) fn value(preview: &Preview<'_>) -> Value {
    let plan = preview.plan;
    let files: Vec<String> = plan.files.iter().map(|file| path(&file.path)).collect();
    let scanner = match plan.scanner {
        Scanner::None => "none",
        Scanner::Pipelock => "pipelock",
    };
    json!({
        "version": VERSION,
        "agent": agent(plan),
        "bottle": plan.bottle,
        "backend": preview.backend,
        "image": { "name": plan.image.name, "built_if_missing": plan.image.dockerfile.is_some() },
        "command": plan.command,
        "workdir": workdir(plan),
        "environment": environment(plan),
        "files": files,
        "routes": routes(plan),
        "gate": gate(preview),
        "git": git(plan),
        "hosts": plan.hosts,
        "scanner": scanner,
        "unserved": plan.unserved,
        "warnings": plan.warnings,
    })
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

fn agent(plan: &Plan) -> Value {
    let (origin, file) = match &plan.origin {
        AgentOrigin::BuiltIn => ("built-in", None),
        AgentOrigin::Home(file) => ("home", Some(path(file))),
        AgentOrigin::Repository(file) => ("repository", Some(path(file))),
    };
    json!({ "name": plan.agent, "origin": origin, "file": file, "prompt": plan.prompt })
}

fn workdir(plan: &Plan) -> Value {
    let workdir = &plan.workdir;
    let mode = match workdir.mode {
        WorkdirMode::Bind => "bind",
        WorkdirMode::Copy => "copy",
        WorkdirMode::None => "none",
    };
    let mounts = workdir.mounts.iter().map(|mount| {
        let kind = match mount {
            GuardMount::Itself(_) => "itself",
            GuardMount::ReadOnly(_) => "read-only",
            GuardMount::EmptyReadOnly(_) => "empty-read-only",
        };
        json!({ "kind": kind, "path": path(mount.path()) })
    });
    json!({
        "mode": mode,
        "host": workdir.host.as_deref().map(path),
        "inside": path(&workdir.inside),
        "owner": workdir.owner.map(|(user, group)| json!({ "user": user, "group": group })),
        "mounts": mounts.collect::<Vec<Value>>(),
    })
}

fn environment(plan: &Plan) -> Vec<Value> {
    let shown = shown_variables(plan);
    let is_shown = |variable: &&Variable| shown.contains(&variable.name);
    let told = plan.environment.iter().filter(is_shown).map(|variable| {
        let (source, of) = match &variable.value {
            EnvValue::Literal(_) => ("literal", None),
            EnvValue::FromHost(name) => ("host", Some(name)),
            EnvValue::Ask(_) => ("asked", None),
        };
        json!({ "name": variable.name, "source": source, "variable": of })
    });
    told.collect()
}

fn routes(plan: &Plan) -> Vec<Value> {
    let told = plan.routes.iter().map(|route| {
        let token = match &route.token {
            TokenRef::Variable(name) => json!({ "variable": name }),
            TokenRef::File(file) => json!({ "file": file }),
            TokenRef::Command(words) => json!({ "command": words }),
        };
        json!({
            "path": route.path,
            "upstream": route.upstream,
            "token": token,
            "slot": route.slot,
            "deny": route.deny,
        })
    });
    told.collect()
}

fn gate(preview: &Preview<'_>) -> Value {
    let told = preview.plan.gate.as_ref().map(|gate| {
        let image = Some(&gate.image).filter(|_| preview.backend != "local");
        let (Ok(scanner) | Err(scanner)) = preview.gate_scanner.unwrap_or(Ok(""));
        json!({ "image": image, "scanner": scanner })
    });
    told.unwrap_or(Value::Null)
}

fn git(plan: &Plan) -> Vec<Value> {
    let told = repositories(plan).iter().map(|repository| {
        let key = match &repository.key {
            GateKey::Identity(file) => json!({ "identity": file }),
            GateKey::Provisioned {
                provider,
                token_env,
                api_url,
            } => json!({ "provider": provider, "variable": token_env, "api_url": api_url }),
        };
        json!({
            "name": repository.name,
            "remote": repository.remote,
            "upstream": repository.upstream,
            "key": key,
            "known_host": repository.known_host.trim_end(),
            "policy": repository.policy,
        })
    });
    told.collect()
}
