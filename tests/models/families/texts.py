"""The texts that families are compared on, and whose words their tokenizers know."""

from __future__ import annotations

from support import WORDS

QUERIES = [
    "which steel pipe fits a two inch valve?",
    "red paint for the door",
    "how do I fix a leaking tap",
    "best saw blade for hard wood",
    "lamp",
    "水道の修理",
    "Where is the key of the window lock, and who has it?",
    "garden hose with a brass hinge",
    # Of characters that no vocabulary of words has.
    "☃ steel ☂ nail",
]
DOCUMENTS = [
    "A steel pipe of two inches fits the large brass valve.",
    "Red paint dries on a wooden door within two hours.",
    "Tape and glue close a leaking tap for some days; a new washer repairs it.",
    "The saw blade has fine teeth for hard wood and a coating against rust.",
    "nail",
    "Small lamp with wire, plug and switch",
    "赤いペンキはドアに使います。",
    # Longer than any of the models takes in.
    " ".join(f"{word} {n}" for n, word in enumerate([*WORDS] * 20)),
    "The window lock has two keys. One hangs beside the door.",
    "Hose of green rubber, ten metres, for the garden",
]
SENTENCES = [
    "A man fixes a steel pipe.",
    "Someone repairs a metal tube.",
    "A woman paints the small door red.",
    "The lamp is blue.",
    "The light has the colour of the sky.",
    "Two children play with a garden hose.",
    "Nobody turned the valve.",
    "drill",
]
LABELLED = [
    "My order of nails did not arrive",
    "I want to return the drill",
    "When will my parcel with the lamp arrive?",
    "Please refund the price of the saw",
    "What does a litre of blue paint cost?",
    "Is the brass hinge cheaper than the steel one?",
    "The parcel came without screws",
    "I would like my money back for this hose",
]
# Prompts of the families: their words are tokens, so that a prompt does not fill what a model takes in.
_PROMPTS = [
    "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: ",
    "Instruct: Given a scientific claim, retrieve documents that support or refute the claim\nQuery: ",
    "Instruct: Given a online banking query, find the corresponding intents\nQuery: ",
    "Instruct: Retrieve semantically similar text.\nQuery: ",
    "Represent this sentence for searching relevant passages: ",
    "Represent the query for retrieving evidence documents: ",
    "Represent the document for retrieval: Document: ",
    "task: search result | query: title: none | text: sentence similarity | classification | clustering | query: ",
    "search_query: search_document: classification: clustering: categorize: categorize_topic: paraphrase: passage: ",
    "検索クエリ: 検索文書: トピック: ",
]
ALL = [*QUERIES[:-1], *DOCUMENTS, *SENTENCES, *LABELLED, *_PROMPTS]
