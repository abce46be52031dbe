//! Queue: the open connections to a file or database, and its tables.

use std::time::Duration;

use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgSslMode};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::runtime::Runtime;

use crate::permissions::owner_only;
use crate::{Address, Error};

/// How long a writer waits for another process that writes to the same SQLite file.
const BUSY: Duration = Duration::from_secs(60);

/// How long a connection to PostgreSQL may take.
const CONNECT: Duration = Duration::from_secs(15);

/// The table of studies, beside apalis's own tables.
const STUDIES: &str = "CREATE TABLE IF NOT EXISTS hemet_studies (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    record TEXT NOT NULL,
    progress TEXT NOT NULL,
    open BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL)";

/// How far each piece of work is, see `heard.rs`.
const HEARD: &str = "CREATE TABLE IF NOT EXISTS hemet_heard (
    task TEXT PRIMARY KEY,
    study TEXT NOT NULL,
    number BIGINT NOT NULL)";

/// Our own tables, in the order in which they are made.
const TABLES: [&str; 2] = [STUDIES, HEARD];

/// The connections of either kind.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Writes the same code for either kind of pool.
macro_rules! on_pool {
    ($pool:expr, $name:ident => $code:expr) => {
        match $pool {
            $crate::queue::Pool::Sqlite($name) => $code,
            $crate::queue::Pool::Postgres($name) => $code,
        }
    };
}
pub(crate) use on_pool;

/// An open queue. Its functions block; they may be called from several threads, but not from asynchronous code.
#[derive(Debug)]
pub struct Queue {
    pub(crate) runtime: Runtime,
    pub(crate) pool: Pool,
    address: Address,
}

impl Queue {
    /// Opens the queue as a coordinator does: file and tables are made where missing.
    ///
    /// # Errors
    /// A file that cannot be made, a database that cannot be reached or refuses.
    pub fn create(address: &Address) -> Result<Self, Error> {
        Self::connect(address, true)
    }

    /// Opens a queue that must be there. In a PostgreSQL database the tables are made where missing, so that workers
    /// may be started before the first study.
    ///
    /// # Errors
    /// As [`Queue::create`]; a file that is not there.
    pub fn open(address: &Address) -> Result<Self, Error> {
        Self::connect(address, false)
    }

    /// Its address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    fn connect(address: &Address, create: bool) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(Error::Runtime)?;
        let connecting = async {
            match address {
                Address::File(path) if !create && !path.exists() => {
                    Err(Error::NoQueue { path: path.clone() })
                }
                Address::File(path) => {
                    if create {
                        let failed = database("cannot make the queue's file", address);
                        owner_only(path).map_err(failed)?;
                    }
                    let pool = sqlite(path, create)
                        .await
                        .map_err(database("cannot open the queue", address))?;
                    Ok(Pool::Sqlite(pool))
                }
                Address::Postgres(url) => {
                    let pool = postgres(url, address).await?;
                    let made = table_exists(&pool)
                        .await
                        .map_err(database("cannot look into PostgreSQL", address))?;
                    // Whoever makes tables holds a lock; workers, which may be stopped at any moment, keep off it.
                    if create || !made {
                        make_tables(&pool, address).await?;
                    }
                    Ok(Pool::Postgres(pool))
                }
            }
        };
        let pool = runtime.block_on(connecting)?;
        Ok(Self {
            runtime,
            pool,
            address: address.clone(),
        })
    }

    /// Makes an [`Error`] of a database's error.
    pub(crate) fn failed<E: std::fmt::Display>(
        &self,
        action: &'static str,
    ) -> impl FnOnce(E) -> Error {
        database(action, &self.address)
    }
}

fn database<E: std::fmt::Display>(
    action: &'static str,
    address: &Address,
) -> impl FnOnce(E) -> Error {
    let place = address.to_string();
    move |error| Error::Database {
        action,
        place,
        why: error.to_string(),
    }
}

