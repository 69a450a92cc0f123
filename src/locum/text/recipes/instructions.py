"""Instructions and answers: Self-Instruct, Magpie, Evol-Instruct, backtranslation, personas."""

from __future__ import annotations

import re
from collections.abc import Sequence

from locum.text.curate.rouge import Likeness
from locum.text.failures import Lost, Reason
from locum.text.recipes.kit import Kit, Row, first_line, lose_if, need, unlike
from locum.text.runs.dedup import normal
from locum.text.verify.base import fault
from locum.text.verify.by_model import JudgeVerifier
from locum.text.verify.phrases import Refusal, refusing, word_set
from locum.text.verify.repetition import NoLoop

#: What a text model cannot do or show (Self-Instruct, appendix).
_BANNED = re.compile(
    r"\b(?:image|images|graph|graphs|picture|pictures|file|files|map|maps|draw|plot|go to|video|audio|music|"
    r"flowchart|diagram)\b",
    re.IGNORECASE,
)
_CLASSIFIES = re.compile(r"\b(?:classify|true or false|yes or no|which (?:of|category))", re.IGNORECASE)


def unfit(instruction: str) -> str:
    """Why Self-Instruct drops an instruction before looking at the pool; empty for none.

    Three to 150 words, none of the words for pictures and files, not "Write a program", no odd beginning.
    """
    count = len(instruction.split())
    if count < 3:
        return "too short"
    if count > 150:
        return "too long"
    if _BANNED.search(instruction):
        return "asks for what a text model cannot do"
    if instruction.lower().startswith("write a program"):
        return "write a program"
    if not instruction[0].isalnum() or not instruction[0].isascii():
        return "odd beginning"
    return ""


async def self_instruct(kit: Kit, seeds: Sequence[str], rows: int, *, tries: int = 6) -> list[Row]:
    """New instructions from a pool that grows, with their answers.

    Parameters
    ----------
    kit
        Model, seed and counts.
    seeds
        Instructions that people wrote, at least 4.
    rows
        Instructions wanted.
    tries
        Attempts at most, in multiples of `rows`.

    Returns
    -------
    list of dict
        ``instruction``, ``output``, ``classification`` (whether it asks for a label).

    Notes
    -----
    Source: Wang et al. 2022 (arXiv 2212.10560). Six instructions of people and two of the model's in each
    prompt; ROUGE-L below 0.7 to all of the pool; banned words; classification tasks are answered label first.
    Different: the prompt asks for one instruction at a time, and whether a task is a classification is read
    from its words instead of asked.
    """
    need(seeds, "seed instructions", 4)
    pool = Likeness(0.7)
    made: list[Row] = []
    for seed in seeds:
        pool.add(seed)
    for attempt in range(rows * tries):
        if len(made) >= rows or kit.hopeless():
            break
        shown = kit.some(seeds, 6, "self", "seeds", attempt)
        shown += kit.some([row["instruction"] for row in made], 2, "self", "made", attempt)
        listed = "".join(f"{k}. {' '.join(one.split())}\n" for k, one in enumerate(shown, 1))
        prompt = f"Come up with a series of tasks:\n{listed}{len(shown) + 1}."
        try:
            text = await kit.go_on(prompt, "self", attempt, max_tokens=60, stop=["\n"])
            instruction = first_line(text)
            why = unfit(instruction) or ("like one of the pool" if pool.too_like(instruction) else "")
            if why:
                kit.lose("filter", why)
                continue
            output = await respond(kit, instruction, "self", "answer", attempt)
        except Lost as lost:
            kit.lose_with(lost)
            continue
        pool.add(instruction)
        label = _CLASSIFIES.search(instruction) is not None
        made.append(kit.keep({"instruction": instruction, "output": output, "classification": label}))
    return made


async def respond(kit: Kit, instruction: str, *names: str | int, max_tokens: int = 160) -> str:
    """The answer to an instruction; raises Lost for one that loops or only repeats it."""
    answer = await kit.chat(instruction, *names, max_tokens=max_tokens)
    repeated = "repeats the instruction" if normal(answer) == normal(instruction) else ""
    lose_if(fault(answer, NoLoop(0.4)) or repeated)
    return answer


#: What stands before the user's words in the chat format of each model family (Magpie's pre-query template).
TEMPLATES = {
    "chatml": ("<|im_start|>user\n", "<|im_end|>"),
    "llama3": ("<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"),
    "gemma": ("<start_of_turn>user\n", "<end_of_turn>"),
    "mistral": ("[INST] ", "[/INST]"),
}


