//! Keeping models as bytes, and reading them back.

use engagecast::models::{ArtifactError, FORMAT, Model, ModelSet, NoInputs, Prediction, Target};
use sha2::{Digest, Sha256};

use crate::support::trained::{MODELS, model, moment, strangers};

#[test]
fn a_kept_model_is_the_same_to_the_bit() {
    for &target in Target::ALL {
        let bytes = model(target).to_bytes();
        let again = Model::from_bytes(&bytes).expect("a model");
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
            found: FORMAT + 1,
            supported: FORMAT
        }
    );
    assert!(error.to_string().contains("newer version of Engagecast"));
}

#[test]
fn damaged_bytes_are_no_model() {
    let bytes = model(Target::Engagement).to_bytes();
    let corrupt = |bytes: &[u8]| matches!(Model::from_bytes(bytes), Err(ArtifactError::Corrupt(_)));
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
        assert!(matches!(result, Err(ArtifactError::Corrupt(_))));
    }
}

#[test]
fn a_set_names_its_version_after_its_models() {
    assert!(
        MODELS.version.starts_with("20251021T000000Z-"),
        "{}",
        MODELS.version
    );
    let models = || MODELS.models.clone();
    let again = ModelSet::new(None, moment(), models());
    assert_eq!(again.version, MODELS.version);
    let fewer = ModelSet::new(None, moment(), models().split_off(1));
    assert_ne!(fewer.version, MODELS.version);
    assert!(fewer.get(Target::Churn).is_none());
}
