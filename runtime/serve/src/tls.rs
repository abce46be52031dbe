//! TLS by rustls: certificate and key of PEM files, read again when they are renewed.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::{Result, ServeError};

/// The files that a server with TLS needs.
#[derive(Clone, Debug, PartialEq)]
pub struct TlsFiles {
    /// The certificate, and those between it and the one that clients trust, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// What connections are accepted by, as the files are now.
pub(crate) struct Tls {
    files: TlsFiles,
    state: RwLock<State>,
}

struct State {
    acceptor: TlsAcceptor,
    changed: [Option<SystemTime>; 2],
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Files that are none, or a key of another certificate.
    pub(crate) fn read(files: &TlsFiles) -> Result<Self> {
        Ok(Self {
            files: files.clone(),
            state: RwLock::new(State::read(files)?),
        })
    }

    /// What accepts connections from now on.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.acceptor.clone()
    }

    /// Reads the files again if they have changed; whether they have. Connections that are open stay.
    ///
    /// # Errors
    /// As [`Tls::read`]; the certificate before stays.
    pub(crate) fn look(&self) -> Result<bool> {
        let changed = changed(&self.files);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.changed == changed {
            return Ok(false);
        }
        // Told once, not every second.
        state.changed = changed;
        *state = State::read(&self.files)?;
        Ok(true)
    }
}

impl State {
    fn read(files: &TlsFiles) -> Result<Self> {
        let changed = changed(files);
        let path = &files.certificate;
        let wrong = |e| ServeError::file(path, format!("no certificates in PEM: {e}"));
        let chain = CertificateDer::pem_file_iter(path).map_err(wrong)?;
        let chain: Vec<_> = chain
            .collect::<std::result::Result<_, _>>()
            .map_err(wrong)?;
        if chain.is_empty() {
            return Err(ServeError::file(path, "there is no certificate in it"));
        }
        let key = PrivateKeyDer::from_pem_file(&files.key);
        let key = key.map_err(|e| ServeError::file(&files.key, format!("no key in PEM: {e}")))?;
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key));
        let mut config = config.map_err(|e| ServeError::file(path, e))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            changed,
        })
    }
}

/// When the files were changed.
fn changed(files: &TlsFiles) -> [Option<SystemTime>; 2] {
    [&files.certificate, &files.key].map(|path| path.metadata().ok()?.modified().ok())
}
