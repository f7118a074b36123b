//! What a whole bottle stands in: a user of this machine with a manifest, and an authority
//! that the user's machine trusts.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use harness::leak::Leaks;
use harness::local::{LocalBottle, PYTHON, on_this_machine};
use harness::origin::Origin;
use harness::user::User;
use harness::{Authority, TOKEN, binary, require};
use serde_json::{Value, json};

/// The variable on the host that holds [`TOKEN`].
pub(crate) const TOKEN_NAME: &str = "SERVICE_TOKEN";

/// A user of this machine who is nobody else here, with a group alike.
pub(crate) const ANOTHER: u32 = 4321;

/// Where every Linux has its programs, and nobody a home.
pub(crate) const SYSTEM: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A user, and an authority that the user's machine trusts.
pub(crate) struct Setting {
    pub(crate) user: User,
    pub(crate) authority: Authority,
}

/// Does `work` as whoever runs the tests, and, if that is root, as another user as well; or
/// skips it, told under the name of `test`.
pub(crate) fn each(test: &str, work: impl Fn(&mut Setting)) {
    if !can_be_made(test) {
        return;
    }
    let is_root = rustix::process::geteuid().is_root();
    eprintln!("{test}: as {}", if is_root { "root" } else { "oneself" });
    work(&mut Setting::new());
    if is_root && require::program(test, "setpriv").is_some() {
        eprintln!("{test}: as another user");
        let mut setting = Setting::new();
        setting.become_another();
        work(&mut setting);
    }
}

/// Whether this machine makes sandboxes at all.
fn can_be_made(test: &str) -> bool {
    if require::program(test, "bwrap").is_none() {
        return false;
    }
    if !Path::new(PYTHON).exists() {
        require::skip(test, &format!("there is no {PYTHON}"));
        return false;
    }
    let words = "bwrap --unshare-user --unshare-net --ro-bind / / true";
    let words: Vec<&str> = words.split(' ').collect();
    let tried = on_this_machine(&words);
    if !tried.status.success() {
        let why = tried.stderr.trim();
        require::skip(test, &format!("bwrap makes no sandbox here: {why}"));
    }
    tried.status.success()
}

impl Setting {
    fn new() -> Setting {
        let authority = Authority::new();
        let mut user = User::new();
        let pem = fs::read_to_string(authority.pem_file()).expect("a certificate");
        user.write("authority.pem", &pem);
        user.export("SSL_CERT_FILE", user.path("authority.pem").display());
        user.export("PATH", SYSTEM);
        user.export("BOTTLE_BACKEND", "local");
        user.export(
            "DOCKER_HOST",
            format!("unix://{}", user.path("no-docker").display()),
        );
        user.export(TOKEN_NAME, TOKEN);
        Setting { user, authority }
    }

    /// Has the launcher be another user's, who can reach it.
    fn become_another(&mut self) {
        self.user.give_to(ANOTHER, ANOTHER);
        self.user.write(
            "authority.pem",
            &fs::read_to_string(self.authority.pem_file()).expect("it"),
        );
        let (id, group) = (format!("--reuid={ANOTHER}"), format!("--regid={ANOTHER}"));
        let another = ["setpriv", &id, &group, "--clear-groups", "--"];
        let mut program = binary::bottle().display().to_string();
        let look = [&another[..], &["test", "-x", &program]].concat();
        if !on_this_machine(&look).status.success() {
            for binary in [
                binary::bottle(),
                binary::cred_proxy(),
                binary::bottle_gate(),
            ] {
                let name = binary.file_name().expect("a name");
                let copy = self.user.folder().join(name);
                fs::hard_link(binary, &copy)
                    .or_else(|_| fs::copy(binary, &copy).map(drop))
                    .expect("a copy");
            }
            program = self.user.path("bottle").display().to_string();
        }
        self.user.launch_by(&[&another[..], &[&program]].concat());
    }

    /// Has `bottle` run by a program that is told it.
    pub(crate) fn launch_through(&mut self, words: &[&str]) {
        let launcher: Vec<String> = self.user.launcher().to_vec();
        let launcher = launcher.iter().map(String::as_str);
        let all: Vec<&str> = words.iter().copied().chain(launcher).collect();
        self.user.launch_by(&all);
    }

    /// The configuration of a server of TLS on loopback.
    pub(crate) fn tls(&self) -> Arc<tokio_rustls::rustls::ServerConfig> {
        self.authority.server_config(&["127.0.0.1"])
    }

    /// A service on loopback that says `fine`.
    pub(crate) fn service(&self) -> Origin {
        Origin::start(Some(self.tls()), |_, answer| {
            answer.whole("200 OK", &[], b"fine")
        })
    }

    /// Writes the manifest: these routes, and the work directory as `mode` says.
    pub(crate) fn manifest(&self, routes: &[Value], mode: &str) {
        self.manifest_of(json!({ "cred_proxy": { "routes": routes } }), mode);
    }

    /// Writes the manifest: this bottle, and the work directory as `mode` says.
    pub(crate) fn manifest_of(&self, bottle: Value, mode: &str) {
        let mut bottle = bottle;
        // Of what only Docker has: nobody looks for it here.
        bottle["agent_provider"]["image"] = "127.0.0.1:9/unused:1".into();
        let agent = json!({ "workdir": mode });
        self.user.write_manifest(&bottle, agent);
    }

    /// Starts the agent, to be told what to do.
    pub(crate) fn start(&self) -> LocalBottle {
        LocalBottle::start(&self.user)
    }

    /// A search for the token.
    pub(crate) fn leaks(&self) -> Arc<Leaks> {
        Leaks::of(&[TOKEN])
    }
}

/// A route that brings the token as Bearer.
pub(crate) fn bearer(path: &str, url: &str) -> Value {
    json!({ "path": path, "upstream": url, "auth_scheme": "Bearer", "token_ref": TOKEN_NAME })
}

/// A route to nobody.
pub(crate) fn unused() -> Value {
    bearer("/api/", "https://127.0.0.1:9")
}
