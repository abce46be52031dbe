//! The studies of a queue: what a worker must know of one, whether its coordinator lives, how far it is.
//!
//! Times are the database's, so that the clocks of machines need not agree.

use sqlx::Row;

use crate::queue::{Pool, on_pool};
use crate::study_id::{check_id, is_id};
use crate::{Counts, Error, Queue};

/// Seconds without a sign of life after which a coordinator counts as gone.
pub const SILENT_AFTER_S: i64 = 15;

/// The greatest record that is read, in characters.
const GREATEST_RECORD: i64 = 1 << 24;

/// A study as it is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyRecord {
    /// Unique in the queue; see [`crate::is_id`].
    pub id: String,
    /// For people.
    pub name: String,
    /// All that a worker must know.
    pub record: String,
}

/// A study as it stands in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyRow {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How far the coordinator says it is.
    pub progress: String,
    /// Whether it has not ended.
    pub open: bool,
    /// Seconds since it was entered.
    pub age_s: i64,
    /// Seconds since its coordinator last showed a sign of life.
    pub silent_s: i64,
    /// Its work by state.
    pub counts: Counts,
    /// Workers that showed a sign of life lately.
    pub workers: u64,
}

impl StudyRow {
    /// Whether it has not ended and its coordinator lives.
    pub fn is_running(&self) -> bool {
        self.open && self.silent_s < SILENT_AFTER_S
    }

    /// `running`, `interrupted` (its coordinator is gone) or `ended`.
    pub fn state(&self) -> &'static str {
        match (self.open, self.is_running()) {
            (false, _) => "ended",
            (true, true) => "running",
            (true, false) => "interrupted",
        }
    }
}

/// The seconds of the database's clock, in its language.
fn now(pool: &Pool) -> &'static str {
    match pool {
        Pool::Sqlite(_) => "CAST(strftime('%s', 'now') AS BIGINT)",
        Pool::Postgres(_) => "CAST(EXTRACT(EPOCH FROM now()) AS BIGINT)",
    }
}

impl Queue {
    /// Enters a study, or opens it again; with that its coordinator lives.
    ///
    /// # Errors
    /// An id that is none; the database.
    pub fn enter(&self, study: &StudyRecord) -> Result<(), Error> {
        check_id(&study.id)?;
        let now = now(&self.pool);
        let sql = format!(
            "INSERT INTO hemet_studies (id, name, record, progress, open, created_at, seen_at)
             VALUES ($1, $2, $3, '', TRUE, {now}, {now})
             ON CONFLICT (id) DO UPDATE SET record = excluded.record, open = TRUE, seen_at = excluded.seen_at"
        );
        let done = on_pool!(&self.pool, pool => self.runtime.block_on(async {
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(&study.id)
                .bind(&study.name)
                .bind(&study.record)
                .execute(pool)
                .await
                .map(drop)
        }));
        done.map_err(self.failed("cannot enter the study"))
    }

    /// A sign of life of the coordinator of `study`, with how far it is; `open` is whether the study has not ended.
    ///
    /// # Errors
    /// The database.
    pub fn tell(&self, study: &str, progress: &str, open: bool) -> Result<(), Error> {
        let now = now(&self.pool);
        let sql = format!(
            "UPDATE hemet_studies SET progress = $2, open = $3, seen_at = {now} WHERE id = $1"
        );
        let done = on_pool!(&self.pool, pool => self.runtime.block_on(async {
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(study)
                .bind(progress)
                .bind(open)
                .execute(pool)
                .await
                .map(drop)
        }));
        done.map_err(self.failed("cannot tell how far the study is"))
    }

    /// What a worker must know of `study`.
    ///
    /// # Errors
    /// No such study; a record that is too long; the database.
    pub fn record(&self, study: &str) -> Result<String, Error> {
        let limit = GREATEST_RECORD;
        let sql = "SELECT CAST(LENGTH(record) AS BIGINT) AS length,
            CASE WHEN LENGTH(record) <= $2 THEN record END AS record FROM hemet_studies WHERE id = $1";
        let found: Result<Option<(i64, Option<String>)>, sqlx::Error> = on_pool!(&self.pool, pool => {
            let query = sqlx::query_as(sql).bind(study).bind(limit);
            self.runtime.block_on(query.fetch_optional(pool))
        });
        match found.map_err(self.failed("cannot read the study"))? {
            Some((_, Some(record))) => Ok(record),
            Some((length, None)) => Err(Error::TooLong {
                found: length.unsigned_abs(),
                limit: limit.unsigned_abs(),
            }),
            None => Err(Error::NoStudy {
                place: self.address().to_string(),
                study: study.to_owned(),
            }),
        }
    }

    /// All studies, the oldest first. Rows whose id is none are no studies of ours and left out.
    ///
    /// # Errors
    /// The database.
    pub fn studies(&self) -> Result<Vec<StudyRow>, Error> {
        let found = self.runtime.block_on(rows(&self.pool, None));
        found.map_err(self.failed("cannot read the studies"))
    }
}

/// All studies, or the one of this id.
pub(crate) async fn rows(pool: &Pool, study: Option<&str>) -> Result<Vec<StudyRow>, sqlx::Error> {
    let now = now(pool);
    let sql = format!(
        "SELECT id, name, progress, open, {now} - created_at AS age, {now} - seen_at AS silent
         FROM hemet_studies WHERE $1 = '' OR id = $1 ORDER BY created_at, id"
    );
    let mut studies: Vec<StudyRow> = on_pool!(pool, pool => {
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(study.unwrap_or(""))
            .fetch_all(pool)
            .await?
            .iter()
            .map(|row| {
                Ok(StudyRow {
                    id: row.try_get("id")?,
                    name: row.try_get("name")?,
                    progress: row.try_get("progress")?,
                    open: row.try_get("open")?,
                    age_s: row.try_get("age")?,
                    silent_s: row.try_get("silent")?,
                    counts: Counts::default(),
                    workers: 0,
                })
            })
            .collect::<Result<_, sqlx::Error>>()?
    });
    studies.retain(|study| is_id(&study.id));
    for study in &mut studies {
        study.counts = crate::task::counts(pool, &study.id).await?;
        study.workers = living(pool, &study.id).await?;
    }
    Ok(studies)
}

/// How many workers of a study showed a sign of life in the last 30 seconds.
async fn living(pool: &Pool, study: &str) -> Result<u64, sqlx::Error> {
    let name = crate::storage::name(study);
    let count: i64 = match pool {
        Pool::Sqlite(pool) => {
            let sql = "SELECT COUNT(*) FROM Workers
                WHERE worker_type = $1 AND strftime('%s', 'now') - last_seen < 30";
            sqlx::query_scalar(sql).bind(name).fetch_one(pool).await?
        }
        Pool::Postgres(pool) => {
            let sql = "SELECT COUNT(*) FROM apalis.workers
                WHERE worker_type = $1 AND now() - last_seen < INTERVAL '30 seconds'";
            sqlx::query_scalar(sql).bind(name).fetch_one(pool).await?
        }
    };
    Ok(count.unsigned_abs())
}