async def magpie(
    kit: Kit, rows: int, *, template: str = "chatml", system: str = "", tries: int = 4
) -> list[Row]:
    """Instructions out of nothing: the model is given the beginning of a user's turn and writes that turn.

    Parameters
    ----------
    kit, rows, tries
        As for `self_instruct`.
    template
        One of `TEMPLATES`, or the pre-query text itself.
    system
        System message before the turn, to steer towards a field; only for ``chatml``.

    Returns
    -------
    list of dict
        ``instruction``, ``output``.

    Notes
    -----
    Source: Xu et al. 2024 (arXiv 2406.08464), with their filters that need no other model: length, repeats,
    refusals, near-duplicates (MinHash 0.7 in place of distances of embeddings). Needs the completions of an
    instruction-tuned model; chat endpoints that hide the template cannot do it.
    """
    before, stop = TEMPLATES.get(template, (template, "\n\n"))
    if system and template == "chatml":
        before = f"<|im_start|>system\n{system}<|im_end|>\n{before}"
    new = unlike(0.7)

    async def one(attempt: int) -> Row:
        text = await kit.go_on(before, "magpie", attempt, max_tokens=80, stop=[stop], temperature=1.0)
        question = text.strip()
        if not 3 <= len(question.split()) <= 150:
            raise Lost(Reason.INVALID, "too short or too long", stage="filter")
        lose_if(fault(question, NoLoop(0.3)))
        answer = await respond(kit, question, "magpie", "answer", attempt)
        if refusing(answer):
            lose_if("the answer refuses")
        return {"instruction": question, "output": answer}

    return await kit.gather(rows * tries, one, rows, new=lambda row: new(row["instruction"]))


_EVOLVE = {
    "constraint": "Rewrite the task so that it has one more requirement. Add 10 to 20 words.",
    "deepen": "Rewrite the task so that it asks about the same thing in more depth.",
    "concretise": "Rewrite the task, replacing general ideas with more specific ones.",
    "reasoning": "Rewrite the task so that it needs several steps of reasoning.",
    "input": "Rewrite the task so that it includes a short piece of data to work on.",
    "breadth": "Write a new task from the same field that is rarer than the given one.",
}
_LEAK = re.compile(r"#?\b(?:given|rewritten|created|new) (?:prompt|task)\b|rewrite the task", re.IGNORECASE)
_STOP_ONLY = word_set("the a an and or of to in is it this that for on with as i you we be are")


def elimination(before: str, after: str, answer: str) -> str:
    """Which of the paper's four rules drops an evolved instruction; empty for none.

    No information gained (here: ROUGE-L of 0.9 and more to what it came from), an answer of under 80 words
    that says sorry, an answer of stop words and punctuation only, words of the prompt copied into it.
    """
    kept = Likeness(0.9)
    kept.add(before)
    if kept.too_like(after):
        return "nothing gained"
    if "sorry" in answer.lower() and len(answer.split()) < 80:
        return "the answer says sorry"
    if not set(normal(answer).split()) - _STOP_ONLY:
        return "the answer is empty words"
    return "words of the prompt leaked" if _LEAK.search(after) else ""


async def evol_instruct(kit: Kit, seeds: Sequence[str], *, rounds: int = 4) -> list[Row]:
    """Instructions made harder or rarer, round after round; those that fail stay as they are in the pool.

    Parameters
    ----------
    kit, seeds
        As for `self_instruct`.
    rounds
        Rounds; each tries every instruction of the pool once.

    Returns
    -------
    list of dict
        ``instruction``, ``output``, ``parent``, ``operation``, ``round`` (from 1).

    Notes
    -----
    Source: Xu et al. 2023, WizardLM (arXiv 2304.12244): five operations in depth, one in breadth, four rules
    of elimination. Different: the rule of no information gain is a likeness instead of a question to a model.
    """
    need(seeds, "seed instructions")
    pool, made = list(seeds), []
    operations = list(_EVOLVE)
    for turn in range(1, rounds + 1):
        for place, parent in enumerate(pool):
            operation = operations[int(kit.draw("evol", turn, place).integers(len(operations)))]
            asked = f"{_EVOLVE[operation]} Write only the new task.\n\nTask: {parent}"
            try:
                text = await kit.chat(asked, "evol", turn, place, max_tokens=100)
                task = first_line(text.removeprefix("Task:"))
                why = unfit(task)
                if why:
                    kit.lose("filter", why)
                    continue
                output = await respond(kit, task, "evol", "answer", turn, place)
                why = elimination(parent, task, output)
            except Lost as lost:
                kit.lose_with(lost)
                continue
            if why:
                kit.lose("elimination", why)
                continue
            row = {"instruction": task, "output": output, "parent": parent, "operation": operation}
            made.append(kit.keep({**row, "round": turn}))
            pool[place] = task
    return made


