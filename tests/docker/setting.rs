//! What a whole bottle stands in: an engine, an image, an outside with services of ours, a
//! user with a manifest.

use harness::docker::{Container, Engine, Host, Outer, agent_image, engine};
use harness::leak::Leaks;
use harness::{Authority, TOKEN};
use serde_json::{Value, json};
use std::sync::Arc;

/// The variable on the host that holds [`TOKEN`].
pub(crate) const TOKEN_NAME: &str = "SERVICE_TOKEN";

/// A user, an outside, and an authority that the user's machine trusts.
pub(crate) struct Setting {
    pub(crate) engine: &'static Engine,
    pub(crate) image: &'static str,
    pub(crate) host: Host,
    pub(crate) outer: Outer,
    pub(crate) authority: Authority,
}

impl Setting {
    /// All of it, or a skip told under the name of `test`.
    pub(crate) fn new(test: &str) -> Option<Setting> {
        let engine = engine(test)?;
        let image = agent_image(test, engine)?;
        let mut host = Host::new(engine);
        let authority = Authority::new();
        host.export("SSL_CERT_FILE", authority.pem_file().display());
        host.export(TOKEN_NAME, TOKEN);
        Some(Setting {
            engine,
            image,
            host,
            outer: Outer::new(engine),
            authority,
        })
    }

    /// The configuration of a server of TLS on this machine's address in the outside.
    pub(crate) fn tls(&self) -> Arc<tokio_rustls::rustls::ServerConfig> {
        let address = self.outer.address().to_string();
        self.authority.server_config(&[&address])
    }

    /// Writes the manifest: these routes, no work directory.
    pub(crate) fn manifest(&self, routes: &[Value]) {
        let bottle = json!({ "cred_proxy": { "routes": routes } });
        let agent = json!({ "workdir": "none" });
        self.host.manifest(self.image, bottle, agent);
    }

    /// Whoever is outside: this machine's own network and processes, every capability, the
    /// engine's socket, and the user's folder.
    pub(crate) fn outsider(&self) -> Container {
        let socket = self.engine.socket().display();
        let socket = format!("{socket}:{socket}");
        let folder = self.host.folder().display();
        let folder = format!("{folder}:{folder}");
        let mut options = vec!["--network", "host", "--pid", "host"];
        options.extend(["--volume", &socket, "--volume", &folder]);
        // Not `--privileged`, which asks for more than root of a virtual machine may have.
        options.extend(["--cap-add", "SYS_ADMIN", "--cap-add", "SYS_PTRACE"]);
        for free in ["seccomp=unconfined", "apparmor=unconfined"] {
            options.extend(["--security-opt", free]);
        }
        Container::start(self.engine, &options, self.image, &UP)
    }

    /// A search for the token.
    pub(crate) fn leaks(&self) -> Arc<Leaks> {
        Leaks::of(&[TOKEN])
    }
}

/// The command of a container that waits.
pub(crate) const UP: [&str; 3] = ["sh", "-c", "echo up; exec sleep infinity"];

/// A route that brings the token as Bearer.
pub(crate) fn bearer(path: &str, url: &str) -> Value {
    json!({ "path": path, "upstream": url, "auth_scheme": "Bearer", "token_ref": TOKEN_NAME })
}
