"""What mteb's own search, ranking and metrics give for scores at hand, for tests."""

from __future__ import annotations

import numpy as np


class ScoresAtHand:
    """An encoder for mteb whose vectors are row numbers, and whose similarity looks scores up in a table."""

    def __init__(self, scores):
        from mteb.models.model_meta import ModelMeta

        self.mteb_model_meta = ModelMeta.create_empty()
        self._scores = np.asarray(scores, dtype=np.float32)
        self._next = 0

    def encode(self, inputs, *, prompt_type=None, **_):
        count = sum(len(batch["text"]) for batch in inputs)
        if prompt_type.value == "query":
            return np.arange(count)
        self._next += count
        return np.arange(self._next - count, self._next)

    def similarity(self, queries, documents):
        import torch

        return torch.from_numpy(self._scores[np.asarray(queries)][:, np.asarray(documents)])

    def similarity_pairwise(self, queries, documents):
        raise NotImplementedError


def mteb_scores(scores, document_ids, query_ids, labels, *, ignore_identical_ids=False, chunk=50_000):
    """Every value of mteb's result.

    Args:
        scores: Shape (queries, documents), float32.
        document_ids: Ids of the columns.
        query_ids: Ids of the rows, all of which are judged.
        labels: Label by document id, by query id.
        ignore_identical_ids: The task's setting.
        chunk: Documents that mteb scores at once.
    """
    from datasets import Dataset
    from mteb.abstasks.retrieval import AbsTaskRetrieval
    from mteb.abstasks.task_metadata import TaskMetadata
    from mteb.models.search_wrappers import SearchEncoderWrapper

    class Local(AbsTaskRetrieval):
        pass

    Local.metadata = TaskMetadata(
        name="Local", description="local", type="Retrieval", category="t2t", modalities=["text"],
        main_score="ndcg_at_10", dataset={"path": "local/data", "revision": "1"}, eval_splits=["test"],
        eval_langs=["eng-Latn"],
    )  # fmt: skip
    Local.ignore_identical_ids = ignore_identical_ids
    task = Local()
    texts = {"corpus": document_ids, "queries": query_ids}
    split = {name: Dataset.from_dict({"id": list(ids), "text": ["text"] * len(ids)}) for name, ids in texts.items()}
    task.dataset = {"default": {"test": {**split, "relevant_docs": labels, "top_ranked": None}}}
    task.data_loaded = True
    search = SearchEncoderWrapper(ScoresAtHand(scores), corpus_chunk_size=chunk)
    return task.evaluate(search, "test", encode_kwargs={"batch_size": 4096, "show_progress_bar": False})["default"]
