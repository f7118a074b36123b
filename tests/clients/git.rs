//! git over smart HTTP, with `insteadOf` as an agent's machine is set up.

use std::fs;
use std::path::Path;

use harness::agent::{AGENTS_OWN, assert_only_ours};
use harness::git_server::{GitServer, add_commits, basic, git, tag_every_commit};
use harness::program::Program;
use harness::proxy::TOKEN_ENV;
use harness::received::{BodyFraming, Received};
use harness::wiretap::Wiretap;
use harness::{Authority, Builder, Finished, Proxy, TOKEN, require};
use serde_json::json;
use tempfile::{TempDir, tempdir};

use crate::NAME;

/// Git writes a larger request body in chunks, for it does not wait to know its length.
const POST_BUFFER_OCTETS: usize = 1 << 20;

struct Setting {
    forge: GitServer,
    authority: Authority,
    home: TempDir,
}

impl Setting {
    /// A forge with `owner/repo`, and an agent's home.
    fn new() -> Setting {
        let authority = Authority::new();
        let forge = GitServer::start(authority.server_config(&[NAME]), TOKEN);
        let home = tempdir().expect("a folder");
        Setting {
            forge,
            authority,
            home,
        }
    }

    fn proxy(&self) -> Builder {
        let url = format!("https://{NAME}:{}", self.forge.origin().port());
        let route = json!({
            "path": "/git/github.com/", "upstream": url,
            "auth_scheme": "Basic", "token_env": TOKEN_ENV,
        });
        Proxy::builder()
            .route(route)
            .token(TOKEN_ENV, TOKEN)
            .env("SSL_CERT_FILE", self.authority.pem_file())
    }

