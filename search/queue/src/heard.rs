//! How far workers are with what they have in hand, for whoever watches: a number a piece of work, written twice a
//! second at most and only where it has changed. Nothing depends on it.

use crate::queue::{Pool, on_pool};
use crate::{Error, Queue, TaskId};

impl Queue {
    /// What the worker of a piece of work has last told, see [`crate::Request::heard`]; none before it has told
    /// anything.
    ///
    /// # Errors
    /// The database.
    pub fn heard(&self, id: TaskId) -> Result<Option<u64>, Error> {
        let sql = "SELECT number FROM hemet_heard WHERE task = $1";
        let found: Result<Option<i64>, sqlx::Error> = on_pool!(&self.pool, pool => {
            self.runtime.block_on(sqlx::query_scalar(sql).bind(id.to_string()).fetch_optional(pool))
        });
        let found = found.map_err(self.failed("cannot look how far a trial is"))?;
        Ok(found.map(i64::unsigned_abs))
    }
}

/// Tells how far a piece of work is.
pub(crate) async fn tell(
    pool: &Pool,
    (study, task): (&str, &str),
    number: u64,
) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO hemet_heard (task, study, number) VALUES ($1, $2, $3)
        ON CONFLICT (task) DO UPDATE SET number = excluded.number";
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    on_pool!(pool, pool => {
        sqlx::query(sql).bind(task).bind(study).bind(number).execute(pool).await.map(drop)
    })
}

/// Forgets what was told of a study.
pub(crate) async fn clear(pool: &Pool, study: &str) -> Result<(), sqlx::Error> {
    let sql = "DELETE FROM hemet_heard WHERE study = $1";
    on_pool!(pool, pool => sqlx::query(sql).bind(study).execute(pool).await.map(drop))
}
