//! The role `anthropic-base-url`: variables.

use super::super::PLACEHOLDER;
use super::{RoleVariable, Unwritable, plain, route_url};

/// Where Claude Code and Anthropic's libraries find the route. They insist on a credential;
/// which variable it stands in decides the field that the client writes, and its betas.
pub(in crate::plan) fn anthropic_base_url(
    path: &str,
    is_api_key: bool,
) -> Result<Vec<RoleVariable>, Unwritable> {
    let url = route_url(plain(path)?);
    let placeholder = match is_api_key {
        true => "ANTHROPIC_AUTH_TOKEN",
        false => "CLAUDE_CODE_OAUTH_TOKEN",
    };
    let switch = |name, value: &str| RoleVariable {
        name,
        value: value.to_owned(),
        hidden: false,
        fixed: false,
    };
    Ok(vec![
        RoleVariable {
            name: "ANTHROPIC_BASE_URL",
            value: url.trim_end_matches('/').to_owned(),
            hidden: false,
            fixed: true,
        },
        RoleVariable {
            name: placeholder,
            value: PLACEHOLDER.to_owned(),
            hidden: true,
            fixed: true,
        },
        switch("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        switch("ENABLE_TOOL_SEARCH", "true"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(variables: Vec<RoleVariable>) -> Vec<(String, bool)> {
        let line = |variable: RoleVariable| {
            let text = format!("{}={}", variable.name, variable.value);
            (text, variable.hidden)
        };
        variables.into_iter().map(line).collect()
    }

    #[test]
    fn the_client_is_led_to_the_route() {
        let expected = |placeholder: &str| {
            [
                ("ANTHROPIC_BASE_URL=http://cred-proxy:9099/anthropic", false),
                (placeholder, true),
                ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", false),
                ("ENABLE_TOOL_SEARCH=true", false),
            ]
            .map(|(text, hidden)| (text.to_owned(), hidden))
        };
        assert_eq!(
            told(anthropic_base_url("/anthropic/", false).expect("plain")),
            expected("CLAUDE_CODE_OAUTH_TOKEN=placeholder")
        );
        assert_eq!(
            told(anthropic_base_url("/anthropic/", true).expect("plain")),
            expected("ANTHROPIC_AUTH_TOKEN=placeholder")
        );
        assert!(anthropic_base_url("/a\nb/", true).is_err());
    }
}
