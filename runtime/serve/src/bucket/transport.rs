//! HTTP to an S3-compatible store: what `object_store` sends, over hyper and rustls as the workspace has them already.
//! Each request opens a connection: keys are megabytes, and a connection that is new has not been cut meanwhile.

use std::fmt;
use std::future::Future;
use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::HOST;
use axum::http::uri::{PathAndQuery, Scheme};
use axum::http::{HeaderValue, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::{ClientConfigKey, ClientOptions};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A connection must be there within this time.
const CONNECT: Duration = Duration::from_secs(5);
/// And the head of an answer within this, the request's body sent.
const ANSWER: Duration = Duration::from_secs(30);

type Sent = Result<HttpResponse, HttpError>;

/// Makes clients for `object_store`.
pub(super) struct Transport(TlsConnector);

impl Transport {
    /// Trusts the certificates of a file in PEM, or the authorities that browsers trust.
    ///
    /// # Errors
    /// A file that has no certificates.
    pub(super) fn new(authorities: Option<&str>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        match authorities {
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Some(path) => {
                let wrong = |e: &dyn fmt::Display| format!("{path}: no certificates in PEM: {e}");
                let chain = CertificateDer::pem_file_iter(path).map_err(|e| wrong(&e))?;
                for certificate in chain {
                    let certificate = certificate.map_err(|e| wrong(&e))?;
                    roots.add(certificate).map_err(|e| wrong(&e))?;
                }
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl HttpConnector for Transport {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let http = options.get_config_value(&ClientConfigKey::AllowHttp);
        Ok(HttpClient::new(Service {
            tls: self.0.clone(),
            allows_http: http.as_deref() == Some("true"),
        }))
    }
}

/// Sends requests.
struct Service {
    tls: TlsConnector,
    /// Whether addresses without TLS are allowed.
    allows_http: bool,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Service")
    }
}

impl HttpService for Service {
    // As the trait's macro writes it.
    fn call<'me, 'sent>(
        &'me self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Sent> + Send + 'sent>>
    where
        'me: 'sent,
        Self: 'sent,
    {
        Box::pin(self.send(request))
    }
}

impl Service {
    async fn send(&self, mut request: HttpRequest) -> Sent {
        let uri = std::mem::take(request.uri_mut());
        let refused = |what: &str| failed(HttpErrorKind::Unknown, Error::other(what.to_owned()));
        let authority = uri.authority().ok_or_else(|| refused("no host"))?;
        let is_encrypted = uri.scheme() == Some(&Scheme::HTTPS);
        if !is_encrypted && !self.allows_http {
            return Err(refused(
                "the endpoint is not encrypted; AWS_ALLOW_HTTP=true allows it",
            ));
        }
        let host = HeaderValue::from_str(authority.as_str());
        let host = host.map_err(|e| failed(HttpErrorKind::Unknown, e))?;
        request.headers_mut().insert(HOST, host);
        let path = uri.path_and_query().cloned();
        *request.uri_mut() = Uri::from(path.unwrap_or(PathAndQuery::from_static("/")));
        let port = authority.port_u16();
        let port = port.unwrap_or(if is_encrypted { 443 } else { 80 });
        let stream = in_time(CONNECT, TcpStream::connect((authority.host(), port))).await;
        let stream = stream.map_err(|e| failed(HttpErrorKind::Connect, e))?;
        // Requests are written whole.
        let _ = stream.set_nodelay(true);
        if !is_encrypted {
            return exchange(stream, request).await;
        }
        let name = ServerName::try_from(authority.host().to_owned());
        let name = name.map_err(|e| failed(HttpErrorKind::Unknown, e))?;
        let stream = in_time(CONNECT, self.tls.connect(name, stream)).await;
        exchange(
            stream.map_err(|e| failed(HttpErrorKind::Connect, e))?,
            request,
        )
        .await
    }
}

/// Sends a request over a connection of its own and reads the head of the answer.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: HttpRequest,
) -> Sent {
    let broken = |e: hyper::Error| failed(HttpErrorKind::Interrupted, e);
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // It ends with the answer's body; what goes wrong with it, the body tells.
    tokio::spawn(connection);
    let answer = timeout(ANSWER, sender.send_request(request)).await;
    let late = |e| failed(HttpErrorKind::Timeout, e);
    let (parts, body): (_, Incoming) = answer.map_err(late)?.map_err(broken)?.into_parts();
    let body = HttpResponseBody::new(body.map_err(broken));
    Ok(HttpResponse::from_parts(parts, body))
}

async fn in_time<T>(
    within: Duration,
    work: impl Future<Output = std::io::Result<T>>,
) -> std::io::Result<T> {
    let late = |_| Error::new(ErrorKind::TimedOut, "no answer in time");
    timeout(within, work).await.map_err(late)?
}

fn failed(kind: HttpErrorKind, error: impl std::error::Error + Send + Sync + 'static) -> HttpError {
    HttpError::new(kind, error)
}
