//! Keeping models as bytes, and reading them back.

use engagecast::features::Profile;
use engagecast::models::{
    Answer, ArtifactError, FORMAT, Lesson, Model, ModelSet, NoInputs, NoPrediction, Origin,
    Prediction, Target, Watch,
};
use engagecast::schema::{COLUMNS, column};
use rayon::ThreadPoolBuilder;
use sha2::{Digest, Sha256};

use crate::support::cohort::cohort;
use crate::support::trained::{MODELS, model, moment, source, strangers};

#[test]
fn a_kept_model_is_the_same_to_the_bit() {
    for &target in Target::ALL {
        let bytes = model(target).to_bytes();
        let again = Model::from_bytes(&bytes).expect("a model");
        let again = again.with_origin(origin());
        assert_eq!(again.target(), target);
        assert_eq!(again.card(), model(target).card());
        assert_eq!(again.to_bytes(), bytes);
        for profile in strangers() {
            let (one, other) = (model(target).predict(&profile), again.predict(&profile));
            let bits = |p: &Result<Prediction, NoInputs>| {
                p.as_ref()
                    .map(|p| {
                        (
                            p.margin.to_bits(),
                            p.value.number().to_bits(),
                            p.percentile.to_bits(),
                        )
                    })
                    .expect("inputs")
            };
            assert_eq!(bits(&one), bits(&other));
            assert_eq!(one, other);
        }
        let profile = &strangers()[0];
        assert_eq!(
            model(target).explain(profile, 72),
            again.explain(profile, 72)
        );
    }
}

#[test]
fn a_model_of_a_newer_version_says_so() {
    let mut bytes = model(Target::Churn).to_bytes();
    bytes[8..12].copy_from_slice(&(FORMAT + 1).to_le_bytes());
    let error = Model::from_bytes(&bytes).expect_err("newer");
    assert_eq!(
        error,
        ArtifactError::NewerVersion {
            name: "model",
            found: FORMAT + 1,
            supported: FORMAT
        }
    );
    assert!(error.to_string().contains("newer version of Engagecast"));
}

#[test]
fn damaged_bytes_are_no_model() {
    let bytes = model(Target::Engagement).to_bytes();
    let corrupt =
        |bytes: &[u8]| matches!(Model::from_bytes(bytes), Err(ArtifactError::Corrupt { .. }));
    for length in (0..bytes.len())
        .step_by(997)
        .chain([0, 7, 8, 12, 20, bytes.len() - 1])
    {
        assert!(corrupt(&bytes[..length]), "cut at {length}");
    }
    for at in (0..bytes.len()).step_by(1009) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x40;
        assert!(Model::from_bytes(&bytes).is_err(), "flipped at {at}");
    }
    let longer = [bytes.as_slice(), b"x"].concat();
    assert!(corrupt(&longer));
}

/// Bytes changed by one who also mends the digest.
fn forged(target: Target, change: impl FnOnce(&mut Vec<u8>)) -> Result<Model, ArtifactError> {
    let mut bytes = model(target).to_bytes();
    bytes.truncate(bytes.len() - 32);
    change(&mut bytes);
    let digest = Sha256::digest(&bytes);
    bytes.extend_from_slice(&digest);
    Model::from_bytes(&bytes)
}

