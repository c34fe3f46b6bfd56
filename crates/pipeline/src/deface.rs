//! Stage *deface*: what may show a face, of a project whose profile says `faces = "deface"`, goes through the defacing program of the
//! site, a whole series at a time (PS3.15 E.3.2, docs/adr/0013). State in: ADMITTED, set aside by *deidentify*; what the program made
//! then goes the way of *deidentify*, which is the same job from there.
//!
//! A volume has to be whole to be defaced, so that its instances wait until the increment of their study is closed. The program has a
//! worker of its own: half an hour of its work holds up nobody else.

mod folder;
mod series;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use archive::buffer::{self, BufferState, BufferedInstance, QuarantineReason, SeriesKey};
use archive::job_queue::{self, NewEntry};
use deidentification::verify::Identity;
use deidentification::{FacePolicy, Survey};
use dicom_stream::{Limits, TransferSyntax};
use pixel::deface::Defacer;
use uuid::Uuid;

use crate::deidentify::blocking;
use crate::line::{Line, Project, StageError};
use crate::transform::Held;
use folder::PrivateFolder;
pub(crate) use series::DefacedImage;

/// Name of the stage in the queue; its subject is a batch that is one series.
pub(crate) const KIND: &str = "deface";

/// The defacing program of the site.
pub struct Defacing {
    program: Arc<dyn Defacer>,
    folder: PathBuf,
    limits: DefacingLimits,
}

/// What a series that is defaced may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefacingLimits {
    /// Instances.
    pub instances: u32,
    /// Bytes as received, and of each instance with its samples decoded.
    pub bytes: u64,
}

impl Defacing {
    /// Uses `folder`, which belongs to it alone, for the series that the program works on; what an earlier run left there is removed.
    ///
    /// # Errors
    /// The folder cannot be made or emptied.
    pub fn open(program: Arc<dyn Defacer>, folder: PathBuf, limits: DefacingLimits) -> io::Result<Self> {
        folder::make_empty(&folder)?;
        Ok(Self { program, folder, limits })
    }
}

/// Images that a defacing program has made of a series, in a folder that goes when this goes.
#[derive(Default)]
pub(crate) struct Defaced {
    program: String,
    images: BTreeMap<Uuid, DefacedImage>,
    _folder: Option<PrivateFolder>,
}

impl Defaced {
    /// What was made of an instance, and the name of the program.
    pub(crate) fn of(&self, id: Uuid) -> Option<(&DefacedImage, &str)> {
        Some((self.images.get(&id)?, &self.program))
    }
}

/// Takes out of `members` what has to wait for the rest of its series.
///
/// # Errors
/// Any [`StageError`].
pub(crate) async fn set_aside(
    line: &Arc<Line>,
    project: &Project,
    mut members: Vec<BufferedInstance>,
) -> Result<Vec<BufferedInstance>, StageError> {
    if project.profile.faces() != FacePolicy::Deface || line.defacing.is_none() {
        return Ok(members);
    }
    let ids: Vec<Uuid> = members.iter().map(|member| member.received.id).collect();
    let mut connection = line.buffer.reader().acquire().await?;
    let accepted =
        buffer::accepted_among(&mut connection, &ids, QuarantineReason::RecognizableFeatures).await?;
    drop(connection);
    let (line_of, profile) = (Arc::clone(line), Arc::clone(&project.profile));
    let (aside, members) = blocking(move || {
        let mut aside = Vec::new();
        members.retain(|member| {
            let id = member.received.id;
            // One that cannot be read is held where it is read to be de-identified.
            let shows_face = !accepted.contains(&id)
                && TransferSyntax::from_uid(&member.received.transfer_syntax_uid).is_some_and(|syntax| {
                    let input = line_of.spool.read(&member.received.location);
                    let mut identity = Identity::default();
                    input.is_ok_and(|input| {
                        Survey::read(&profile, input, syntax, Limits::INSTANCE, &mut identity)
                            .is_ok_and(|survey| survey.may_show_face())
                    })
                });
            if shows_face {
                aside.push(id);
            }
            !shows_face
        });
        (aside, members)
    })
    .await?;
    if !aside.is_empty() {
        let mut transaction = line.buffer.write().await?;
        buffer::set_aside(&mut transaction, &aside).await?;
        transaction.commit().await?;
    }
    Ok(members)
}

