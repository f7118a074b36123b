//! All that bears a label of ours, whether it runs or not.

use std::collections::HashMap;

use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveVolumeOptionsBuilder,
};

use super::error::Attempt;
use super::{Docker, DockerError};

/// A thing with labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// What it is.
    pub kind: Kind,
    /// What nothing else is called; of a volume its name.
    pub id: String,
    /// Its name. Somebody else's may have the same.
    pub name: String,
    /// Its labels.
    pub labels: HashMap<String, String>,
    /// When it was made, in seconds since 1970; containers only.
    pub created: Option<i64>,
    /// Docker's words for how it is, such as `Up 3 minutes (healthy)`; containers only.
    pub status: String,
}

/// What bears labels, in the order in which it has to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A container.
    Container,
    /// A network.
    Network,
    /// A volume.
    Volume,
}

impl Docker {
    /// Everything that bears the label `key`, containers first, then networks, then volumes.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn survey(&self, key: &str) -> Result<Vec<Labelled>, DockerError> {
        let filters = HashMap::from([("label", vec![key])]);
        let mut found = self.labelled_containers(&filters).await?;
        let options = ListNetworksOptionsBuilder::default()
            .filters(&filters)
            .build();
        let networks = self.api.list_networks(Some(options)).await;
        for network in networks.attempt("list networks")? {
            let (id, name) = (network.id, network.name);
            found.push(labelled(Kind::Network, id, name, network.labels));
        }
        let options = ListVolumesOptionsBuilder::default()
            .filters(&filters)
            .build();
        let volumes = self.api.list_volumes(Some(options)).await;
        for volume in volumes
            .attempt("list volumes")?
            .volumes
            .into_iter()
            .flatten()
        {
            let name = Some(volume.name);
            found.push(labelled(
                Kind::Volume,
                name.clone(),
                name,
                Some(volume.labels),
            ));
        }
        Ok(found)
    }

    async fn labelled_containers(
        &self,
        filters: &HashMap<&str, Vec<&str>>,
    ) -> Result<Vec<Labelled>, DockerError> {
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(filters)
            .build();
        let containers = self.api.list_containers(Some(options)).await;
        let labelled = |container: bollard::models::ContainerSummary| {
            let name = container.names.and_then(|names| names.into_iter().next());
            // A container without a name is one that is being removed.
            let name = name.or(container.id.clone()).unwrap_or_default();
            Labelled {
                kind: Kind::Container,
                id: container.id.unwrap_or_default(),
                name: name.trim_start_matches('/').to_owned(),
                labels: container.labels.unwrap_or_default(),
                created: container.created,
                status: container.status.unwrap_or_default(),
            }
        };
        let containers = containers.attempt("list containers")?;
        Ok(containers.into_iter().map(labelled).collect())
    }

    /// Removes a thing by its id or name; gone already is success.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn remove(&self, kind: Kind, name: &str) -> Result<(), DockerError> {
        match kind {
            Kind::Container => self.remove_container(name).await,
            Kind::Network => self.remove_network(name).await,
            Kind::Volume => {
                let what = format!("remove the volume {name}");
                let options = RemoveVolumeOptionsBuilder::default().force(true).build();
                match self
                    .api
                    .remove_volume(name, Some(options))
                    .await
                    .attempt(&what)
                {
                    Err(error) if error.is_absent() => Ok(()),
                    removed => removed,
                }
            }
        }
    }
}

fn labelled(
    kind: Kind,
    id: Option<String>,
    name: Option<String>,
    labels: Option<HashMap<String, String>>,
) -> Labelled {
    Labelled {
        kind,
        id: id.unwrap_or_default(),
        name: name.unwrap_or_default(),
        labels: labels.unwrap_or_default(),
        created: None,
        status: String::new(),
    }
}
