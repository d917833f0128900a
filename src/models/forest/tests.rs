//! Forests by hand, and forests from elsewhere.

use super::*;

pub(in super::super) fn split(place: usize, threshold: f32, children: [usize; 2]) -> Source {
    Source {
        cover: 0.0,
        split: Ok(Split {
            place,
            threshold,
            missing_left: false,
            left: children[0],
            right: children[1],
        }),
    }
}

pub(in super::super) fn leaf(cover: f32, value: f32) -> Source {
    Source {
        cover,
        split: Err(value),
    }
}

fn stump() -> Vec<Source> {
    vec![split(1, 2.0, [2, 1]), leaf(3.0, 10.0), leaf(1.0, -10.0)]
}

#[test]
fn smaller_goes_left_and_missing_goes_its_way() {
    let mut forest = Forest::new(0.5, 2);
    forest.push(&stump()).unwrap();
    assert!((forest.margin(&[0.0, 1.9]) - -9.5).abs() < 1e-12);
    assert!((forest.margin(&[0.0, 2.0]) - 10.5).abs() < 1e-12);
    assert!((forest.margin(&[0.0, f32::NAN]) - 10.5).abs() < 1e-12);
    let mut left = stump();
    if let Ok(split) = &mut left[0].split {
        split.missing_left = true;
    }
    forest.push(&left).unwrap();
    assert!((forest.margin(&[0.0, f32::NAN]) - 0.5).abs() < 1e-12);
}

#[test]
fn a_lone_leaf_is_a_tree() {
    let mut forest = Forest::new(0.0, 1);
    forest.push(&[leaf(1.0, 0.25)]).unwrap();
    assert!((forest.margin(&[f32::INFINITY]) - 0.25).abs() < 1e-12);
}

#[test]
fn a_blend_of_two_forests_lies_between_their_margins() {
    let mut one = Forest::new(0.5, 2);
    one.push(&stump()).unwrap();
    let mut other = Forest::new(-1.5, 2);
    other.push(&[leaf(1.0, 3.0)]).unwrap();
    other.push(&stump()).unwrap();
    for row in [[0.0, 1.0], [0.0, 3.0]] {
        let known = 0.75 * one.margin(&row) + 0.25 * other.margin(&row);
        let found = one.clone().blend(other.clone(), 0.25).margin(&row);
        assert!((found - known).abs() < 1e-12);
    }
}

#[test]
fn refuses_what_is_no_tree() {
    let fault = |nodes: &[Source]| Forest::new(0.0, 2).push(nodes).unwrap_err().fault;
    assert_eq!(fault(&[]), "a child is not there");
    let short = [split(0, 1.0, [1, 2]), leaf(1.0, 1.0)];
    assert_eq!(fault(&short), "more children than nodes");
    let astray = [split(0, 1.0, [1, 7]), leaf(1.0, 1.0), leaf(1.0, 0.0)];
    assert_eq!(fault(&astray), "a child is not there");
    assert_eq!(fault(&[split(0, 1.0, [0, 0])]), "more children than nodes");
    let beyond = [split(2, 1.0, [1, 2]), leaf(1.0, 0.0), leaf(1.0, 0.0)];
    assert_eq!(fault(&beyond), "a split reads beyond the row");
    let endless = [
        split(0, f32::INFINITY, [1, 2]),
        leaf(1.0, 0.0),
        leaf(1.0, 0.0),
    ];
    assert_eq!(fault(&endless), "a threshold is not finite");
    let unbounded = [split(0, 1.0, [1, 2]), leaf(1.0, f32::NAN), leaf(1.0, 0.0)];
    assert_eq!(fault(&unbounded), "a value is not finite");
}

#[test]
fn refuses_a_loop_in_a_tree_laid_out_elsewhere() {
    let nodes = |left| {
        [
            Node {
                threshold: 1.0,
                split: 0,
                left,
            },
            super::build::leaf(1).unwrap(),
            super::build::leaf(2).unwrap(),
        ]
    };
    let push = |left| Forest::new(0.0, 1).push_flat(&nodes(left), &[0.0; 3], &[1.0; 3]);
    assert_eq!(push(1), Ok(()));
    assert!(push(0).is_err());
    assert!(push(2).is_err());
    assert!(push(u16::MAX).is_err());
}