async fn sqlite(path: &std::path::Path, create: bool) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(create)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY);
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .connect_with(options)
        .await?;
    if create {
        // Not apalis's `setup`: it would switch off synchronous writing on one of the connections.
        SqliteStorage::migrations().run(&pool).await?;
        for table in TABLES {
            sqlx::query(table).execute(&pool).await?;
        }
    }
    Ok(pool)
}

async fn postgres(url: &str, address: &Address) -> Result<PgPool, Error> {
    let failed = "cannot connect to PostgreSQL (over a network its certificate must name the host: ?sslrootcert=FILE in the \
                  address names its authority, ?sslmode=require trusts any)";
    let options: PgConnectOptions = url.parse().map_err(database(failed, address))?;
    let options = secured(options, url);
    // A process that is stopped in the middle of a transaction must not keep others waiting.
    let options = options.options([("idle_in_transaction_session_timeout", "20s")]);
    PgPoolOptions::new()
        .max_connections(4)
        .acquire_timeout(CONNECT)
        .connect_with(options)
        .await
        .map_err(database(failed, address))
}

/// With TLS and a certificate that names the host, unless the database is on this machine or the user says otherwise,
/// by `sslmode` in the address or by PGSSLMODE.
fn secured(options: PgConnectOptions, url: &str) -> PgConnectOptions {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let chosen = query.contains("sslmode=") || query.contains("ssl-mode=");
    let host = options.get_host();
    let is_local = options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    match options.get_ssl_mode() {
        PgSslMode::Prefer if !chosen && !is_local => options.ssl_mode(PgSslMode::VerifyFull),
        PgSslMode::Prefer
        | PgSslMode::Disable
        | PgSslMode::Allow
        | PgSslMode::Require
        | PgSslMode::VerifyCa
        | PgSslMode::VerifyFull => options,
    }
}

/// Whether the last table that [`make_tables`] makes is there.
async fn table_exists(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT to_regclass('hemet_heard') IS NOT NULL")
        .fetch_one(pool)
        .await
}

async fn make_tables(pool: &PgPool, address: &Address) -> Result<(), Error> {
    let failed = "cannot make the queue's tables (the extension hstore must be installed, in Debian it comes with the \
                  server, and the user must be allowed to create schemas)";
    PostgresStorage::setup(pool)
        .await
        .map_err(database(failed, address))?;
    let made = async {
        let mut transaction = pool.begin().await?;
        // Two that make the table at once would trip over each other.
        sqlx::query("SELECT pg_advisory_xact_lock(hashtext('hemet_studies'))")
            .execute(&mut *transaction)
            .await?;
        for table in TABLES {
            sqlx::query(table).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    };
    made.await.map_err(database(failed, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_elsewhere_must_prove_its_name_unless_the_user_says_otherwise() {
        for (url, expected) in [
            ("postgres://me@db.example/hemet", "VerifyFull"),
            ("postgres://me@10.1.2.3:5433/hemet", "VerifyFull"),
            (
                "postgres://me@db.example/hemet?sslrootcert=ca.pem",
                "VerifyFull",
            ),
            ("postgres://me@db.example/hemet?sslmode=require", "Require"),
            ("postgres://me@db.example/hemet?sslmode=prefer", "Prefer"),
            ("postgres://me@db.example/hemet?sslmode=disable", "Disable"),
            ("postgres://me@localhost/hemet", "Prefer"),
            ("postgres://me@127.0.0.1/hemet", "Prefer"),
            ("postgres://me@[::1]/hemet", "Prefer"),
            ("postgres://%2Fvar%2Frun%2Fpostgresql/hemet", "Prefer"),
        ] {
            let options: PgConnectOptions = url.parse().expect(url);
            // What this machine's environment says is no part of the test.
            let asked = url.contains("sslmode=");
            let options = match asked {
                true => options,
                false => options.ssl_mode(PgSslMode::Prefer),
            };
            let mode = format!("{:?}", secured(options, url).get_ssl_mode());
            assert_eq!(mode, expected, "{url}");
        }
    }
}
