//! `bottle info AGENT`: what a start of this agent would do.

use crate::manifest::Manifest;
use crate::plan::{HostFacts, Plan, PlanError, Preview};

/// The plan of an agent as people read it. Nothing is created, run or asked for.
pub fn text(
    manifest: &Manifest,
    agent: &str,
    facts: &HostFacts,
    backend: &str,
) -> Result<String, Vec<PlanError>> {
    let plan = Plan::make(manifest, agent, facts, None)?;
    let preview = Preview {
        plan: &plan,
        backend,
        remark: None,
    };
    Ok(preview.people())
}
