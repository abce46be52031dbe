//! Pieces of work: asked for by the coordinator, answered by a worker.

use apalis::prelude::{Status, TaskBuilder, TaskSink, WaitForCompletion};
use sqlx::Row;

use crate::queue::{Pool, on_pool};
use crate::storage::{Heartbeat, Stored};
use crate::{Error, Queue, TaskId};

/// What became of a piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A worker did it.
    Done(String),
    /// It was taken as often as it may be, and each worker died on it.
    GivenUp(String),
    /// Workers could not do it, for this reason, as often as it may be taken.
    Failed(String),
    /// There is an answer of so many bytes, more than is read.
    TooLong(u64),
}

/// The work of a study, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not taken yet, or given back.
    pub waiting: u64,
    /// Taken by a worker.
    pub running: u64,
    /// Answered.
    pub done: u64,
    /// Given up or failed.
    pub failed: u64,
}

impl Queue {
    /// Asks for a piece of work of `study`, which may be taken `attempts` times; nothing happens if it has been asked
    /// for.
    ///
    /// # Errors
    /// The database.
    pub fn ask(&self, study: &str, text: String, attempts: usize) -> Result<TaskId, Error> {
        let id = TaskId::of(study, &text);
        let known = self.runtime.block_on(is_known(&self.pool, id));
        if known.map_err(self.failed("cannot look for a trial"))? {
            return Ok(id);
        }
        let task = TaskBuilder::new(text)
            .task_id(id.apalis())
            .idempotency_key(id.to_string())
            .max_attempts(attempts)
            .build();
        let pushed = on_pool!(&self.pool, pool => self.runtime.block_on(async {
            let mut storage = pool.storage(study, Heartbeat::default());
            storage.push_task(task).await.map_err(|e| e.to_string())
        }));
        pushed.map_err(self.failed("cannot hand out a trial"))?;
        Ok(id)
    }

    /// Puts work of `study` that was not done back to the start, as its coordinator does when it goes on after a
    /// stop: what failed may be taken again, and so may what a worker has in hand in a SQLite file, as the workers of
    /// a search on one machine end with it. (If one lives all the same, its answer is refused.)
    ///
    /// # Errors
    /// The database.
    pub fn renew(&self, study: &str) -> Result<(), Error> {
        let taken = match self.pool {
            Pool::Sqlite(_) => "",
            Pool::Postgres(_) => "AND status NOT IN ('Queued', 'Running')",
        };
        let sql = format!(
            "UPDATE {} SET status = 'Pending', attempts = 0, lock_by = NULL, lock_at = NULL, done_at = NULL
             WHERE job_type = $1 AND status <> 'Done' {taken}",
            table(&self.pool)
        );
        let done = on_pool!(&self.pool, pool => self.runtime.block_on(async {
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(crate::storage::name(study))
                .execute(pool)
                .await
                .map(drop)
        }));
        done.map_err(self.failed("cannot put the trials back"))
    }

    /// Forgets the work of `study`, which has ended: the answers hold weights, which lie in its run folder by now.
    ///
    /// # Errors
    /// The database.
    pub fn clear(&self, study: &str) -> Result<(), Error> {
        let sql = format!("DELETE FROM {} WHERE job_type = $1", table(&self.pool));
        let done = on_pool!(&self.pool, pool => self.runtime.block_on(async {
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(crate::storage::name(study))
                .execute(pool)
                .await?;
            crate::heard::clear(&self.pool, study).await
        }));
        done.map_err(self.failed("cannot clear the study's trials"))
    }

    /// What became of a piece of work; none while it waits or runs. An answer of more than `limit` bytes is not read.
    ///
    /// # Errors
    /// The database.
    pub fn answer(&self, study: &str, id: TaskId, limit: u64) -> Result<Option<Answer>, Error> {
        let length = self.runtime.block_on(answer_length(&self.pool, id));
        let length = length.map_err(self.failed("cannot look for the result of a trial"))?;
        if let Some(length) = length.filter(|length| *length > limit) {
            return Ok(Some(Answer::TooLong(length)));
        }
        let found = on_pool!(&self.pool, pool => self.runtime.block_on(async {
            let mut storage = pool.storage(study, Heartbeat::default());
            WaitForCompletion::<String>::check_status(&mut storage, [id.apalis()])
                .await
                .map_err(|e| e.to_string())
        }));
        let found = found.map_err(self.failed("cannot look for the result of a trial"))?;
        let answer = found.into_iter().next().map(|task| match task.result {
            Ok(text) => Answer::Done(text),
            Err(why) if task.status == Status::Killed => {
                Answer::GivenUp(why.trim_start_matches("AbortError: ").to_owned())
            }
            Err(why) => Answer::Failed(why),
        });
        Ok(answer)
    }
}

/// apalis's table of tasks.
fn table(pool: &Pool) -> &'static str {
    match pool {
        Pool::Sqlite(_) => "Jobs",
        Pool::Postgres(_) => "apalis.jobs",
    }
}

/// The length of an answer in bytes, as the database keeps it; none where there is no answer.
async fn answer_length(pool: &Pool, id: TaskId) -> Result<Option<u64>, sqlx::Error> {
    let length = match pool {
        Pool::Sqlite(_) => "LENGTH(CAST(last_result AS BLOB))",
        Pool::Postgres(_) => "CAST(OCTET_LENGTH(CAST(last_result AS TEXT)) AS BIGINT)",
    };
    let sql = format!(
        "SELECT {length} FROM {} WHERE id = $1 AND status IN ('Done', 'Killed', 'Failed')",
        table(pool)
    );
    let found: Option<Option<i64>> = on_pool!(pool, pool => {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(id.to_string()).fetch_optional(pool).await?
    });
    Ok(found.flatten().map(i64::unsigned_abs))
}

async fn is_known(pool: &Pool, id: TaskId) -> Result<bool, sqlx::Error> {
    let sql = format!("SELECT COUNT(*) FROM {} WHERE id = $1", table(pool));
    let count: i64 = on_pool!(pool, pool => {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(id.to_string()).fetch_one(pool).await?
    });
    Ok(count > 0)
}

/// The worker that a piece of work belongs to.
pub(crate) async fn owner(pool: &Pool, id: &str) -> Result<Option<String>, sqlx::Error> {
    let sql = format!("SELECT lock_by FROM {} WHERE id = $1", table(pool));
    let found: Option<Option<String>> = on_pool!(pool, pool => {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(pool).await?
    });
    Ok(found.flatten())
}

/// The work of a study, by state.
pub(crate) async fn counts(pool: &Pool, study: &str) -> Result<Counts, sqlx::Error> {
    let sql = format!(
        "SELECT CASE WHEN status = 'Failed' AND attempts < max_attempts THEN 'Pending' ELSE status END AS state,
            COUNT(*) AS number FROM {} WHERE job_type = $1 GROUP BY state",
        table(pool)
    );
    let mut counts = Counts::default();
    on_pool!(pool, pool => {
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(crate::storage::name(study))
            .fetch_all(pool)
            .await?;
        for row in rows {
            let status: String = row.try_get("state")?;
            let number: i64 = row.try_get("number")?;
            let place = match status.as_str() {
                "Pending" => &mut counts.waiting,
                "Queued" | "Running" => &mut counts.running,
                "Done" => &mut counts.done,
                _ => &mut counts.failed,
            };
            *place += number.unsigned_abs();
        }
    });
    Ok(counts)
}
