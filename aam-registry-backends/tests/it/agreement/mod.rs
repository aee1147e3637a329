//! Random operations have the same results on every database as in memory.

mod operation;
mod world;

use aam_registry_core::{memory::MemoryMetadata, ports::Database};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};

use operation::Operation;
use world::World;

/// Runs the same operations on `make`'s databases and in memory, and compares every answer and everything that can
/// be read in the end.
pub(crate) fn check<S: Database, H>(make: impl AsyncFn() -> (S, H)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let asked = (vec(Operation::any(), 1..120), vec(world::searched(), 8));
    let checked = runner.run(&asked, |(operations, searches)| {
        runtime.block_on(async {
            let (ours, _held) = make().await;
            // With some packages there, most of the operations that follow are not simply refused.
            let operations = [Operation::first_publishes(), operations].concat();
            compare(&ours, &operations, &searches).await
        })
    });
    if let Err(error) = checked {
        panic!("{error}");
    }
}

async fn compare(ours: &dyn Database, operations: &[Operation], searches: &[String]) -> Result<(), TestCaseError> {
    let model = MemoryMetadata::new();
    let world = World::new();
    world.settle(ours).await;
    world.settle(&model).await;
    for (at, operation) in (1..).zip(operations) {
        let task = operation.task(&world, at);
        let (expected, answer) = (task.perform(&model).await, task.perform(ours).await);
        prop_assert_eq!(answer, expected, "the answer to {:?}", operation);
    }
    let (expected, found) = (world.everything(&model, searches).await, world.everything(ours, searches).await);
    for ((what, found), (_, expected)) in found.into_iter().zip(expected) {
        prop_assert_eq!(found, expected, "{} after {:?}", what, operations);
    }
    Ok(())
}
