//! The job that imports a file: out of the database into the data folder, through
//! the importer, and into the store, with what was set aside.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::failure::{Failure, JobProblem};
use super::import::{NewImport, receive};
use super::runner::Running;
use crate::cohort::{Import, ImportError, Limits, Mapping, Summary};
use crate::facts::Facts;
use crate::store::{CohortWriter, Job, Reject, Store, StoreError};

/// A file that is older has no job any more.
const LEFT: Duration = Duration::from_hours(24);

/// A file in the data folder; removed when dropped.
struct Spooled(PathBuf);

impl Drop for Spooled {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

/// The job: imports the upload that its input names.
pub(super) async fn run(running: &Running<'_>) -> Result<(), Failure> {
    let job = running.job;
    running.control.report("receiving", 0.0);
    let file = spool(running, upload_of(job)?).await?;
    let new = NewImport {
        id: job.cohort_id.unwrap_or(job.id),
        name: text(job, "name"),
        file: text(job, "file"),
        mapping: job.input["mapping"].clone(),
        created_at: job.created_at,
    };
    let import = open(file.0.clone(), new.mapping.clone()).await?;
    let mut hear = |_: &[_], share| running.control.report("importing", share);
    let received = receive(running.store, new, import, &mut hear).await?;
    let read = received.read.await?;
    finish(running, read, received.rejects, received.writer).await
}

/// Stores what was read together with the end of the job.
async fn finish(
    running: &Running<'_>,
    read: Result<(Summary, Facts), ImportError>,
    rejects: Vec<Reject>,
    writer: CohortWriter,
) -> Result<(), Failure> {
    let job = running.job;
    let cohort = job.cohort_id.unwrap_or(job.id);
    let problem = match read {
        Ok((summary, facts)) if summary.accepted > 0 => {
            running.control.report("saving", 0.0);
            let mut result = serde_json::to_value(&summary)?;
            result["cohort_id"] = json!(cohort);
            result["rejects_kept"] = json!(rejects.len());
            let facts = serde_json::to_value(facts)?;
            let ending = running.ending(result);
            writer.finish_job(facts, rejects, ending).await?;
            forget(running.store, job).await;
            return Ok(());
        }
        Ok((summary, _)) => {
            let rows = summary.read;
            let why = format!("None of the file's {rows} rows can be imported.");
            JobProblem::new("no-customers", why)
        }
        Err(error) => unreadable(&error),
    };
    drop(writer);
    running.store.save_rejects(cohort, &rejects).await?;
    Err(problem.into())
}

/// Opens the file, which looks through all of some of them.
async fn open(file: PathBuf, mapping: Value) -> Result<Import, Failure> {
    let opened = spawn_blocking(move || {
        let mapping = match &mapping {
            Value::Null => Mapping::default(),
            given => Mapping::from_json(given).map_err(ImportError::from)?,
        };
        Import::open(&file, &mapping, Limits::default())
    });
    opened.await?.map_err(|error| unreadable(&error).into())
}

fn unreadable(error: &ImportError) -> JobProblem {
    JobProblem::new(
        error.code().replace('_', "-"),
        format!("The file can't be imported: {error}."),
    )
}

fn text(job: &Job, name: &str) -> String {
    job.input[name].as_str().unwrap_or_default().to_owned()
}

fn upload_of(job: &Job) -> Result<Uuid, JobProblem> {
    let id = job.input["upload"].as_str().and_then(|id| id.parse().ok());
    id.ok_or_else(|| JobProblem::internal(&"an import names no upload"))
}

/// Writes an upload into the data folder.
async fn spool(running: &Running<'_>, upload: Uuid) -> Result<Spooled, Failure> {
    let store = running.store;
    let Some(bytes) = store.upload_bytes(upload).await? else {
        return Err(JobProblem::new("upload-lost", "The file is not there any more.").into());
    };
    let unwritable = |cause| StoreError::Folder {
        folder: running.settings.folder.clone(),
        cause,
    };
    let folder = folder(&running.settings.folder);
    tokio::fs::create_dir_all(&folder)
        .await
        .map_err(unwritable)?;
    // A process that was given up for dead may still have the file of this job.
    let spooled = Spooled(folder.join(Uuid::new_v4().to_string()));
    let mut file = tokio::fs::File::create(&spooled.0)
        .await
        .map_err(unwritable)?;
    let mut written = 0;
    for number in 0.. {
        let Some(data) = store.read_upload(upload, number).await? else {
            break;
        };
        file.write_all(&data).await.map_err(unwritable)?;
        written += data.len() as u64;
        running.control.report(
            "receiving",
            super::generate::share(written, bytes.unsigned_abs()),
        );
    }
    file.flush().await.map_err(unwritable)?;
    if written != bytes.unsigned_abs() {
        return Err(JobProblem::new("upload-lost", "The file is not there any more.").into());
    }
    Ok(spooled)
}

fn folder(data: &Path) -> PathBuf {
    data.join("imports")
}

/// Removes what killed processes left in the data folder. Others may use it too,
/// so what is young stays.
pub(super) fn sweep(data: &Path) {
    for entry in fs::read_dir(folder(data)).into_iter().flatten().flatten() {
        let changed = entry.metadata().and_then(|m| m.modified());
        let age = changed.ok().and_then(|at| at.elapsed().ok());
        if age.is_some_and(|age| age > LEFT) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// Removes the upload of a job that needs it no more.
pub(super) async fn forget(store: &Store, job: &Job) {
    let Ok(upload) = upload_of(job) else {
        return;
    };
    if let Err(error) = store.delete_upload(upload).await {
        tracing::debug!(%error, "an upload is removed later");
    }
}
