//! What the tests of several files begin with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::{GitFacts, GitKind, HostFacts, Presence, WorkdirFacts};
use crate::manifest::{
    Agent, AgentOrigin, AgentProvider, Bottle, GateKey, GateRepository, GitGate, Manifest,
    RefPolicy, Route, TokenRef, Upstream, WorkdirMode,
};

/// A route with a Bearer token and nothing else.
pub(crate) fn route(path: &str, upstream: &str) -> Route {
    Route {
        path: path.to_owned(),
        upstream: Upstream::Url(upstream.to_owned()),
        auth_scheme: Some("Bearer".to_owned()),
        auth_header: None,
        auth_user: None,
        token_ref: TokenRef::Variable("TOKEN".to_owned()),
        roles: Vec::new(),
        tls_passthrough: false,
        methods: None,
        deny: Vec::new(),
        second_door: Vec::new(),
        strip_query: Vec::new(),
        upgrade: Vec::new(),
        accept_encoding: None,
        allow_api_writes: false,
        origin: format!("bottles.dev.cred_proxy.routes[{path}]"),
    }
}

/// A gate that owns one repository, `app`, at this URL.
pub(crate) fn gate(url: &str) -> GitGate {
    let repository = GateRepository {
        url: url.to_owned(),
        key: GateKey::Identity("~/.ssh/id_ed25519".to_owned()),
        host_key: "ssh-ed25519 AAAA".to_owned(),
        policy: RefPolicy::default(),
    };
    GitGate {
        repos: BTreeMap::from([("app".to_owned(), repository)]),
        ..GitGate::default()
    }
}

/// A bottle `dev` with an image and these routes, and the agent `a` in it.
pub(crate) fn manifest(routes: Vec<Route>) -> Manifest {
    let bottle = Bottle {
        provider: AgentProvider {
            template: None,
            image: Some("img".to_owned()),
        },
        routes,
        ..Bottle::default()
    };
    let agent = Agent {
        bottle: "dev".to_owned(),
        prompt: None,
        workdir: WorkdirMode::Copy,
        origin: AgentOrigin::Home(PathBuf::from("/home/me/.config/bottle/manifest.json")),
    };
    Manifest {
        bottles: BTreeMap::from([("dev".to_owned(), bottle)]),
        agents: BTreeMap::from([("a".to_owned(), agent)]),
    }
}

/// A host with `TOKEN` set and a git clone for its work directory.
pub(crate) fn facts() -> HostFacts {
    HostFacts {
        home: PathBuf::from("/home/me"),
        manifest: PathBuf::from("/home/me/.config/bottle/manifest.json"),
        state: PathBuf::from("/home/me/.local/state/bottle"),
        engine_sockets: vec![
            PathBuf::from("/run/docker.sock"),
            PathBuf::from("/opt/engine/docker.sock"),
        ],
        workdir: WorkdirFacts {
            path: PathBuf::from("/home/me/app"),
            owner: (1000, 1000),
            bottle: Presence::Absent,
            git: Some(GitFacts {
                kind: GitKind::Directory,
                common: PathBuf::from("/home/me/app/.git"),
                hooks: Presence::Directory,
            }),
            with_credential: Vec::new(),
            redirections: Vec::new(),
        },
        variables: BTreeSet::from(["TOKEN".to_owned()]),
        npm_registry: None,
    }
}
