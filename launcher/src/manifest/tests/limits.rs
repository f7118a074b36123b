//! Each limit at its bound, and one past it.

use super::load;
use crate::limits;
use serde_json::{Value, json};

fn names(count: usize, value: &Value) -> Value {
    let names = (0..count).map(|n| (format!("n{n}"), value.clone()));
    Value::Object(names.collect())
}

fn list(count: usize, item: impl Fn(usize) -> Value) -> Value {
    Value::Array((0..count).map(item).collect())
}

fn bottle(inner: &Value) -> Value {
    json!({"bottles": {"b": inner}})
}

fn route(key: &str, value: Value) -> Value {
    let mut route =
        json!({"path": "/a/", "upstream": "https://h", "auth_scheme": "Bearer", "token_ref": "T"});
    route[key] = value;
    bottle(&json!({"cred_proxy": {"routes": [route]}}))
}

fn gate(key: &str, value: Value) -> Value {
    let mut repository = json!({"url": "git@h:o/r.git", "identity": "/k", "host_key": "ssh-rsa AAAAB3NzaC1yc2EAAAA"});
    repository[key] = value;
    bottle(&json!({"git_gate": {"repos": {"r": repository}}}))
}

/// `of` makes a manifest of a size; the problem past the bound is the one line.
#[track_caller]
fn bound(bound: usize, problem: &str, of: impl Fn(usize) -> Value) {
    assert_eq!(load(&of(bound).to_string()).err(), None, "at the bound");
    let problems = load(&of(bound + 1).to_string()).expect_err("past the bound");
    assert_eq!(problems, [format!("m.json: {problem}")]);
}

#[test]
fn entries() {
    bound(
        limits::ENTRIES,
        "bottles: has 257 entries; write at most 256",
        |n| json!({"bottles": names(n, &json!({}))}),
    );
    bound(
        limits::ENTRIES,
        "agents: has 257 entries; write at most 256",
        |n| json!({"bottles": {"b": {}}, "agents": names(n, &json!({"bottle": "b"}))}),
    );
    bound(
        limits::VARIABLES,
        "bottles.b.env: has 257 entries; write at most 256",
        |n| bottle(&json!({"env": names(n, &json!(""))})),
    );
}

#[test]
fn routes_and_their_lists() {
    let place = "bottles.b.cred_proxy.routes";
    let problem = format!("{place}: has 257 items; write at most 256");
    bound(limits::ROUTES, &problem, |n| {
        let route = |n| json!({"path": format!("/{n}/"), "upstream": "https://h", "auth_scheme": "Bearer", "token_ref": "T"});
        bottle(&json!({"cred_proxy": {"routes": list(n, route)}}))
    });
    bound(
        limits::ROUTES,
        "bottles.b.tokens: has 257 items; write at most 256",
        |n| {
            let preset =
                |n| json!({"kind": "gitea", "url": format!("https://h{n}"), "token_ref": "T"});
            bottle(&json!({"tokens": list(n, preset)}))
        },
    );
    bound(
        limits::ROUTES,
        "bottles.b.egress.routes: has 257 items; write at most 256",
        |n| {
            let route = |n| json!({"host": format!("h{n}")});
            bottle(&json!({"egress": {"routes": list(n, route)}}))
        },
    );
    for (key, item) in [
        ("methods", "M"),
        ("deny", "GET /"),
        ("strip_query", "q"),
        ("upgrade", "u"),
    ] {
        let problem = format!("{place}[0].{key}: has 257 items; write at most 256");
        bound(limits::LIST_ITEMS, &problem, |n| {
            route(key, list(n, |n| json!(format!("{item}{n}"))))
        });
    }
    let problem = format!(
        "{place}[0].deny[0]: has more than 62 segments; write it like \"DELETE /repos/*/*\""
    );
    bound(limits::RULE_SEGMENTS, &problem, |n| {
        route("deny", json!([format!("* {}", "/*".repeat(n))]))
    });
}

