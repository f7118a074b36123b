//! Manifests that are refused, one after the other in `bad.txt`, and some that are not.
//!
//! A line that begins with `#` says what follows; `>` is a manifest, with a word for what
//! stands around it; `~` says that no schema can know; `!` is a line of the problems.

/// A manifest that is refused.
pub(super) struct Bad {
    /// The whole file.
    pub(super) text: String,
    /// Its line in `bad.txt`.
    pub(super) line: String,
    pub(super) is_beyond_schema: bool,
    pub(super) problems: Vec<String>,
}

/// All of `bad.txt`.
pub(super) fn bad() -> Vec<Bad> {
    let mut all: Vec<Bad> = Vec::new();
    for line in include_str!("bad.txt").lines() {
        let Some((mark, rest)) = line.split_once(' ') else {
            assert_eq!(line, "", "a line without a mark");
            continue;
        };
        let last = all.last_mut();
        match (mark, last) {
            ("#", _) => {}
            (">", _) => all.push(Bad {
                text: whole(rest),
                line: line.to_owned(),
                is_beyond_schema: false,
                problems: Vec::new(),
            }),
            ("~", Some(last)) => last.is_beyond_schema = true,
            ("!", Some(last)) => last.problems.push(rest.to_owned()),
            _ => panic!("an unknown mark: {line}"),
        }
    }
    assert!(all.len() > 90, "{} manifests", all.len());
    all
}

fn whole(text: &str) -> String {
    let (around, inner) = text.split_once(' ').expect("a word and a value");
    match around {
        "file" => inner.to_owned(),
        "bottle" => format!(r#"{{"bottles": {{"b": {inner}}}}}"#),
        "route" => whole(&format!(
            r#"bottle {{"cred_proxy": {{"routes": [{inner}]}}}}"#
        )),
        "gate" => whole(&format!(
            r#"bottle {{"git_gate": {{"repos": {{"r": {inner}}}}}}}"#
        )),
        "agent" => format!(r#"{{"bottles": {{"b": {{}}}}, "agents": {{"a": {inner}}}}}"#),
        _ => panic!("nothing stands around {around}"),
    }
}

/// Every key that there is, and every form of each value.
pub(super) const FULL: &str = include_str!("full.json");

/// Others that are right.
pub(super) const GOOD: [&str; 8] = [
    "{}",
    r#"{"$schema": "manifest.schema.json", "bottles": {}, "agents": {}}"#,
    r#"{"bottles": {"a": {}, "a-1": {"env": {}, "agent_provider": {}, "tokens": [], "cred_proxy": {}, "egress": {}, "git_gate": {}}}}"#,
    r#"{"bottles": {"a": {"tokens": [{"kind": "npm", "token_ref": "A"}, {"kind": "github", "token_ref": "A"}]}}}"#,
    r#"{"bottles": {"a": {"tokens": [{"kind": "anthropic", "token_ref": "A", "header": "X-API-Key"}]}}}"#,
    r#"{"bottles": {"a": {"egress": {"routes": [{"host": "h", "port": 8443.0}]}}}}"#,
    r#"{"bottles": {"a": {"git_gate": {"repos": {"r": {"url": "h:o/r", "identity": "/k", "host_key": "ssh-rsa AAAAB3NzaC1yc2EAAAA", "allow": []}}}}}}"#,
    r#"{"agents": {}, "bottles": {"a": {"cred_proxy": {"routes": [{"path": "/a/", "upstream": "HTTPS://H/", "token_ref": "T", "auth_header": "AUTHORIZATION", "auth_scheme": "BASIC", "auth_user": "u"}]}}}}"#,
];