async def backtranslation(
    kit: Kit, documents: Sequence[str], *, least: int = 4, judge: str = "", examples: str = ""
) -> list[Row]:
    """Instructions for which texts that people wrote would be the answers, each pair scored by a model.

    Parameters
    ----------
    kit
        As for `self_instruct`.
    documents
        Texts; each is tried once, its first 1,500 characters are shown.
    least
        Least score of 1 to 5 that is kept; the paper found 5 best. 0 skips scoring.
    judge
        Short name of the model that scores.
    examples
        Text before the prompt, for small models: pairs in the same form.

    Returns
    -------
    list of dict
        ``instruction``, ``output`` (the document), ``score``.

    Notes
    -----
    Source: Li et al. 2023 (arXiv 2308.06259). Different: no model is tuned between the rounds; the backward
    model is prompted.
    """
    judged = JudgeVerifier(
        "How well does the answer fulfil the instruction, as an expert assistant would?", least, model=judge
    )

    async def one(place: int) -> Row:
        text = documents[place]
        prompt = f"{examples}Text: {' '.join(text[:1500].split())}\nThe instruction that this text answers:"
        said = await kit.go_on(prompt, "back", place, max_tokens=50, stop=["\n"])
        instruction = first_line(said)
        why = unfit(instruction)
        if not why and normal(instruction) in normal(text):
            why = "copied from the text"
        lose_if(why)
        score = None
        if least:
            pair = f"Instruction: {instruction}\n\nAnswer: {text[:1500]}"
            seed = int(kit.draw("back", "judge", place).integers(2**31))
            score = await judged.score(pair, kit.engine, seed)
            if score is None or score < least:
                raise Lost(Reason.INVALID, f"scored {score}", stage="judge")
        return {"instruction": instruction, "output": text, "score": score}

    return await kit.gather(len(documents), one, len(documents))


async def personas(kit: Kit, texts: Sequence[str], *, minhash: float = 0.9) -> list[str]:
    """Who would write or read each text, in a sentence; near-duplicates taken away.

    Notes
    -----
    Source: Ge et al. 2024 (arXiv 2406.20094), text-to-persona, with MinHash at 0.9 as there.
    """
    new = unlike(minhash)
    example = (
        "Text: Rows of tomato seedlings need thinning once they have four leaves.\n"
        "Reader: a retired gardener who grows vegetables behind her house\n\n"
    )

    async def one(place: int) -> str:
        prompt = f"{example}Text: {' '.join(texts[place][:600].split())}\nReader:"
        said = first_line(await kit.go_on(prompt, "persona", place, max_tokens=30, stop=["\n"]))
        if not 3 <= len(said.split()) <= 40:
            raise Lost(Reason.INVALID, "too short or too long", stage="filter")
        return said

    return [said async for said in kit.several(len(texts), one, new=new)]


async def persona_driven(kit: Kit, who: Sequence[str], task: str, rows: int, *, tries: int = 3) -> list[Row]:
    """Texts of one task, each with the eyes of another persona.

    Parameters
    ----------
    kit, rows, tries
        As for `self_instruct`.
    who
        Personas, from `personas` or of your own; taken in turn.
    task
        What is to be written, e.g. ``a question to a librarian``.

    Returns
    -------
    list of dict
        ``persona``, ``text``.

    Notes
    -----
    Source: as `personas`; near-duplicates at MinHash 0.7.
    """
    need(who, "personas")
    new = unlike(0.7)

    async def one(attempt: int) -> Row:
        persona = who[attempt % len(who)]
        prompt = f"Write {task}, as {persona} would. Write only that, in one or two sentences."
        text = await kit.chat(prompt, "personas", attempt, max_tokens=80)
        lose_if(fault(text, NoLoop(), Refusal(False)))
        return {"persona": persona, "text": text}

    return await kit.gather(rows * tries, one, rows, new=lambda row: new(row["text"]))
