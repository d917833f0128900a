//! How many requests of each class are in flight, and when there is no room for
//! one more.
//!
//! Invariant: nobody waits for room. Who finds none is told so at once, so that
//! what is in flight, and the memory that it takes, is bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::guard::Class;
use super::problem::{self, Problem};

/// How much is in flight at a time.
#[derive(Debug, Clone, Copy)]
pub struct InFlight {
    /// Predictions for one customer.
    pub predictions: usize,
    /// Batches, exports, uploads and reports, until their answer is sent.
    pub heavy: usize,
    /// All others, but those that are open to everybody.
    pub light: usize,
}

/// The room for each class of requests.
pub struct Rooms {
    predictions: Arc<Room>,
    heavy: Arc<Room>,
    light: Arc<Room>,
}

struct Room {
    places: usize,
    taken: AtomicUsize,
}

/// A place in a room, until it and all its clones are dropped.
#[derive(Clone)]
pub struct Place {
    _taken: Arc<Taken>,
}

/// What is given back.
struct Taken(Arc<Room>);

impl Rooms {
    pub fn new(most: InFlight) -> Self {
        let room = |places| {
            Arc::new(Room {
                places,
                taken: AtomicUsize::new(0),
            })
        };
        Self {
            predictions: room(most.predictions),
            heavy: room(most.heavy),
            light: room(most.light),
        }
    }

    fn of(&self, class: Class) -> &Arc<Room> {
        match class {
            Class::Prediction => &self.predictions,
            Class::Heavy => &self.heavy,
            Class::Light => &self.light,
        }
    }

    /// How many places are taken.
    pub fn taken(&self, class: Class) -> usize {
        self.of(class).taken.load(Ordering::Relaxed)
    }

    /// Takes a place for a request of this class.
    pub fn enter(&self, class: Class) -> Result<Place, Problem> {
        let room = self.of(class);
        // Taken first and given back after, so that two never take the last one.
        let taken = Taken(Arc::clone(room));
        if room.taken.fetch_add(1, Ordering::Relaxed) < room.places {
            return Ok(Place {
                _taken: Arc::new(taken),
            });
        }
        Err(problem::no_room())
    }
}

impl Default for Rooms {
    /// No room at all.
    fn default() -> Self {
        Self::new(InFlight {
            predictions: 0,
            heavy: 0,
            light: 0,
        })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_a_room_of_its_own_and_a_place_is_given_back() {
        let rooms = Rooms::new(InFlight {
            predictions: 2,
            heavy: 1,
            light: 1,
        });
        let first = rooms.enter(Class::Prediction).unwrap();
        let _second = rooms.enter(Class::Prediction).unwrap();
        for _ in 0..3 {
            assert!(rooms.enter(Class::Prediction).is_err());
        }
        let _heavy = rooms.enter(Class::Heavy).unwrap();
        assert!(rooms.enter(Class::Heavy).is_err());
        assert!(rooms.enter(Class::Light).is_ok());
        drop(first);
        assert!(rooms.enter(Class::Prediction).is_ok());
    }

    #[test]
    fn as_many_come_in_at_once_as_there_are_places() {
        let rooms = Rooms::new(InFlight {
            predictions: 7,
            heavy: 0,
            light: 0,
        });
        let enter = || (0..100).filter_map(|_| rooms.enter(Class::Prediction).ok());
        std::thread::scope(|scope| {
            let all = || enter().collect::<Vec<_>>();
            let taken: Vec<_> = (0..4).map(|_| scope.spawn(all)).collect();
            let taken: Vec<_> = taken.into_iter().map(|all| all.join().unwrap()).collect();
            assert_eq!(taken.iter().map(Vec::len).sum::<usize>(), 7);
        });
    }
}
