//! What fuzzing found, and what it took to get far into a parser, is read again:
//! `tests/data/fuzz` has a folder for each target of `fuzz/`.

use std::fs;
use std::path::Path;

use engagecast::http::fuzzing;

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 8] = [
    ("arrow", fuzzing::arrow),
    ("csv", fuzzing::csv),
    ("cursor", fuzzing::cursor),
    ("customer", fuzzing::customer),
    ("inference", fuzzing::inference),
    ("ndjson", fuzzing::ndjson),
    ("parquet", fuzzing::parquet),
    ("upload", fuzzing::upload),
];

#[test]
fn nothing_that_was_found_fails_again() {
    let inputs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz");
    for (name, target) in TARGETS {
        let files = fs::read_dir(inputs.join(name)).expect("a folder for each target");
        let mut count = 0;
        for file in files {
            let path = file.expect("a file").path();
            // A panic names the input.
            println!("{}", path.display());
            target(&fs::read(path).expect("bytes"));
            count += 1;
        }
        assert!(count > 0, "{name} has no inputs");
    }
}
