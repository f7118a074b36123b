//! Images: looked at, and built from a context in memory.

use std::collections::HashMap;

use bollard::query_parameters::BuildImageOptionsBuilder;
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
    /// Its size in octets.
    pub size: u64,
}

impl Docker {
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
