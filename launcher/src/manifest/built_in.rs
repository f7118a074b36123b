//! Agents that need no manifest.

use super::read::built_in_anthropic;
use super::{Agent, AgentOrigin, AgentProvider, Bottle, Manifest, Template, WorkdirMode};

/// Their names.
pub(super) const NAMES: &[&str] = &["claude"];

/// The bottle of `claude`. No manifest can name it, for its name has a space.
const CLAUDE_BOTTLE: &str = "built-in claude";

/// The host's conventional variables, the first that is set is taken: a subscription's
/// token goes as Bearer, an API key in a field of its own.
const CLAUDE_VARIABLES: [(&str, bool); 2] = [
    ("CLAUDE_CODE_OAUTH_TOKEN", false),
    ("ANTHROPIC_API_KEY", true),
];

/// Adds those that the home manifest does not have itself.
pub(super) fn add(manifest: &mut Manifest, variable: &dyn Fn(&str) -> Option<String>) {
    if manifest.agents.contains_key("claude") {
        return;
    }
    let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let credential = CLAUDE_VARIABLES.into_iter().find(|(name, _)| is_set(name));
    let route = credential.map(|(name, is_api_key)| built_in_anthropic(name, is_api_key));
    let bottle = Bottle {
        provider: AgentProvider {
            template: Some(Template::Claude),
            image: None,
        },
        routes: route.into_iter().collect(),
        ..Bottle::default()
    };
    let agent = Agent {
        bottle: CLAUDE_BOTTLE.to_owned(),
        prompt: None,
        workdir: WorkdirMode::Bind,
        origin: AgentOrigin::BuiltIn,
    };
    manifest.bottles.insert(CLAUDE_BOTTLE.to_owned(), bottle);
    manifest.agents.insert("claude".to_owned(), agent);
}
