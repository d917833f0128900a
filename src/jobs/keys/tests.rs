//! Keys in memory, without a database.

use std::hint::black_box;
use std::time::Instant;

use super::*;

fn row(token: &Token, name: &str, scope: &str) -> ApiKey {
    ApiKey {
        id: Uuid::new_v4(),
        name: name.into(),
        scope: scope.into(),
        ..seeded(token, DateTime::UNIX_EPOCH)
    }
}

fn find(keys: &Keys, token: &Token) -> Found {
    keys.find(token.reveal().as_bytes(), Utc::now)
}

fn token() -> Token {
    Token::fresh().unwrap()
}

#[test]
fn a_key_is_found_by_its_hash_until_it_is_revoked_or_over() {
    let (good, revoked, over, strange) = (token(), token(), token(), token());
    let mut rows = vec![
        row(&good, "good", "read"),
        row(&revoked, "revoked", "admin"),
        row(&over, "over", "admin"),
        row(&strange, "of a later version", "owner"),
    ];
    rows[1].revoked_at = Some(DateTime::UNIX_EPOCH);
    rows[2].expires_at = Some(DateTime::UNIX_EPOCH);
    let keys = Keys::default();
    keys.hold(&rows, true);
    let Found::Key(found) = find(&keys, &good) else {
        panic!("it is good");
    };
    assert_eq!((&*found.name, found.scope), ("good", KeyScope::Read));
    for token in [revoked, over, strange, token()] {
        assert!(matches!(find(&keys, &token), Found::Unknown));
    }
    assert!(matches!(keys.find(&[b'x'; 9000], Utc::now), Found::Unknown));
    rows[0].revoked_at = Some(DateTime::UNIX_EPOCH);
    keys.hold(&rows, true);
    assert!(matches!(find(&keys, &good), Found::Unknown));
}

#[test]
fn before_the_database_was_asked_only_the_seed_is_known() {
    let seed = token();
    let keys = Keys::new(KeySettings {
        seed: Some(seed.clone()),
        ..KeySettings::default()
    });
    assert!(!keys.anonymous(), "nobody is let in unless it is said so");
    assert!(matches!(find(&keys, &seed), Found::Key(key) if key.scope == KeyScope::Admin));
    assert!(matches!(find(&keys, &token()), Found::NotYet));
    let mut known = seeded(&seed, DateTime::UNIX_EPOCH);
    known.revoked_at = Some(DateTime::UNIX_EPOCH);
    keys.hold(&[known], true);
    assert!(matches!(find(&keys, &seed), Found::Unknown), "revoked");
}

#[test]
fn what_a_key_was_used_for_outlives_a_look_at_the_database() {
    let token = token();
    let mut rows = [row(&token, "limited", "predict")];
    rows[0].rate_limit = Some(1);
    let keys = Keys::default();
    let take = |keys: &Keys| match find(keys, &token) {
        Found::Key(key) => {
            key.touch();
            key.rate.as_ref().unwrap().take()
        }
        _ => panic!("it is good"),
    };
    keys.hold(&rows, true);
    assert_eq!(take(&keys).wait, None);
    keys.hold(&rows, true);
    assert!(take(&keys).wait.is_some(), "the same second's worth");
    assert_eq!(keys.used(Utc::now())[0].0, rows[0].id);
    assert!(keys.used(Utc::now()).is_empty(), "written once");
    rows[0].rate_limit = Some(5);
    keys.hold(&rows, true);
    assert_eq!(take(&keys).limit, 5, "another limit is another start");
}

#[test]
fn nothing_of_a_key_can_be_found_out_by_coming_near_to_it() {
    // What is compared is a hash, and that of a key that is all but right has
    // nothing in common with the right one.
    let token = token();
    let mut near = token.reveal().to_owned();
    let last = if near.ends_with('0') { "1" } else { "0" };
    near.replace_range(near.len() - 1.., last);
    let (right, wrong) = (token.hash(), Token::hash_of(near.as_bytes()).unwrap());
    let differ = right.iter().zip(wrong).map(|(a, b)| (a ^ b).count_ones());
    let differ: u32 = differ.sum();
    // Of 256 bits a half, give or take six standard deviations.
    assert!((80..=176).contains(&differ), "{differ}");
}

/// Measures how long each look takes: the least of many times, which a busy
/// machine makes no longer, only later known.
fn measure(least: &mut [f64], looks: &[(&Keys, Vec<u8>)]) {
    for _ in 0..50 {
        for (least, (keys, presented)) in least.iter_mut().zip(looks) {
            let begun = Instant::now();
            for _ in 0..20 {
                black_box(keys.find(black_box(presented), Utc::now));
            }
            *least = least.min(begun.elapsed().as_secs_f64());
        }
    }
}

#[test]
fn how_long_a_look_takes_tells_neither_what_is_wrong_with_a_key_nor_how_many_there_are() {
    let (right, over, revoked) = (token(), token(), token());
    let mut rows = vec![
        row(&right, "right", "admin"),
        row(&over, "over", "admin"),
        row(&revoked, "revoked", "admin"),
    ];
    rows[1].expires_at = Some(DateTime::UNIX_EPOCH);
    rows[2].revoked_at = Some(DateTime::UNIX_EPOCH);
    let few = Keys::default();
    few.hold(&rows, true);
    rows.extend((0..5000).map(|_| row(&token(), "another", "read")));
    let many = Keys::default();
    many.hold(&rows, true);

    let bytes = |token: &Token| token.reveal().as_bytes().to_vec();
    let wrong_from = |at: usize| {
        let mut wrong = bytes(&right);
        wrong[at..].iter_mut().for_each(|byte| *byte = b'x');
        wrong
    };
    let end = right.reveal().len() - 1;
    let mut presented: Vec<_> = [0, 12, 40, end].map(wrong_from).into();
    presented.extend([&right, &over, &revoked].map(bytes));
    let all = |keys| presented.iter().map(move |bytes| (keys, bytes.clone()));
    let looks: Vec<_> = all(&few).chain(all(&many)).collect();

    let begun = Instant::now();
    let mut least = vec![f64::INFINITY; looks.len()];
    loop {
        measure(&mut least, &looks);
        let longest = least.iter().copied().fold(0.0, f64::max);
        let shortest = least.iter().copied().fold(f64::INFINITY, f64::min);
        if longest < 1.3 * shortest {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{least:?}");
    }
}
