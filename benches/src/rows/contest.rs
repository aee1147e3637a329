use crate::{
    OURS,
    bench::Bench,
    error::{Failure, Result},
    load::{Loaded, Request, Tool},
    measure::Row,
    server::{Canned, Registry},
    yardsticks::{Kind, Work},
};

/// Starts yardsticks and adds them to the row; those that cannot start are listed as absent.
pub(super) async fn add_yardsticks(
    row: &mut Row,
    bench: &Bench,
    work: &Work,
    kinds: &[Kind],
    (tool, connections): (&Tool, u32),
) {
    for kind in kinds {
        match kind.start(bench, work).await {
            Ok(yardstick) => {
                row.contenders.push(Box::new(Loaded {
                    name: kind.name().to_owned(),
                    pid: yardstick.pid(),
                    tool: tool.clone(),
                    request: yardstick.request(connections),
                }));
                row.keep(yardstick);
            }
            Err(Failure::Absent(why)) => row.absent.push(why),
            Err(failure) => row.absent.push(format!("{} cannot take part: {failure}", kind.name())),
        }
    }
}

/// Adds the registry to the row, with the same work.
pub(super) fn add_registry(row: &mut Row, registry: Registry, work: &Work, (tool, connections): (&Tool, u32)) {
    let mut request = Request::new(registry.base(), &*work.answer.path, connections);
    request.headers.clone_from(&work.asked);
    row.contenders.push(Box::new(Loaded { name: OURS.to_owned(), pid: registry.pid(), tool: tool.clone(), request }));
    row.keep(registry);
}

/// The work of downloading one path of a registry.
pub(super) async fn work_of(registry: &Registry, path: &str, asked: &[(String, String)]) -> Result<Work> {
    let whole = registry.get(path).await?;
    let answer: Canned = if asked.is_empty() { whole.clone() } else { registry.get_with(path, asked).await? };
    Ok(Work { whole, asked: asked.to_vec(), answer, protocol: crate::yardsticks::Protocol::Http1 })
}
