//! A repository that an agent reaches through the git gate of its bottle, and what must come of
//! its work there, wherever the bottle is.

use std::fs;
use std::net::IpAddr;

use serde_json::{Value, json};

use crate::bare_repository::{BareRepository, ObjectFormat};
use crate::gitleaks::{FORGE_KEY_RULE, forge_key};
use crate::leak::Leaks;
use crate::sshd::Sshd;
use crate::user::User;

/// What an agent does: it clones by the URL that a person would give it, works, pushes, and then
/// pushes a key.
const WORK: &str = r#"
set -e
cd "$HOME"
git clone -q "$1" app
cd app
git log -1 --format=%s
git remote -v | head -1
git checkout -q -b feature
echo work > work.txt
git add work.txt
git commit -q -m 'Work'
git push -q origin feature
echo pushed
echo "key = $2" > settings.ini
git add settings.ini
git commit -q -m 'Settings'
if git push -q origin feature 2>refused; then echo 'not refused'; exit 1; fi
cat refused
git reset -q --hard origin/feature
if git push -q origin HEAD:main 2>refused; then echo 'not protected'; exit 1; fi
cat refused
"#;

/// Where an agent would find what it must not have.
const SEARCH: &str = r"
env
cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\0' '\n'
find / -xdev -type f -size -2000k -not -path '/proc/*' -not -path '/sys/*' -not -path '/usr/*' \
    -exec cat {} + 2>/dev/null
exit 0
";

/// An upstream with one repository that has a commit, and a gate that leads there.
pub struct Gated {
    /// Where the repository is.
    pub sshd: Sshd,
    /// What is there.
    pub upstream: BareRepository,
}

impl Gated {
    /// At an address of this machine; or a skip told under the name of `test`.
    ///
    /// # Panics
    /// When the machine has no room for it.
    pub fn at(test: &str, address: IpAddr) -> Option<Gated> {
        let sshd = Sshd::start_at(test, address)?;
        let upstream = sshd.repository("app", ObjectFormat::Sha1);
        upstream.commit("main", "First", &[("read.me", b"read me\n")]);
        Some(Gated { sshd, upstream })
    }

    /// The `git_gate` of a manifest. The key is put into the user's home.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn manifest(&self, user: &User) -> Value {
        let key = fs::read_to_string(self.sshd.identity()).expect("a private key");
        user.write("home/.ssh/app", &key);
        let own_alone = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(user.path("home/.ssh/app"), own_alone).expect("a file of ours");
        json!({
            "user": { "name": "Bot", "email": "bot@example.org" },
            "repos": { "app": {
                "url": self.sshd.url(&self.upstream),
                "identity": "~/.ssh/app",
                "host_key": self.sshd.host_key(),
            } },
        })
    }

    /// An agent clones, pushes, is refused where it must be, and finds no key.
    ///
    /// # Panics
    /// When something is not as it must be.
    pub fn is_worked_on(&self, user: &User) {
        let url = self.sshd.url(&self.upstream);
        let key = forge_key(1);
        let said = user.agent_does(&["sh", "-c", WORK, "work", &url, &key]);
        assert_eq!(said.code(), 0, "{said:#?}");
        let lines: Vec<&str> = said.stdout.lines().collect();
        assert_eq!(lines[0], "First", "{said:#?}");
        assert!(lines[1].contains("git://git-gate/app.git"), "{said:#?}");
        assert_eq!(lines[2], "pushed", "{said:#?}");
        for words in [
            FORGE_KEY_RULE,
            "settings.ini",
            "git_gate.repos.app.protect_default",
        ] {
            assert!(said.stdout.contains(words), "{words}: {said:#?}");
        }
        assert!(!said.stdout.contains(&key), "the secret is told: {said:#?}");
        let refs = self.upstream.refs();
        let names: Vec<&str> = refs.keys().map(String::as_str).collect();
        assert_eq!(names, ["refs/heads/feature", "refs/heads/main"]);
        assert_eq!(self.upstream.content("feature", "work.txt"), "work\n");
        let log = self.upstream.git(&["log", "--all", "--format=%s %an %ae"]);
        assert_eq!(log.lines().next(), Some("Work Bot bot@example.org"));
        self.upstream.check();
    }

    /// No private key is in reach of an agent.
    ///
    /// # Panics
    /// When one is.
    pub fn hides_its_key(&self, user: &User) {
        let key = fs::read_to_string(self.sshd.identity()).expect("a private key");
        let lines: Vec<&str> = key.lines().filter(|line| line.len() > 60).collect();
        assert!(lines.len() >= 3, "a private key has some lines");
        let leaks = Leaks::of(&lines);
        let said = user.agent_does(&["sh", "-c", SEARCH]);
        assert_eq!(said.code(), 0, "{:?}", said.stderr);
        assert!(said.stdout.contains("HOME="), "the search found nothing");
        leaks.stream("the agent").feed(said.stdout.as_bytes());
        leaks.stream("the launcher").feed(said.stderr.as_bytes());
        leaks.assert_none();
    }
}
