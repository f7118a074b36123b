//! What a bottle with a git gate stands in: a user whose gate leads to a real upstream, and what
//! must have become of its starts.

use std::fs::{self, Permissions};
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use harness::forge_api::{API_TOKEN, ForgeApi};
use harness::gitleaks::gitleaks;
use harness::inventory::files_below;
use harness::local::LocalBottle;
use harness::{Finished, binary};
use serde_json::{Value, json};

use crate::setting::{ANOTHER, Setting, each};

/// A setting whose gate serves one repository of a real upstream.
pub(crate) struct Gated<'a> {
    pub(crate) setting: &'a mut Setting,
    /// Its upstream, and what an agent does there.
    pub(crate) at: harness::gated::Gated,
}

impl<'a> Gated<'a> {
    /// One, or a skip told under the name of `test`.
    fn new(test: &str, setting: &'a mut Setting) -> Option<Gated<'a>> {
        let scanner = gitleaks(test)?;
        let at = harness::gated::Gated::at(test, Ipv4Addr::LOCALHOST.into())?;
        assert!(binary::bottle_gate().exists());
        setting.user.export("BOTTLE_SCANNER", scanner.display());
        if setting.user.launcher().len() > 1 {
            be_known(setting);
        }
        Some(Gated { setting, at })
    }

    /// Has the user's key be a copy of this one.
    pub(crate) fn identity(&mut self, key: &Path) {
        let text = fs::read_to_string(key).expect("a private key");
        self.setting.user.write("home/.ssh/app", &text);
        let file = self.setting.user.path("home/.ssh/app");
        fs::set_permissions(file, Permissions::from_mode(0o600)).expect("set");
    }

    /// Writes the manifest, with `more` said of the repository.
    pub(crate) fn manifest(&self, mode: &str, more: Value) {
        let mut gate = self.at.manifest(&self.setting.user);
        let repository = &mut gate["repos"]["app"];
        for (key, value) in more.as_object().expect("an object") {
            repository[key] = value.clone();
        }
        self.setting.manifest_of(json!({ "git_gate": gate }), mode);
    }

    /// Writes the manifest of a gate whose key is made and registered at this forge.
    pub(crate) fn deploy_key(&mut self, forge: &ForgeApi) {
        let provisioned = json!({
            "provider": "gitea", "token_env": "FORGE_TOKEN", "api_url": forge.origin().url(),
        });
        let mut gate = self.at.manifest(&self.setting.user);
        gate["repos"]["app"] = json!({
            "url": "ssh://git@127.0.0.1:9/me/app.git",
            "host_key": self.at.sshd.host_key(),
            "provisioned_key": provisioned,
        });
        self.setting
            .manifest_of(json!({ "git_gate": gate }), "none");
        self.setting.user.export("FORGE_TOKEN", API_TOKEN);
    }

    /// Has the gate be this script.
    pub(crate) fn script(&mut self, text: &str) {
        self.setting
            .user
            .write("bin/gate", &format!("#!/bin/sh\n{text}\n"));
        let file = self.setting.user.path("bin/gate");
        fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("set");
        self.setting.user.export("BOTTLE_GATE", file.display());
    }

    pub(crate) fn start(&self) -> LocalBottle {
        self.setting.start()
    }

    /// Has the agent clone, under the upstream's own address.
    pub(crate) fn clone_app(&self, bottle: &LocalBottle) -> Finished {
        bottle.exec(&[
            "git",
            "clone",
            "-q",
            &self.at.sshd.url(&self.at.upstream),
            "app",
        ])
    }
}

/// Has this machine know the user who is another: `ssh-keygen` asks for the name.
fn be_known(setting: &mut Setting) {
    let known = fs::read_to_string("/etc/passwd").expect("users");
    let line = format!("another:x:{ANOTHER}:{ANOTHER}::/nonexistent:/bin/sh\n");
    setting.user.write("passwd", &(known + &line));
    let file = setting.user.path("passwd").display().to_string();
    let mount = "mount --bind \"$0\" /etc/passwd && exec \"$@\"";
    setting.launch_through(&["unshare", "--mount", "sh", "-c", mount, &file]);
}

/// Does `work` with a gated setting, as [`each`].
pub(crate) fn each_gated(test: &str, work: impl Fn(&mut Gated<'_>)) {
    each(test, |setting| {
        if let Some(mut gated) = Gated::new(test, setting) {
            work(&mut gated);
        }
    });
}

/// Has the agent run a script in its clone.
pub(crate) fn in_app(bottle: &LocalBottle, script: &str) -> Finished {
    bottle.exec(&["sh", "-ec", &format!("cd app\n{script}")])
}

/// Fails if anything of the user's bottles is left.
pub(crate) fn assert_nothing(setting: &Setting) {
    let left = files_below(&setting.user.path("state/bottle"));
    assert!(left.is_empty(), "{left:?}");
}

/// Fails unless the start was refused for a reason that has all of `words`, no agent ran and
/// nothing is left.
pub(crate) fn assert_refused(setting: &Setting, ended: &Finished, words: &[&str]) {
    assert_eq!(ended.code(), 1, "{ended:#?}");
    for word in words {
        assert!(ended.stderr.contains(word), "{word} in {ended:#?}");
    }
    assert!(!ended.stderr.contains("panicked"), "{ended:#?}");
    assert_eq!(ended.stdout, "", "an agent ran: {ended:#?}");
    let states = fs::read_dir(setting.user.path("state/bottle"));
    assert_eq!(states.into_iter().flatten().count(), 0, "the state");
}

/// The process of that name below the launcher.
pub(crate) fn process_named(bottle: &LocalBottle, wanted: &str) -> u32 {
    let is_it = |process: &u32| {
        let name = fs::read_to_string(format!("/proc/{process}/comm"));
        name.is_ok_and(|name| name.trim() == wanted)
    };
    let found: Vec<u32> = bottle.processes().into_iter().filter(is_it).collect();
    *found.first().unwrap_or_else(|| panic!("no {wanted}"))
}

pub(crate) const RUN: [&str; 3] = ["sh", "-c", "echo ran"];