/// Hands what was set aside of studies that are complete by now to the worker.
///
/// # Errors
/// Any [`StageError`]; repeated in the next round.
pub(crate) async fn enqueue_complete(line: &Line) -> Result<(), StageError> {
    if !buffer::is_series_complete(line.buffer.reader()).await? {
        return Ok(());
    }
    let mut transaction = line.buffer.write().await?;
    let batches = buffer::gather_series(&mut transaction).await?;
    transaction.commit().await?;
    enqueue(line, batches.iter().map(|batch| batch.id)).await
}

/// Hands batches to the worker.
///
/// # Errors
/// Any [`StageError`].
pub(crate) async fn enqueue(line: &Line, batches: impl Iterator<Item = Uuid>) -> Result<(), StageError> {
    let now = line.clock.now();
    let mut transaction = line.main.write().await?;
    for subject in batches {
        let entry = NewEntry { kind: KIND, subject, partner: None, run_at: now };
        job_queue::enqueue(&mut transaction, entry, now).await?;
    }
    transaction.commit().await?;
    line.work.notify_one();
    Ok(())
}

/// The volume that the images of `first`'s patient are of: each instance once, those of this batch first. Also what was cleared before and
/// what is held for another reason: the program sees all of it, whatever of it leaves.
fn whole(
    known: Vec<BufferedInstance>,
    first: &BufferedInstance,
) -> Result<Vec<BufferedInstance>, &'static str> {
    let person =
        |of: &BufferedInstance| (of.received.assigning_authority.clone(), of.received.patient_id.clone());
    let mut seen = BTreeSet::new();
    let (there, gone): (Vec<_>, Vec<_>) = known.into_iter().partition(|of| of.state != BufferState::Released);
    let is_shared = there.iter().any(|of| person(of) != person(first));
    let mut series = there;
    series.retain(|of| seen.insert(of.received.sop_instance_uid.clone()));
    if gone.iter().any(|of| !seen.contains(&of.received.sop_instance_uid)) {
        return Err("originals of the series are gone by now: a volume is defaced whole");
    }
    if is_shared {
        return Err("the series has images of another patient: a volume is defaced whole");
    }
    Ok(series)
}

/// Runs the program over the series of `batch`, or says why all of `members` are held.
///
/// # Errors
/// Any [`StageError`]: the driver repeats.
pub(crate) async fn deface(
    line: &Arc<Line>,
    project: &Project,
    batch: Uuid,
    members: &[BufferedInstance],
) -> Result<Result<Defaced, Held>, StageError> {
    let held = |why: String| {
        let detail = format!("{why}; released, the images leave with the face");
        Ok(Err(Held { reason: QuarantineReason::RecognizableFeatures, detail }))
    };
    if project.profile.faces() != FacePolicy::Deface || members.is_empty() {
        return Ok(Ok(Defaced::default()));
    }
    let Some(defacing) = line.defacing.clone() else {
        return held("no defacing program is configured ([defacing])".to_owned());
    };
    let Some(first) = members.first() else { return Ok(Ok(Defaced::default())) };
    let key = SeriesKey {
        project: &project.config.id,
        study_instance_uid: &first.received.study_instance_uid,
        series_instance_uid: &first.received.series_instance_uid,
    };
    let DefacingLimits { instances, bytes: most } = defacing.limits;
    let known = buffer::whole_series(line.buffer.reader(), batch, key, instances.saturating_add(1)).await?;
    if known.len() > instances as usize {
        return held(format!("the series has more instances than are defaced ({instances})"));
    }
    let series = match whole(known, first) {
        Ok(series) => series,
        Err(why) => return held(why.to_owned()),
    };
    let bytes: u64 = series.iter().map(|of| of.received.location.data_length()).sum();
    if bytes > most {
        return held(format!("the series has {bytes} bytes, more than are defaced ({most})"));
    }
    let (line, profile) = (Arc::clone(line), Arc::clone(&project.profile));
    let made = blocking(move || {
        let folder = PrivateFolder::new(&defacing.folder, batch)?;
        let made = series::deface(&line, &profile, &defacing, folder.path(), &series)?;
        Ok::<_, StageError>(made.map(|images| Defaced {
            program: defacing.program.name().to_owned(),
            images,
            _folder: Some(folder),
        }))
    })
    .await??;
    match made {
        Ok(defaced) => Ok(Ok(defaced)),
        Err(why) => held(why),
    }
}