    /// git as the agent has it: `https://github.com/` leads to the proxy, and it brings
    /// a credential of its own.
    fn git(&self, wiretap: &Wiretap, arguments: &[&str]) -> Finished {
        let settings = format!(
            "[url \"{}\"]\n\tinsteadOf = https://github.com/\n\
             [http]\n\textraHeader = Authorization: Bearer {AGENTS_OWN}\n\
             [user]\n\tname = Agent\n\temail = agent@example.test\n\
             [gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n",
            wiretap.url("/git/github.com/")
        );
        fs::write(self.home.path().join(".gitconfig"), settings).expect(".gitconfig");
        Program::new("git", self.home.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .args(arguments)
            .run()
    }

    fn clone(&self) -> std::path::PathBuf {
        self.home.path().join("clone")
    }

    /// What the forge saw, every bit of it with our credential and no other.
    fn requests(&self) -> Vec<Received> {
        let requests = self.forge.origin().requests();
        assert_only_ours(&requests, "authorization", &basic(TOKEN));
        requests
    }
}

fn head_of(folder: &Path, name: &str) -> String {
    git(folder, &["rev-parse", name], b"")
}

const URL: &str = "https://github.com/owner/repo.git";

#[test]
fn the_forge_lets_nobody_in_without_the_token() {
    let Some(_) = require::program("git: no token", "git") else {
        return;
    };
    let setting = Setting::new();
    setting.forge.create("owner/repo");
    let refused = Program::new("git", setting.home.path())
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_SSL_CAINFO", setting.authority.pem_file())
        .arg("ls-remote")
        .arg(format!(
            "https://{NAME}:{}/owner/repo.git",
            setting.forge.origin().port()
        ))
        .run();
    assert!(!refused.status.success(), "{refused:#?}");
    assert!(
        refused.stderr.contains("could not read Username"),
        "{refused:#?}"
    );
}

#[test]
fn clone_and_fetch_bring_what_the_forge_has() {
    let Some(_) = require::program("git: clone and fetch", "git") else {
        return;
    };
    let setting = Setting::new();
    let repository = setting.forge.create("owner/repo");
    add_commits(&repository, "main", 3, "first");
    let proxy = setting.proxy().start();
    let wiretap = Wiretap::before(&proxy);
    let cloned = setting.git(&wiretap, &["clone", "--quiet", URL, "clone"]);
    assert!(cloned.status.success(), "{cloned:#?}");
    assert_eq!(
        head_of(&setting.clone(), "HEAD"),
        head_of(&repository, "main")
    );

    add_commits(&repository, "main", 1, "later");
    let fetched = setting.git(&wiretap, &["-C", "clone", "fetch", "--quiet", "origin"]);
    assert!(fetched.status.success(), "{fetched:#?}");
    let (there, here) = (
        head_of(&repository, "main"),
        head_of(&setting.clone(), "origin/main"),
    );
    assert_eq!(here, there);
    let requests = setting.requests();
    assert_eq!(
        requests[0].target,
        "/owner/repo.git/info/refs?service=git-upload-pack"
    );
    assert_eq!(requests[0].only("git-protocol"), "version=2");
}

#[test]
fn a_shallow_clone_brings_one_commit() {
    let Some(_) = require::program("git: a shallow clone", "git") else {
        return;
    };
    let setting = Setting::new();
    let repository = setting.forge.create("owner/repo");
    add_commits(&repository, "main", 5, "deep");
    let proxy = setting.proxy().start();
    let wiretap = Wiretap::before(&proxy);
    let cloned = setting.git(
        &wiretap,
        &["clone", "--quiet", "--depth", "1", URL, "clone"],
    );
    assert!(cloned.status.success(), "{cloned:#?}");
    assert_eq!(
        git(&setting.clone(), &["rev-list", "--count", "HEAD"], b""),
        "1\n"
    );
    setting.requests();
}

#[test]
fn a_git_that_offers_http_2_clones_in_1_1() {
    let Some(_) = require::program("git: HTTP/2", "git") else {
        return;
    };
    let setting = Setting::new();
    let repository = setting.forge.create("owner/repo");
    add_commits(&repository, "main", 2, "first");
    let proxy = setting.proxy().start();
    let wiretap = Wiretap::before(&proxy);
    let arguments = [
        "-c",
        "http.version=HTTP/2",
        "clone",
        "--quiet",
        URL,
        "clone",
    ];
    let cloned = setting.git(&wiretap, &arguments);
    assert!(cloned.status.success(), "{cloned:#?}");
    assert_eq!(
        head_of(&setting.clone(), "HEAD"),
        head_of(&repository, "main")
    );
    setting.requests();
}

#[test]
fn a_fetch_negotiation_of_more_than_a_mebibyte_arrives_in_chunks() {
    let Some(_) = require::program("git: a large negotiation", "git") else {
        return;
    };
    let setting = Setting::new();
    let repository = setting.forge.create("owner/repo");
    // Each tag is a line of 50 octets in the request of a clone.
    add_commits(&repository, "main", POST_BUFFER_OCTETS / 50 + 100, "many");
    tag_every_commit(&repository, "main");
    let proxy = setting.proxy().start();
    let wiretap = Wiretap::before(&proxy);
    let cloned = setting.git(&wiretap, &["clone", "--quiet", "--bare", URL, "clone"]);
    assert!(cloned.status.success(), "{cloned:#?}");
    assert_eq!(
        head_of(&setting.clone(), "HEAD"),
        head_of(&repository, "main")
    );
    let requests = setting.requests();
    let large = requests
        .iter()
        .find(|request| matches!(request.framing, BodyFraming::Chunked(1..)));
    let large = large.expect("a request in chunks");
    assert!(
        large.complete && large.body.len() > POST_BUFFER_OCTETS,
        "{}",
        large.body.len()
    );
}

#[test]
fn a_compressed_negotiation_arrives_as_it_was_sent() {
    let Some(_) = require::program("git: a compressed negotiation", "git") else {
        return;
    };
    let setting = Setting::new();
    let repository = setting.forge.create("owner/repo");
    add_commits(&repository, "main", 3, "first");
    let proxy = setting.proxy().start();
    let wiretap = Wiretap::before(&proxy);
    let cloned = setting.git(&wiretap, &["clone", "--quiet", URL, "clone"]);
    assert!(cloned.status.success(), "{cloned:#?}");
    // Commits that only the client has make the negotiation long enough to compress.
    add_commits(&setting.clone(), "local", 100, "here");
    add_commits(&repository, "other", 1, "there");
    let fetched = setting.git(&wiretap, &["-C", "clone", "fetch", "--quiet", "origin"]);
    assert!(fetched.status.success(), "{fetched:#?}");
    let (there, here) = (
        head_of(&repository, "other"),
        head_of(&setting.clone(), "origin/other"),
    );
    assert_eq!(here, there);
    let requests = setting.requests();
    let gzip = requests
        .iter()
        .find(|request| request.all("content-encoding") == ["gzip"]);
    let body = &gzip.expect("a compressed request").body;
    assert!(body.starts_with(&[0x1f, 0x8b]), "{body:02x?}");
}

/// Clones, commits, pushes to the proxy, and gives what git said about the push.
fn push(setting: &Setting, proxy: &Proxy) -> Finished {
    let repository = setting.forge.create("owner/repo");
    add_commits(&repository, "main", 1, "first");
    let before = head_of(&repository, "main");
    let wiretap = Wiretap::before(proxy);
    let cloned = setting.git(&wiretap, &["clone", "--quiet", URL, "clone"]);
    assert!(cloned.status.success(), "{cloned:#?}");
    add_commits(&setting.clone(), "main", 1, "of the agent");
    let pushed = setting.git(&wiretap, &["-C", "clone", "push", "origin", "main"]);
    assert!(!pushed.status.success(), "{pushed:#?}");
    assert_eq!(
        head_of(&repository, "main"),
        before,
        "the push went through"
    );
    let served = setting.requests();
    let leaked = served
        .iter()
        .find(|request| request.target.contains("receive-pack"));
    assert!(leaked.is_none(), "{leaked:#?}");
    pushed
}

#[test]
fn a_push_is_refused_and_git_prints_why() {
    let Some(_) = require::program("git: a refused push", "git") else {
        return;
    };
    let setting = Setting::new();
    let proxy = setting.proxy().start();
    let pushed = push(&setting, &proxy);
    let reason = pushed
        .stderr
        .lines()
        .find(|line| line.starts_with("remote: "));
    let reason = reason.unwrap_or_else(|| panic!("no reason in {pushed:#?}"));
    assert!(reason.to_ascii_lowercase().contains("push"), "{reason}");
    assert!(reason.contains("SSH"), "no way out is named: {reason}");
    assert!(pushed.stderr.contains("403"), "{pushed:#?}");
}

#[test]
fn a_refused_push_names_the_gates_remote_of_that_repository() {
    let Some(_) = require::program("git: a refused push, its remote", "git") else {
        return;
    };
    let setting = Setting::new();
    let remote = "git://git-gate/app.git";
    let remotes = json!({ "push_remotes": { "owner/repo": remote } });
    let proxy = setting.proxy().with(remotes).start();
    let pushed = push(&setting, &proxy);
    let mut said = pushed
        .stderr
        .lines()
        .filter(|line| line.starts_with("remote: "));
    assert!(said.any(|line| line.contains(remote)), "{pushed:#?}");
}