#[test]
fn hosts_and_repositories() {
    let problem = "bottles.b.egress.allow: has 4097 items; write at most 4096";
    bound(limits::HOSTS, problem, |n| {
        let host = |n| json!(format!("h{n}"));
        bottle(&json!({"egress": {"allow": list(n, host)}}))
    });
    let problem = "bottles.b.egress.allow_cidr: has 4097 items; write at most 4096";
    bound(limits::HOSTS, problem, |n| {
        let block = |n| json!(format!("10.{}.{}.0/24", n / 256, n % 256));
        bottle(&json!({"egress": {"allow_cidr": list(n, block)}}))
    });
    let problem = "bottles.b.git_gate.repos: has 65 entries; write at most 64";
    bound(limits::REPOSITORIES, problem, |n| {
        let repository = |n| {
            let url = format!("git@h:o/r{n}.git");
            let value =
                json!({"url": url, "identity": "/k", "host_key": "ssh-rsa AAAAB3NzaC1yc2EAAAA"});
            (format!("r{n}"), value)
        };
        let repos: serde_json::Map<String, Value> = (0..n).map(repository).collect();
        bottle(&json!({"git_gate": {"repos": repos}}))
    });
    let place = "bottles.b.git_gate.repos.r";
    let problem = format!("{place}.allow: has 257 items; write at most 256");
    bound(limits::LIST_ITEMS, &problem, |n| {
        gate("allow", list(n, |n| json!(format!("refs/heads/{n}"))))
    });
    let most = usize::try_from(limits::PUSH_MIB).expect("a small number");
    let problem =
        format!("{place}.max_push_mib: is out of bounds; write a whole number, 1 to 65536");
    bound(most, &problem, |n| gate("max_push_mib", json!(n)));
}

#[test]
fn lengths() {
    let problem = format!(
        "bottles.{}: is too long for a name; write at most 40 letters",
        "n".repeat(41)
    );
    bound(
        limits::NAME_OCTETS,
        &problem,
        |n| json!({"bottles": {"n".repeat(n): {}}}),
    );
    bound(
        limits::VALUE_OCTETS,
        "bottles.b.env.A: is too long; write at most 65536 octets",
        |n| bottle(&json!({"env": {"A": "a".repeat(n)}})),
    );
    bound(
        limits::PROMPT_OCTETS,
        "agents.a.prompt: is too long; write at most 65536 octets",
        |n| json!({"bottles": {"b": {}}, "agents": {"a": {"bottle": "b", "prompt": "p".repeat(n)}}}),
    );
    let place = "bottles.b.cred_proxy.routes[0]";
    let problem = format!("{place}.path: is too long; write at most 4096 octets");
    bound(limits::WORD_OCTETS, &problem, |n| {
        route("path", json!(format!("/{}/", "a".repeat(n - 2))))
    });
    let problem = format!("{place}.token_ref.command: has 65 items; write at most 64");
    bound(limits::COMMAND_WORDS, &problem, |n| {
        route("token_ref", json!({"command": list(n, |_| json!("w"))}))
    });
}

#[test]
fn a_file() {
    bound(
        limits::MANIFEST_OCTETS,
        "is too long; write at most 1048576 octets",
        padded,
    );
}

/// A manifest of so many octets, most of them in values that are long but right.
fn padded(octets: usize) -> Value {
    let value = "a".repeat(limits::VALUE_OCTETS - 100);
    let mut env: serde_json::Map<String, Value> =
        (0..16).map(|n| (format!("A{n}"), json!(value))).collect();
    let without = bottle(&json!({"env": env, "agent_provider": {}}))
        .to_string()
        .len();
    env.insert(
        "Z".to_owned(),
        json!("z".repeat(octets - without - r#","Z":"""#.len())),
    );
    let whole = bottle(&json!({"env": env, "agent_provider": {}}));
    assert_eq!(whole.to_string().len(), octets);
    whole
}

#[test]
fn problems() {
    let wrong = |count: usize| {
        let names = names(count, &json!(1));
        load(&names.to_string()).expect_err("unknown keys")
    };
    assert_eq!(wrong(limits::PROBLEMS).len(), limits::PROBLEMS);
    let more = wrong(limits::PROBLEMS + 1);
    assert_eq!(more.len(), limits::PROBLEMS + 1);
    let last = "m.json: has more problems (1) than are told here; mend these first";
    assert_eq!(more.last().map(String::as_str), Some(last));
}

#[test]
fn a_long_key_is_cut() {
    let shown = |length: usize| {
        let problems = load(&json!({"k".repeat(length): 1}).to_string()).expect_err("unknown");
        problems[0].split(": ").nth(1).map(str::to_owned)
    };
    let whole = "k".repeat(limits::SHOWN_KEY_CHARACTERS);
    assert_eq!(shown(limits::SHOWN_KEY_CHARACTERS), Some(whole.clone()));
    let cut = format!("{:?}", format!("{whole}…"));
    assert_eq!(shown(limits::SHOWN_KEY_CHARACTERS + 1), Some(cut));
}

/// The cost of a file is its length, whatever a repository writes into it.
#[test]
fn a_file_of_nothing_but_keys_is_read_in_one_pass() {
    let file = names(limits::MANIFEST_OCTETS / 12, &json!(1)).to_string();
    assert!(
        file.len() < limits::MANIFEST_OCTETS,
        "{} octets",
        file.len()
    );
    assert_eq!(
        load(&file).expect_err("unknown").len(),
        limits::PROBLEMS + 1
    );
}
