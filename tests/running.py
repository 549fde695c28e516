"""Planning and running in this process, as `bench run` does without its command line."""

from __future__ import annotations

from bench.cost import effort
from bench.loaded import LoadedModels
from bench.measuring import CostOptions
from bench.models.registry import ModelEntry
from bench.plan import Options
from bench.planning import make_plan
from bench.results.index import ResultIndex
from bench.results.store import ResultStore
from bench.runner import execute
from bench.tasks.catalog import select_tasks


class Silent:
    """A listener that only keeps what was encoded, written and failed."""

    def __init__(self):
        self.encoded, self.files, self.failures, self.loaded, self.audits = 0, [], [], [], []

    def loading(self, model):
        self.loaded.append(model)

    def encoding(self, model, task, progress):
        if progress.reused + progress.encoded == progress.total:
            self.encoded += progress.encoded

    def audited(self, task, path):
        self.audits.append(path)

    def wrote(self, path):
        self.files.append(path)

    def failed(self, failure):
        self.failures.append(failure)

    def waiting(self, model): ...
    def batching(self, model, how): ...
    def scoring(self, model, task, done, total, what): ...
    def measuring(self, task, step): ...
    def damaged(self, model, files): ...


def entry(folder, name="m", **settings):
    return ModelEntry(name=name, source=[str(folder)], **settings)


def plan_of(entries, tasks, results, **options):
    listener = Silent()
    models = LoadedModels(listener)
    index = ResultIndex(ResultStore(results).records())
    chosen = Options(results=results, cost=False, **options)
    plan = make_plan(entries, select_tasks([str(task) for task in tasks], []), index, chosen, models.profile)
    return plan, models, listener


def run(entries, tasks, results, **options):
    plan, models, listener = plan_of(entries, tasks, results, **options)
    failures = execute(plan, results, models, listener, CostOptions(effort.KEEP))
    return plan, failures, listener


def values(results):
    """Every metric's value by model, task and view, of the newest records."""
    index = ResultIndex(ResultStore(results).records())
    return {
        (key[0], key[1], key[2], key[4], name): value.value
        for key, cell in index.cells.items()
        for name, value in cell.record.views[cell.position].metrics.items()
    }
