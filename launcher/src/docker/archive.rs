//! Files into a container, and out of it, as tar archives.

use bollard::query_parameters::{
    DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder,
};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::error::Attempt;
use super::{Docker, DockerError};

impl Docker {
    /// Unpacks an archive below `directory`, which must exist.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn upload(
        &self,
        container: &str,
        directory: &str,
        archive: Vec<u8>,
    ) -> Result<(), DockerError> {
        let whole = futures_util::stream::iter([Ok(Bytes::from(archive))]);
        self.put(container, directory, whole).await
    }

    /// The same, of an archive that is still being written; an error among its pieces
    /// breaks it off.
    ///
    /// # Errors
    ///
    /// Docker's own, or that the archive broke off.
    pub async fn upload_stream(
        &self,
        container: &str,
        directory: &str,
        pieces: mpsc::Receiver<std::io::Result<Bytes>>,
    ) -> Result<(), DockerError> {
        let stream = futures_util::stream::unfold(pieces, |mut pieces| async {
            let piece = pieces.recv().await?;
            Some((piece, pieces))
        });
        self.put(container, directory, stream).await
    }

    async fn put(
        &self,
        container: &str,
        directory: &str,
        pieces: impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Result<(), DockerError> {
        let body = bollard::body_try_stream(pieces);
        let what = format!("put files into {directory} of the container {container}");
        let options = UploadToContainerOptionsBuilder::default()
            .path(directory)
            .build();
        let put = self
            .api
            .upload_to_container(container, Some(options), body)
            .await;
        put.attempt(&what)
    }

    /// The archive of one file of a container, at most `limit` octets; none if there is no
    /// such file, or it is larger.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn download(
        &self,
        container: &str,
        path: &str,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, DockerError> {
        let what = format!("read {path} of the container {container}");
        let options = DownloadFromContainerOptionsBuilder::default()
            .path(path)
            .build();
        let pieces = self.api.download_from_container(container, Some(options));
        let mut pieces = std::pin::pin!(pieces);
        let mut archive = Vec::new();
        while let Some(piece) = pieces.next().await {
            match piece.attempt(&what) {
                Err(error) if error.is_absent() => return Ok(None),
                piece => archive.extend_from_slice(&piece?),
            }
            if archive.len() > limit {
                return Ok(None);
            }
        }
        Ok(Some(archive))
    }
}
