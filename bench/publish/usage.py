"""The code in a model card: how sentence-transformers encodes with the model as it was measured."""

from __future__ import annotations

from bench.models.keys import NAMES_OF_ROLES, ROLES, TASK_TYPES, Role, split_key
from bench.models.profile import ModelProfile
from bench.models.prompts import (
    ANY_TASK,
    DEFAULT_INSTRUCTIONS,
    PLACEHOLDER,
    Instruction,
    PromptTask,
    resolve_prompt,
    text_context,
)
from bench.models.registry import ModelEntry

_EXAMPLES: dict[Role, tuple[str, str, str]] = {
    "query": ("queries", "encode_query", '["a question"]'),
    "document": ("documents", "encode_document", '["an answer"]'),
    "text": ("texts", "encode", '["a text that is compared with its like"]'),
}
# An instruction is one of a type of tasks at least: those of retrieval and of symmetric tasks.
_TYPES: dict[Role, str] = {"query": "Retrieval", "document": "Retrieval", "text": "STS"}
_ANY = '["a text", "another"]'


def usage(entry: ModelEntry, profile: ModelProfile, folder: str, dim: int | None) -> str:
    """Code in Markdown.

    Args:
        entry: The model's entry.
        profile: What is known of the model.
        folder: The name of the folder that it is in.
        dim: Fewer dimensions to show; None for none.
    """
    # As ASCII: a folder's name may hold what is no text.
    place = ascii(f"./{folder}")
    remote = ", trust_remote_code=True" if entry.trust_remote_code else ""
    lines = ["```python", "from sentence_transformers import SentenceTransformer", ""]
    lines += [f"model = SentenceTransformer({place}{remote})", *_calls(entry, profile), "```"]
    if dim is not None:
        again = ", normalize_embeddings=True" if profile.similarity == "cosine" else ""
        lines += ["", "Fewer dimensions, as they were measured:", "", "```python"]
        lines += [f"model = SentenceTransformer({place}, truncate_dim={dim}{remote})"]
        lines += [*_calls(entry, profile, again), "```"]
    return "\n".join(lines)


def _calls(entry: ModelEntry, profile: ModelProfile, more: str = "") -> list[str]:
    """A line a role, and one for each task with an argument of its own."""
    # Beside others a text would get another vector.
    more = (", batch_size=1" if profile.batching != "any" else "") + more
    contexts = {role: text_context(entry, profile, ANY_TASK, role) for role in ROLES}
    templates = {role: template for role in ROLES if (template := instructed(entry, profile, role)) is not None}
    if len(set(contexts.values())) == 1 and not templates and not entry.task:
        return [f"vectors = model.encode({_ANY}{more})"]
    lines = [f"instruction = {DEFAULT_INSTRUCTIONS['Retrieval']!a}"] if templates else []
    # A model that tells queries from documents may have no way for other texts.
    known = [role for role in ROLES if role != "text" or not profile.role_matters or contexts[role].task]
    for role in known:
        name, way, texts = _EXAMPLES[role]
        context, template = contexts[role], templates.get(role)
        prompt = f", prompt={template!a}.replace({PLACEHOLDER!a}, instruction)" if template else ""
        if context.task not in {None, role}:
            prompt = prompt or f", prompt={context.prompt!a}"
            lines.append(f"{name} = model.encode({texts}, task={context.task!a}{prompt}{more})")
        else:
            lines.append(f"{name} = model.{way}({texts}{prompt}{more})")
    return [*lines, *_by_task(entry, profile, more)]


def instructed(entry: ModelEntry, profile: ModelProfile, role: Role) -> str | None:
    """The prompt with a place for an instruction that goes before inputs of a role; None where there is none."""
    # Filled with its own place, a prompt is what it was.
    task = PromptTask((), _TYPES[role], lambda _: Instruction(PLACEHOLDER, "card"))
    found = resolve_prompt(entry, profile.prompts, profile.default_prompt, task, role)
    return found.prompt if found.instruction is not None else None


def _by_task(entry: ModelEntry, profile: ModelProfile, more: str) -> list[str]:
    lines = []
    roles = {name for names in NAMES_OF_ROLES.values() for name in names}
    for key in entry.task:
        base, suffix = split_key(key)
        if base in roles:
            continue
        role: Role = next((role for role in ROLES if suffix in NAMES_OF_ROLES[role]), "text")
        task = PromptTask((), base) if base in TASK_TYPES else PromptTask((base,))
        context = text_context(entry, profile, task, role)
        prompt = "" if not context.prompt else f", prompt={context.prompt!a}"
        lines.append(f"vectors = model.encode({_ANY}, task={context.task!a}{prompt}{more})  # {ascii(key)[1:-1]}")
    return lines
