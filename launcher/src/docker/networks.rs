//! Networks of a bottle.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use bollard::models::{EndpointSettings, NetworkConnectRequest, NetworkCreateRequest};
use bollard::query_parameters::{InspectNetworkOptions, ListNetworksOptionsBuilder};

use super::error::Attempt;
use super::{Docker, DockerError};

/// The host takes no address on the bridge.
const INHIBIT_IPV4: &str = "com.docker.network.bridge.inhibit_ipv4";
/// No gateway at all, from engine 27.1 on.
const GATEWAY_MODE_IPV4: &str = "com.docker.network.bridge.gateway_mode_ipv4";

/// A network to be made.
#[derive(Clone, Debug)]
pub struct NetworkSpec {
    /// Its name.
    pub name: String,
    /// Labels.
    pub labels: Vec<(String, String)>,
    /// Whether it leads nowhere, not even to the host.
    pub sealed: bool,
}

/// What Docker gave a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Where the host would stand, whether it does or not.
    pub gateway: Ipv4Addr,
}

impl Docker {
    /// Makes a network. One of its name that bears the very same labels is taken for it; one
    /// that does not is somebody else's.
    ///
    /// # Errors
    ///
    /// Docker's own; commonly that there is no address range left. Or that the name is taken.
    pub async fn create_network(&self, spec: &NetworkSpec) -> Result<(), DockerError> {
        let mut options = HashMap::new();
        if spec.sealed {
            options.insert(INHIBIT_IPV4.to_owned(), "true".to_owned());
            if self.at_least(27, 1) {
                options.insert(GATEWAY_MODE_IPV4.to_owned(), "isolated".to_owned());
            }
        }
        let request = NetworkCreateRequest {
            name: spec.name.clone(),
            driver: Some("bridge".to_owned()),
            internal: Some(spec.sealed),
            attachable: Some(false),
            enable_ipv6: Some(false),
            options: Some(options),
            labels: Some(spec.labels.iter().cloned().collect()),
            ..NetworkCreateRequest::default()
        };
        let what = format!("create the network {}", spec.name);
        let made = match self.api.create_network(request).await.attempt(&what) {
            Err(error) if error.is_conflict() => None,
            made => Some(made?.id),
        };
        let others = self.networks_named(&spec.name).await?;
        let mut others = others.iter().filter(|other| other.id != made);
        let Some(other) = others.next() else {
            return match made {
                Some(_) => Ok(()),
                None => Err(DockerError::other(
                    &what,
                    "one of that name was there just now",
                )),
            };
        };
        // An engine before version 25 makes a second one of a name, and whoever asks by that
        // name for one may then get the other.
        if let Some(id) = made {
            self.remove_network(&id).await?;
        }
        let own: HashMap<String, String> = spec.labels.iter().cloned().collect();
        match other.labels.as_ref() == Some(&own) && !own.is_empty() {
            true => Ok(()),
            false => Err(DockerError::other(
                &what,
                "one of that name is there already, and is somebody else's",
            )),
        }
    }

    /// All networks of exactly this name.
    async fn networks_named(
        &self,
        name: &str,
    ) -> Result<Vec<bollard::models::Network>, DockerError> {
        // The engine takes it for a part of a name.
        let filters = HashMap::from([("name", vec![name])]);
        let options = ListNetworksOptionsBuilder::default()
            .filters(&filters)
            .build();
        let listed = self.api.list_networks(Some(options)).await;
        let mut networks = listed.attempt("list networks")?;
        networks.retain(|network| network.name.as_deref() == Some(name));
        Ok(networks)
    }

    /// The addresses of a network.
    ///
    /// # Errors
    ///
    /// Docker's own, or that it names no IPv4 range.
    pub async fn network_addresses(&self, name: &str) -> Result<Addresses, DockerError> {
        let what = format!("look at the network {name}");
        let network = self
            .api
            .inspect_network(name, None::<InspectNetworkOptions>)
            .await
            .attempt(&what)?;
        let ranges = network.ipam.and_then(|ipam| ipam.config);
        ranges
            .iter()
            .flatten()
            .find_map(|range| gateway(range.gateway.as_deref(), range.subnet.as_deref()))
            .map(|gateway| Addresses { gateway })
            .ok_or_else(|| DockerError::other(&what, "it has no IPv4 range"))
    }

    /// Puts a container on a further network.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn connect_network(
        &self,
        network: &str,
        container: &str,
        aliases: &[String],
    ) -> Result<(), DockerError> {
        let request = NetworkConnectRequest {
            container: container.to_owned(),
            endpoint_config: Some(EndpointSettings {
                aliases: Some(aliases.to_vec()),
                ..EndpointSettings::default()
            }),
        };
        let what = format!("connect {container} to {network}");
        self.api
            .connect_network(network, request)
            .await
            .attempt(&what)
    }

    /// Removes a network; gone already is success.
    ///
    /// # Errors
    ///
    /// Docker's own; commonly that a container is still on it.
    pub async fn remove_network(&self, name: &str) -> Result<(), DockerError> {
        let what = format!("remove the network {name}");
        match self.api.remove_network(name).await.attempt(&what) {
            Err(error) if error.is_absent() => Ok(()),
            removed => removed,
        }
    }
}

/// The gateway that Docker names, or else the first address of the range, which is where
/// it would put one.
fn gateway(named: Option<&str>, subnet: Option<&str>) -> Option<Ipv4Addr> {
    let named = named.and_then(|address| address.split('/').next()?.parse().ok());
    named.or_else(|| {
        let first: Ipv4Addr = subnet?.split('/').next()?.parse().ok()?;
        Some(Ipv4Addr::from(u32::from(first).checked_add(1)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_that_is_not_named_would_be_the_first_address() {
        let first = Some(Ipv4Addr::new(172, 18, 0, 1));
        assert_eq!(gateway(Some("172.18.0.1"), None), first);
        assert_eq!(gateway(None, Some("172.18.0.0/16")), first);
        assert_eq!(gateway(Some(""), Some("172.18.0.0/16")), first);
        assert_eq!(gateway(None, Some("fd00::/8")), None);
    }
}
