//! What the agent finds in its home and among its variables, because of roles and template.

use super::forge::{self, host_of};
use super::roles::{self, GitConfig, RoleVariable, TeaLogin, Unwritable};
use super::{HomeFile, PlanError, PlannedRoute, Workdir, git};
use crate::manifest::{Bottle, GateRepository, Role, Route, Template};

/// Variables and files.
#[derive(Default)]
pub(super) struct Provision {
    pub(super) variables: Vec<RoleVariable>,
    pub(super) files: Vec<HomeFile>,
}

/// A bottle with its routes planned: the `n`th of the one is the `n`th of the other.
pub(super) struct Provisioner<'b> {
    pub(super) place: &'b str,
    pub(super) bottle: &'b Bottle,
    pub(super) planned: &'b [PlannedRoute],
    pub(super) workdir: &'b Workdir,
}

impl<'b> Provisioner<'b> {
    /// All that roles and template write.
    pub(super) fn provision(&self, errors: &mut Vec<PlanError>) -> Provision {
        let mut provision = Provision::default();
        let steps = [
            self.anthropic(&mut provision),
            self.npm(&mut provision),
            self.git(&mut provision),
            self.tea(&mut provision),
            self.claude(&mut provision),
        ];
        errors.extend(steps.into_iter().filter_map(Result::err));
        provision
    }

    fn with_role(&self, role: Role) -> impl Iterator<Item = (&'b Route, &'b PlannedRoute)> {
        let both = self.bottle.routes.iter().zip(self.planned);
        both.filter(move |(route, _)| route.roles.contains(&role))
    }

    fn anthropic(&self, provision: &mut Provision) -> Result<(), PlanError> {
        for (route, planned) in self.with_role(Role::AnthropicBaseUrl) {
            let header = route.auth_header.as_deref().unwrap_or_default();
            let is_api_key = header.eq_ignore_ascii_case("x-api-key");
            let variables = roles::anthropic_base_url(&planned.path, is_api_key);
            let variables = variables.map_err(|error| unwritable(&route.origin, error))?;
            provision.variables.extend(variables);
        }
        Ok(())
    }

    fn npm(&self, provision: &mut Provision) -> Result<(), PlanError> {
        for (route, planned) in self.with_role(Role::NpmRegistry) {
            let text = roles::npmrc(&planned.path);
            let text = text.map_err(|error| unwritable(&route.origin, error))?;
            provision.add_file(".npmrc", text);
        }
        Ok(())
    }

    fn git(&self, provision: &mut Provision) -> Result<(), PlanError> {
        let gate = self.bottle.git_gate.as_ref();
        let repos = || gate.iter().flat_map(|gate| &gate.repos);
        for (name, repository) in repos() {
            if git::spellings(&repository.url).is_empty() {
                let place = format!("{}.git_gate.repos.{name}.url", self.place);
                let text = "is no repository's URL; write it like \"ssh://git@git.example.org/me/app.git\"";
                return Err(PlanError::new(place, text));
            }
        }
        let remotes = repos()
            .map(|(name, repository)| (git::gate_remote(name), git::spellings(&repository.url)));
        let of_gate = |host: &str| {
            let owns = |repository: &GateRepository| forge::is_same(&repository.host(), host);
            repos().any(|(_, repository)| owns(repository))
        };
        // One canonical way for git to a host: the gate's, where it has one.
        let routes = self
            .with_role(Role::GitInsteadOf)
            .filter(|(_, planned)| !host_of(&planned.upstream).is_some_and(|host| of_gate(&host)))
            .map(|(_, planned)| {
                let url = planned.upstream.trim_end_matches('/');
                (planned.path.as_str(), format!("{url}/"))
            });
        let config = GitConfig {
            user: gate.and_then(|gate| gate.user.as_ref()),
            gate: remotes.collect(),
            routes: routes.collect(),
        };
        let place = format!("{}.git_gate", self.place);
        let text = roles::gitconfig(&config).map_err(|error| unwritable(&place, error))?;
        if !text.is_empty() {
            provision.add_file(".gitconfig", text);
        }
        Ok(())
    }

    fn tea(&self, provision: &mut Provision) -> Result<(), PlanError> {
        let mut named: Vec<(String, String, &str)> = Vec::new();
        for (_, planned) in self.with_role(Role::TeaLogin) {
            let path = planned.path.as_str();
            let host = host_of(&planned.upstream).unwrap_or_default();
            let authority = planned.upstream.split('/').nth(2).unwrap_or(path);
            // tea tells its logins apart by name.
            let is_taken = named.iter().any(|(name, ..)| name == authority);
            let name = if is_taken { path } else { authority };
            named.push((name.to_owned(), host, path));
        }
        let logins: Vec<TeaLogin<'_>> = named
            .iter()
            .map(|(name, host, path)| TeaLogin { path, name, host })
            .collect();
        if logins.is_empty() {
            return Ok(());
        }
        let text = roles::tea_config(&logins);
        let text = text.map_err(|error| unwritable(self.place, error))?;
        provision.add_file(".config/tea/config.yml", text);
        Ok(())
    }

    fn claude(&self, provision: &mut Provision) -> Result<(), PlanError> {
        let is_root = self.workdir.owner.is_some_and(|(user, _)| user == 0);
        match self.bottle.provider.template {
            Some(Template::Claude) => {
                let work = &self.workdir.inside;
                let file = roles::claude_json(work);
                let file = file.map_err(|error| unwritable(&work.display().to_string(), error));
                provision.files.push(file?);
            }
            None if self.with_role(Role::AnthropicBaseUrl).next().is_some() => {}
            None => return Ok(()),
        }
        if is_root {
            provision.variables.push(roles::is_sandbox());
        }
        Ok(())
    }
}

impl Provision {
    fn add_file(&mut self, path: &str, content: String) {
        self.files.push(HomeFile {
            path: path.into(),
            content,
        });
    }
}

fn unwritable(place: &str, error: Unwritable) -> PlanError {
    PlanError::new(place, error)
}
