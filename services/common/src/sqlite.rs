//! The embedded store: one SQLite file in WAL mode, migrated when it is opened.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::SqlSafeStr;
use sqlx::SqlitePool;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

/// When a commit is on the disk (<https://www.sqlite.org/pragma.html#pragma_synchronous>).
#[derive(Clone, Copy, Debug)]
pub enum Durability {
    /// Before it is acknowledged: survives a power cut.
    EveryCommit,
    /// At the next checkpoint: survives a killed process, may lose the last commits at a power cut.
    Checkpoint,
}

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL names no SQLite file.
    #[error("STORE_URL `{url}` is not of the form sqlite:PATH")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        source: Option<sqlx::Error>,
    },
    /// The folder of the file cannot be made.
    #[error("failed to make the folder of the store `{path}`")]
    Folder {
        /// The folder.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file cannot be opened.
    #[error("failed to open the store `{url}`")]
    Open {
        /// The store.
        url: String,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// The tables cannot be made.
    #[error("failed to migrate the store `{url}`")]
    Migrate {
        /// The store.
        url: String,
        /// What failed.
        source: MigrateError,
    },
}

/// Opens the SQLite file of `url` (`sqlite:PATH`), makes it and its folder when absent, and runs `migrations` in
/// order: a version is the place in the list, and what has landed is never edited.
///
/// # Errors
/// The URL is no SQLite one, or the file cannot be made, opened or migrated.
pub async fn open(
    url: &str,
    durability: Durability,
    migrations: &[&'static str],
) -> Result<SqlitePool, OpenError> {
    let bad_url = |source| OpenError::Url { url: url.to_owned(), source };
    if !url.starts_with("sqlite:") {
        return Err(bad_url(None));
    }
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|error| bad_url(Some(error)))?
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match durability {
            Durability::EveryCommit => SqliteSynchronous::Full,
            Durability::Checkpoint => SqliteSynchronous::Normal,
        })
        .busy_timeout(Duration::from_secs(5));
    if let Some(folder) = options.get_filename().parent().filter(|folder| *folder != Path::new("")) {
        let failed = |source| OpenError::Folder { path: folder.display().to_string(), source };
        tokio::fs::create_dir_all(folder).await.map_err(failed)?;
    }
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(5))
        .connect_with(options)
        .await
        .map_err(|source| OpenError::Open { url: url.to_owned(), source })?;
    migrator(migrations)
        .run(&pool)
        .await
        .map_err(|source| OpenError::Migrate { url: url.to_owned(), source })?;
    Ok(pool)
}

fn migrator(migrations: &[&'static str]) -> Migrator {
    let migrations = (1..).zip(migrations).map(|(version, sql)| {
        Migration::new(version, "".into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}

/// Reads from the store, and looks whether its file is still there: an open file outlives its name.
///
/// # Errors
/// Returns the reason when the store does not answer, or is gone.
pub async fn ping(pool: &SqlitePool) -> Result<(), String> {
    if let Err(error) = sqlx::query("SELECT count(*) FROM sqlite_schema").execute(pool).await {
        return Err(format!("the store does not answer: {error}"));
    }
    let options = pool.connect_options();
    let file = options.get_filename();
    match tokio::fs::metadata(file).await {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("the store `{}` is gone: {error}", file.display())),
    }
}
