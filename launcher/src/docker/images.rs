//! Images: looked at, and built from a context in memory.

use std::collections::{HashMap, HashSet};

use bollard::query_parameters::{
    BuildImageOptionsBuilder, ListContainersOptionsBuilder, ListImagesOptionsBuilder,
    RemoveImageOptions,
};
use bytes::Bytes;
use futures_util::StreamExt;

use super::error::Attempt;
use super::{Docker, DockerError};

/// An image to be built.
#[derive(Clone, Debug)]
pub struct ImageSpec {
    /// Its name with tag.
    pub tag: String,
    /// Labels.
    pub labels: Vec<(String, String)>,
    /// A tar archive with a `Dockerfile` at its root.
    pub context: Vec<u8>,
}

/// What an image says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFacts {
    /// `USER`: empty is root.
    pub user: String,
    /// `ENV`, as `NAME=VALUE`.
    pub environment: Vec<String>,
    /// `LABEL`.
    pub labels: HashMap<String, String>,
    /// Its size in octets.
    pub size: u64,
}

/// An image that bears a label of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledImage {
    /// Its names with tags; none has its id alone.
    pub names: Vec<String>,
    /// Its id.
    pub id: String,
    /// Its size in octets.
    pub size: u64,
    /// Whether a container is made of it, running or not.
    pub is_used: bool,
}

/// Older engines say so of an image without a name.
const NO_NAME: &str = "<none>:<none>";

impl Docker {
    /// All images that bear `label`.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn labelled_images(&self, label: &str) -> Result<Vec<LabelledImage>, DockerError> {
        let filters = HashMap::from([("label", vec![label])]);
        let options = ListImagesOptionsBuilder::default()
            .filters(&filters)
            .build();
        let images = self.api.list_images(Some(options)).await;
        let images = images.attempt("list images")?;
        let options = ListContainersOptionsBuilder::default().all(true).build();
        let containers = self.api.list_containers(Some(options)).await;
        let containers = containers.attempt("list containers")?.into_iter();
        let used: HashSet<String> = containers.filter_map(|one| one.image_id).collect();
        let labelled = |image: bollard::models::ImageSummary| LabelledImage {
            names: image
                .repo_tags
                .into_iter()
                .filter(|name| name != NO_NAME)
                .collect(),
            is_used: used.contains(&image.id),
            id: image.id,
            size: image.size.try_into().unwrap_or(0),
        };
        Ok(images.into_iter().map(labelled).collect())
    }

    /// Takes a name from an image, and removes it if that was its last; gone already is
    /// success.
    ///
    /// # Errors
    ///
    /// Docker's own; commonly that a container is made of it by now.
    pub async fn remove_image(&self, name: &str) -> Result<(), DockerError> {
        let what = format!("remove the image {name}");
        let removed = self
            .api
            .remove_image(name, None::<RemoveImageOptions>, None);
        match removed.await.attempt(&what) {
            Err(error) if error.is_absent() => Ok(()),
            removed => removed.map(drop),
        }
    }

    /// Looks at an image; none if there is no such image here.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn image(&self, name: &str) -> Result<Option<ImageFacts>, DockerError> {
        let what = format!("look at the image {name}");
        let image = match self.api.inspect_image(name).await.attempt(&what) {
            Err(error) if error.is_absent() => return Ok(None),
            image => image?,
        };
        let config = image.config.unwrap_or_default();
        Ok(Some(ImageFacts {
            user: config.user.unwrap_or_default(),
            environment: config.env.unwrap_or_default(),
            labels: config.labels.unwrap_or_default(),
            size: image
                .size
                .and_then(|size| size.try_into().ok())
                .unwrap_or(0),
        }))
    }

    /// Builds an image, telling each line of the build.
    ///
    /// # Errors
    ///
    /// Docker's own, or the line at which the build failed.
    pub async fn build_image(
        &self,
        spec: ImageSpec,
        line: &mut dyn FnMut(&str),
    ) -> Result<(), DockerError> {
        let what = format!("build the image {}", spec.tag);
        let labels: HashMap<String, String> = spec.labels.into_iter().collect();
        let options = BuildImageOptionsBuilder::default()
            .t(&spec.tag)
            .labels(&labels)
            .rm(true)
            .forcerm(true)
            .build();
        let context = bollard::body_full(Bytes::from(spec.context));
        let mut build = std::pin::pin!(self.api.build_image(options, None, Some(context)));
        while let Some(step) = build.next().await {
            let step = step.attempt(&what)?;
            for text in step.stream.iter().flat_map(|text| text.lines()) {
                // The classic builder names every layer; nobody needs that.
                let about_layers = ["--->", "Removing intermediate"];
                let text = text.trim();
                if !text.is_empty() && !about_layers.iter().any(|word| text.starts_with(word)) {
                    line(text);
                }
            }
        }
        Ok(())
    }
}
