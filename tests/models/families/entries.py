"""Keys of the families' entries: prompts and tasks, for every type of tasks that mteb has them for."""

from __future__ import annotations

from typing import Any

BGE = "Represent this sentence for searching relevant passages: "
E5_INSTRUCT = "Instruct: {instruction}\nQuery: "
QWEN3 = "Instruct: {instruction}\nQuery:"
KALM = "Instruct: {instruction} \n Query: "
_BANKING = "Instruct: Given an online banking query, find the corresponding intents \n Query: "
KALM_OWN = {
    "SciFact-query": "Instruct: Given a query, retrieve documents that answer the query \n Query: ",
    "Banking77Classification": _BANKING,
}
KALM_V1_OWN = dict.fromkeys(["STS", "PairClassification", "Summarization"], "") | {"Banking77Classification": _BANKING}
BM_RETRIEVER: dict[str, Any] = {
    "prompts": {"query": "{instruction}\nQuery: ", "document": "Represent this passage\npassage: "},
    "pooling": "lasttoken",
    "padding_side": "left",
    "add_eos_token": True,
}
REMOTE = {"trust_remote_code": True}

_OF_CLASSES = ("Classification", "MultilabelClassification", "PairClassification", "Reranking", "STS", "Summarization")
# mteb's wrapper takes the documents' prompt where it has none for a type of tasks.
NOMIC = {
    "query": "search_query: ",
    "document": "search_document: ",
    "text": "search_document: ",
    **dict.fromkeys(_OF_CLASSES, "classification: "),
    "Clustering": "clustering: ",
}
FRIDA = {
    "query": "search_query: ",
    "document": "search_document: ",
    **dict.fromkeys(["STS", "PairClassification", "Reranking"], "paraphrase: "),
    "Reranking-query": "search_query: ",
    "Reranking-document": "search_document: ",
    **dict.fromkeys(["Classification", "MultilabelClassification", "Summarization"], "categorize: "),
    "Clustering": "categorize_topic: ",
}
RURI = {
    **dict.fromkeys(["Retrieval-query", "Reranking-query"], "検索クエリ: "),
    **dict.fromkeys(["Retrieval-document", "Reranking-document"], "検索文書: "),
    **dict.fromkeys(["Classification", "Clustering"], "トピック: "),
}
JINA_V3: dict[str, Any] = {
    "task": {
        "Retrieval-query": "retrieval.query",
        "Retrieval-document": "retrieval.passage",
        **dict.fromkeys(["STS", "BitextMining", "Summarization"], "text-matching"),
        **dict.fromkeys(["Classification", "MultilabelClassification", "PairClassification"], "classification"),
        **dict.fromkeys(["Clustering", "Reranking"], "separation"),
        # Of all other types without an adapter: the model knows no roles.
        "query": "",
        "document": "",
    },
    "prompts": {
        "Retrieval-query": "Represent the query for retrieving evidence documents: ",
        "Retrieval-document": "Represent the document for retrieval: ",
    },
}
JINA_V5: dict[str, Any] = {
    "task": {
        **dict.fromkeys(["query", "document", "text"], "retrieval"),
        **dict.fromkeys(["STS", "PairClassification", "BitextMining", "Summarization"], "text-matching"),
        **dict.fromkeys(["Classification", "MultilabelClassification"], "classification"),
        "Clustering": "clustering",
    },
    "prompts": {"query": "Query: ", "document": "Document: ", "text": "Document: "},
}


def instruct(template: str, **own: str) -> dict[str, Any]:
    """An instruction template for queries and symmetric texts, and the model's own prompts of some tasks."""
    return {"prompts": {"query": template, **own}}