#[test]
fn the_digest_is_not_all_that_is_checked() {
    assert!(forged(Target::Engagement, |_| ()).is_ok());
    // Wherever the nodes are hit: an index, a threshold, a value, a cover.
    for at in 1..200 {
        let result = forged(Target::Engagement, |bytes| {
            let place = bytes.len() - at * 3;
            bytes[place] ^= 0xff;
        });
        if let Ok(model) = result {
            for profile in strangers().iter().take(5) {
                let prediction = model.predict(profile).expect("inputs");
                assert!(prediction.margin.is_finite());
                model.explain(profile, 3).expect("inputs");
            }
        }
    }
    for (from, to) in [
        (
            &br#""target":"engagement""#[..],
            &br#""target":"engagemint""#[..],
        ),
        (br#""column":"age""#, br#""column":"aga""#),
        // Its own label as an input.
        (br#""column":"photo_count""#, br#""column":"churn_30_da""#),
    ] {
        let result = forged(Target::Engagement, |bytes| {
            let at = bytes
                .windows(from.len())
                .position(|w| w == from)
                .expect("stands there");
            bytes[at..at + from.len()].copy_from_slice(to);
        });
        assert!(matches!(result, Err(ArtifactError::Corrupt { .. })));
    }
}

/// What the models of [`MODELS`] have on their cards and not in their bytes.
fn origin() -> Origin {
    Origin {
        cohort_id: source().cohort_id,
        cohort_name: source().cohort_name,
        trained_at: moment(),
    }
}

#[test]
fn the_moment_and_the_cohorts_name_are_in_no_bytes() {
    let model = model(Target::Ltv);
    let later = Origin {
        cohort_id: None,
        cohort_name: "another name".to_owned(),
        trained_at: moment() + chrono::TimeDelta::days(3),
    };
    let moved = model.clone().with_origin(later.clone());
    assert_eq!(moved.card().trained_at, later.trained_at);
    assert_eq!(moved.to_bytes(), model.to_bytes());
    let stored = serde_json::to_value(moved.card()).expect("plain data");
    assert_eq!(Origin::of_stored(&stored), Some(later));
}

#[test]
fn a_set_is_the_same_bytes_on_any_number_of_threads_at_any_time() {
    let cohort = cohort(900, 12);
    let trained = |threads: usize, days: i64| {
        let source = source();
        let at = moment() + chrono::TimeDelta::days(days);
        let lesson = Lesson::new(&cohort, &source, at);
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let trained = pool
            .expect("threads")
            .install(|| lesson.train_all(Target::ALL, &Watch::NOBODY));
        let models = trained.expect("models").models;
        assert_eq!(models.len(), Target::ALL.len());
        models.iter().map(Model::to_bytes).collect::<Vec<_>>()
    };
    let one = trained(1, 0);
    assert!(one == trained(2, 1), "one thread, and two a day later");
    assert!(one == trained(4, 2), "one thread, and four later still");
}

#[test]
fn a_set_names_its_version_after_its_models() {
    assert!(
        MODELS.version.starts_with("20251021T000000Z-"),
        "{}",
        MODELS.version
    );
    let models = || MODELS.models().to_vec();
    let again = ModelSet::new(None, moment(), models());
    assert_eq!(again.version, MODELS.version);
    let later = models()[0].clone().with_origin(Origin {
        trained_at: moment() + chrono::TimeDelta::milliseconds(1),
        ..origin()
    });
    let [now, later] = [models()[0].clone(), later];
    let of = |model| ModelSet::new(None, moment(), vec![model]).version;
    assert_ne!(of(now), of(later), "two trainings of a second are two sets");
    // In whatever order they come: they stand in one.
    let turned = ModelSet::new(None, moment(), models().into_iter().rev().collect());
    assert_eq!(turned.version, again.version);
    let names: Vec<_> = turned.models().iter().map(|m| m.target().name()).collect();
    assert!(names.is_sorted(), "{names:?}");
    let fewer = ModelSet::new(None, moment(), models().split_off(1));
    assert_ne!(fewer.version, MODELS.version);
    assert!(fewer.get(Target::Churn).is_none());
}

#[test]
fn a_set_is_one_string_of_bytes() {
    let bytes = MODELS.to_bytes();
    let again = ModelSet::from_bytes(&bytes).expect("a set");
    assert_eq!(again.version, MODELS.version);
    assert_eq!(again.cohort_id, MODELS.cohort_id);
    assert_eq!(again.created_at, MODELS.created_at);
    for (model, known) in again.models().iter().zip(MODELS.models()) {
        assert_eq!(model.card(), known.card());
    }
    assert_eq!(again.to_bytes(), bytes);
    for profile in strangers().iter().take(20) {
        let all = predictions(&again, profile);
        assert_eq!(all, predictions(&MODELS, profile));
        assert_eq!(all.len(), Target::ALL.len());
    }
}

fn predictions<'a>(set: &'a ModelSet, profile: &'a Profile) -> Vec<(Target, Answer<'a>)> {
    let predictions = set.predict_all(profile, 2);
    predictions.map(|(m, p)| (m.target(), p)).collect()
}

#[test]
fn all_answers_at_once_are_those_of_each_model_alone() {
    let nobody = Profile::new();
    let in_part = strangers().into_iter().enumerate().map(|(i, mut profile)| {
        for column in (0..COLUMNS.len()).filter(|column| (column * 7 + i * 13) % 4 == 0) {
            profile.set(column, f64::NAN);
        }
        if i % 3 == 0 {
            profile.set_text(column("location"), "a place that nobody knows");
        }
        profile
    });
    for profile in in_part
        .take(40)
        .chain(strangers().into_iter().take(20))
        .chain([nobody])
    {
        for strongest in [0, 3] {
            for (model, answer) in MODELS.predict_all(&profile, strongest) {
                let alone = match model.applies(&profile) {
                    Err(why) => Err(why.into()),
                    Ok(()) => model
                        .predict(&profile)
                        .map(|prediction| {
                            let reasons = || model.explain(&profile, strongest).expect("inputs");
                            (prediction, (strongest > 0).then(reasons))
                        })
                        .map_err(NoPrediction::from),
                };
                // Floats print as what they are, so nothing rounds.
                assert_eq!(format!("{answer:?}"), format!("{alone:?}"));
            }
        }
    }
}

#[test]
fn a_set_cut_anywhere_or_with_any_byte_changed_is_no_set() {
    let set = |bytes: &[u8]| ModelSet::from_bytes(bytes);
    let bytes = MODELS.to_bytes();
    // Every boundary between its parts, those of its models among them.
    let lengths = MODELS.models().iter().map(|m| m.to_bytes().len());
    let mut ends: Vec<usize> = vec![bytes.len() - 32];
    for length in lengths.rev() {
        ends.push(ends[ends.len() - 1] - length);
    }
    for end in ends.into_iter().chain([0, 8, 12, 20, bytes.len()]) {
        for length in end.saturating_sub(2)..(end + 2).min(bytes.len()) {
            assert!(set(&bytes[..length]).is_err(), "cut at {length}");
        }
    }
    for at in (0..bytes.len()).step_by(bytes.len() / 60).chain(0..24) {
        for bit in [0, 3, 7] {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            assert!(set(&bytes).is_err(), "bit {bit} of byte {at}");
        }
    }
    assert!(set(&[bytes.as_slice(), b"x"].concat()).is_err());
}

#[test]
fn a_set_says_which_version_it_needs() {
    let mut bytes = MODELS.to_bytes();
    bytes[8..12].copy_from_slice(&9_u32.to_le_bytes());
    let error = ModelSet::from_bytes(&bytes).expect_err("newer").to_string();
    assert!(error.starts_with("the model set was written in format 9 by a newer version"));
    let error = ModelSet::from_bytes(&model(Target::Churn).to_bytes()).expect_err("a model");
    assert_eq!(
        error.to_string(),
        "the model set is damaged: it does not begin as one"
    );
}

#[test]
fn a_set_has_no_two_models_for_one_target() {
    let twice = vec![model(Target::Churn).clone(), model(Target::Churn).clone()];
    let bytes = ModelSet::new(None, moment(), twice).to_bytes();
    let error = ModelSet::from_bytes(&bytes).expect_err("two for one target");
    assert!(error.to_string().contains("two models for one target"));
}
