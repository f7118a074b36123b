//! What the presets refuse by themselves: rules that the engine matches on the path behind
//! a route.
//!
//! A forge's API mints keys and tokens that outlive the bottle, and runs hooks with secrets;
//! no agent needs that for its work. The *second doors* are different: everything that makes
//! a commit or moves a ref. They are closed where the gate owns a repository of the forge,
//! or what the gate scans could be written round it.

/// `* /api/oauth/claude_cli/create_api_key` mints a key, the others manage an organisation.
pub(super) const ANTHROPIC: &[&str] = &["* /api/oauth/claude_cli/**", "* /v1/organizations/**"];

/// Tokens of the registry, old and new, and what trusts a publisher of another place.
pub(super) const NPM: &[&str] = &[
    "* /-/npm/v1/tokens/**",
    "* /-/npm/v1/user/**",
    "* /-/user/**",
    "* /-/v1/login/**",
    "* /-/npm/v1/hooks/**",
];

/// An upload of LFS goes to another host, and is negotiated here, by the same request as a
/// download; which of them it is stands in its body, which nobody reads.
pub(super) const GITHUB_GIT: &[&str] = &[
    "POST /*/*/info/lfs/objects/batch",
    "PUT /*/*/info/lfs/**",
    "POST /*/*/info/lfs/verify/**",
];

/// Behind one of the two spellings of a repository, by name and by number.
const GITHUB_REPOSITORIES: [&str; 2] = ["/repos/*/*", "/repositories/*"];

/// Behind one of the two spellings of an organisation.
const GITHUB_ORGANISATIONS: [&str; 2] = ["/orgs/*", "/organizations/*"];

/// Keys, hooks, secrets, tokens.
pub(super) fn github_api() -> Vec<String> {
    let user = [
        "* /user/keys/**",
        "* /user/gpg_keys/**",
        "* /user/ssh_signing_keys/**",
        "* /user/codespaces/secrets/**",
        "* /authorizations/**",
        "* /applications/**",
        "* /app/**",
    ];
    let mut rules = user.map(str::to_owned).to_vec();
    let of_repository = [
        "keys",
        "hooks",
        "actions/secrets",
        "codespaces/secrets",
        "dependabot/secrets",
        "environments/*/secrets",
        "actions/runners",
    ];
    for repository in GITHUB_REPOSITORIES {
        rules.extend(of_repository.map(|below| format!("* {repository}/{below}/**")));
    }
    let of_organisation = [
        "hooks",
        "actions/secrets",
        "codespaces/secrets",
        "dependabot/secrets",
        "actions/runners",
        "personal-access-tokens",
        "personal-access-token-requests",
    ];
    for organisation in GITHUB_ORGANISATIONS {
        rules.extend(of_organisation.map(|below| format!("* {organisation}/{below}/**")));
    }
    rules
}

/// Commits and refs, through either API.
pub(super) fn github_second_door() -> Vec<String> {
    let mut rules = Vec::new();
    for repository in GITHUB_REPOSITORIES {
        let writes = [
            ("PUT", "contents/**"),
            ("DELETE", "contents/**"),
            ("POST", "git/**"),
            ("PUT", "git/**"),
            ("PATCH", "git/**"),
            ("DELETE", "git/**"),
            ("POST", "merges"),
            ("POST", "merge-upstream"),
            ("PUT", "pulls/*/merge"),
            ("PUT", "pulls/*/update-branch"),
            ("POST", "branches/**"),
            ("POST", "releases"),
            ("PATCH", "releases/*"),
            ("POST", "code-scanning/alerts/*/autofix/commits"),
            ("PUT", "import"),
        ];
        // Names the default branch, which the gate protects.
        rules.push(format!("PATCH {repository}"));
        rules.extend(writes.map(|(method, below)| format!("{method} {repository}/{below}")));
    }
    rules.push("POST /graphql".to_owned());
    rules
}

/// Keys, hooks, secrets, tokens, mirrors that push elsewhere, and LFS uploads, which this
/// server takes itself.
pub(super) const GITEA: &[&str] = &[
    "* /api/v1/user/keys/**",
    "* /api/v1/user/gpg_keys/**",
    "* /api/v1/user/gpg_key_verify",
    "* /api/v1/user/gpg_key_token",
    "* /api/v1/user/hooks/**",
    "* /api/v1/user/actions/**",
    "* /api/v1/user/applications/**",
    "* /api/v1/users/*/tokens/**",
    "* /api/v1/admin/**",
    "* /api/v1/repos/*/*/keys/**",
    "* /api/v1/repos/*/*/hooks/**",
    "* /api/v1/repos/*/*/push_mirrors/**",
    "* /api/v1/repos/*/*/actions/secrets/**",
    "* /api/v1/repos/*/*/actions/runners/**",
    "* /api/v1/orgs/*/hooks/**",
    "* /api/v1/orgs/*/actions/secrets/**",
    "* /api/v1/orgs/*/actions/runners/**",
    "* /login/oauth/**",
    "PUT /*/*/info/lfs/**",
    "POST /*/*/info/lfs/verify/**",
];

/// Query names by which this server takes another's token, before the one in the field, or
/// an administrator's takes another's place.
pub(super) const GITEA_QUERY: &[&str] = &["access_token", "token", "sudo"];

/// Commits and refs, and which branch is the default one.
pub(super) const GITEA_SECOND_DOOR: &[&str] = &[
    "PATCH /api/v1/repos/*/*",
    "POST /api/v1/repos/*/*/contents/**",
    "PUT /api/v1/repos/*/*/contents/**",
    "DELETE /api/v1/repos/*/*/contents/**",
    "POST /api/v1/repos/*/*/diffpatch",
    "POST /api/v1/repos/*/*/git/**",
    "PUT /api/v1/repos/*/*/git/**",
    "PATCH /api/v1/repos/*/*/git/**",
    "DELETE /api/v1/repos/*/*/git/**",
    "POST /api/v1/repos/*/*/branches/**",
    "PUT /api/v1/repos/*/*/branches/**",
    "PATCH /api/v1/repos/*/*/branches/**",
    "DELETE /api/v1/repos/*/*/branches/**",
    "POST /api/v1/repos/*/*/tags",
    "DELETE /api/v1/repos/*/*/tags/**",
    "POST /api/v1/repos/*/*/merges",
    "POST /api/v1/repos/*/*/merge-upstream",
    "POST /api/v1/repos/*/*/pulls/*/merge",
    "PUT /api/v1/repos/*/*/pulls/*/merge",
    "POST /api/v1/repos/*/*/pulls/*/update",
    "POST /api/v1/repos/*/*/releases",
    "PATCH /api/v1/repos/*/*/releases/*",
    "POST /graphql",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::grammar::deny_rule;

    #[test]
    fn every_rule_is_one_and_stands_once() {
        let lists: [Vec<String>; 7] = [
            github_api(),
            github_second_door(),
            ANTHROPIC.iter().map(|rule| (*rule).to_owned()).collect(),
            NPM.iter().map(|rule| (*rule).to_owned()).collect(),
            GITHUB_GIT.iter().map(|rule| (*rule).to_owned()).collect(),
            GITEA.iter().map(|rule| (*rule).to_owned()).collect(),
            GITEA_SECOND_DOOR
                .iter()
                .map(|rule| (*rule).to_owned())
                .collect(),
        ];
        for list in lists {
            for (at, rule) in list.iter().enumerate() {
                assert_eq!(deny_rule(rule).as_ref(), Ok(rule));
                assert!(!list[..at].contains(rule), "{rule} is there twice");
            }
        }
    }
}
