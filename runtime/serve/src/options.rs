//! The command line of a server, for the programs `hemet serve` and `hemet-serve`.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use hemet_files::write_atomically;

use crate::config::{BucketPlace, Config, Host, Limits, SCHEME};
use crate::error::{Result, ServeError};
use crate::tls::TlsFiles;
use crate::{Serving, check};

/// What a server is told on the command line.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// Folder of artifacts: NAME.hemet is the model NAME. Files that come, go and change are followed
    pub models: PathBuf,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Folder for clients' evaluation keys and the audit log, made if it is missing; or `s3://BUCKET/PREFIX` for keys
    /// that several servers share: endpoint, region and credentials by AWS_ENDPOINT_URL and the other AWS_ variables
    #[arg(long, value_name = "DIR")]
    pub store: PathBuf,
    /// Folder for copies of shared keys and the audit log, with a store that is a bucket
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// File with a line `NAME TOKEN` for each tenant; anybody may use a server without one
    #[arg(long, value_name = "FILE")]
    pub tokens: Option<PathBuf>,
    /// Encrypt connections with the certificate in this file (PEM); renewed files are taken without a restart
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Serve only what this public key (of `hemet keys signing`) has signed
    #[arg(long, value_name = "FILE")]
    pub trust: Option<PathBuf>,
    /// File that the port is written to once the server is ready
    #[arg(long, value_name = "FILE")]
    pub port_file: Option<PathBuf>,
    /// Load everything, say what would be served, and end
    #[arg(long)]
    pub check: bool,
    /// Threads; 0 means one a core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Requests that are computed side by side
    #[arg(long, default_value_t = Limits::default().at_once, value_name = "N")]
    pub at_once: usize,
    /// Requests that wait beside them; others are told to come back
    #[arg(long, default_value_t = Limits::default().queue, value_name = "N")]
    pub queue: usize,
    /// Most memory for prepared weights of a model, in MiB (CKKS only)
    #[arg(long, value_name = "MIB")]
    pub memory: Option<usize>,
    /// Keys held in memory, in MiB on disk
    #[arg(long, default_value_t = Limits::default().key_memory_bytes >> 20, value_name = "MIB")]
    pub key_memory: u64,
    /// Keys of one tenant on disk, in MiB
    #[arg(long, default_value_t = Limits::default().tenant_store_bytes >> 20, value_name = "MIB")]
    pub tenant_quota: u64,
    /// Keys of all tenants on disk, in MiB
    #[arg(long, default_value_t = Limits::default().store_bytes >> 20, value_name = "MIB")]
    pub quota: u64,
    /// Seconds after which a request that is not answered is given up
    #[arg(long, default_value_t = Limits::default().answer_s, value_name = "SECONDS")]
    pub timeout: u64,
}

/// Bytes of a MiB, as a shift.
const MIB: u32 = 20;

impl Options {
    fn config(&self, host: Host) -> Result<Config> {
        let bytes = |mib: u64| mib.saturating_mul(1 << MIB);
        let (store, bucket) = self.places(&host.environment)?;
        Ok(Config {
            models: self.models.clone(),
            store,
            bucket,
            tokens: self.tokens.clone(),
            trust: self.trust.clone(),
            tls: self.tls(),
            limits: Limits {
                threads: self.threads,
                at_once: self.at_once,
                queue: self.queue,
                key_memory_bytes: bytes(self.key_memory),
                tenant_store_bytes: bytes(self.tenant_quota),
                store_bytes: bytes(self.quota),
                constant_bytes: self
                    .memory
                    .map_or(usize::MAX, |mib| mib.saturating_mul(1 << MIB)),
                answer_s: self.timeout,
                ..Limits::default()
            },
            clock: host.clock,
            lines: host.lines,
        })
    }

    /// The folder, and the bucket where there is one.
    fn places(&self, environment: &[(String, String)]) -> Result<(PathBuf, Option<BucketPlace>)> {
        let place = self.store.to_str().filter(|text| text.starts_with(SCHEME));
        match (place, &self.cache) {
            (None, None) => Ok((self.store.clone(), None)),
            (Some(place), Some(cache)) => {
                let place = BucketPlace::parse(place, environment)?;
                Ok((cache.clone(), Some(place)))
            }
            (Some(place), None) => Err(ServeError::Option(format!(
                "keys in {place} need a folder for copies: give --cache DIR too"
            ))),
            (None, Some(_)) => Err(ServeError::Option(format!(
                "--cache is for keys in a bucket; {} is a folder, which is no cache of another",
                self.store.display()
            ))),
        }
    }

    fn tls(&self) -> Option<TlsFiles> {
        let (certificate, key) = (self.tls_cert.clone()?, self.tls_key.clone()?);
        Some(TlsFiles { certificate, key })
    }

    /// Serves until the process is asked to end; with `--check` only loads everything.
    ///
    /// # Errors
    /// As [`Serving::start`]; an address that cannot be listened on, a port file that cannot be written.
    pub fn run(&self, host: Host) -> Result<()> {
        let lines = host.lines.clone();
        let config = self.config(host)?;
        if self.check {
            let models = check(&config)?;
            lines(&format!("would serve {}", models.join(", ")));
            return Ok(());
        }
        for warning in self.warnings() {
            lines(&warning);
        }
        let listener = TcpListener::bind(self.listen);
        let listener = listener
            .map_err(|e| ServeError::Option(format!("cannot listen on {}: {e}", self.listen)))?;
        let serving = Serving::start(&config, listener)?;
        let signals = serving.catch_signals()?;
        if let Some(path) = &self.port_file {
            let port = format!("{}\n", serving.address().port());
            write_atomically(path, port.as_bytes()).map_err(|e| ServeError::file(path, e))?;
        }
        let models = serving.models().join(", ");
        let scheme = if config.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let address = serving.address();
        lines(&format!(
            "listening on {scheme}://{address}, models: {models}"
        ));
        serving.wait(signals);
        lines("ending");
        serving.end();
        Ok(())
    }

    /// What the operator should know of the way in.
    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.listen.ip().is_loopback() {
            if self.tls_cert.is_none() {
                warnings.push(format!(
                    "warning: {} can be reached from other machines, and connections are not encrypted: give --tls-cert and --tls-key, \
                     or put a proxy with TLS before it",
                    self.listen
                ));
            }
            if self.tokens.is_none() {
                warnings.push(
                    "warning: without --tokens anybody who reaches it may use it, as one tenant"
                        .into(),
                );
            }
        }
        warnings
    }
}
